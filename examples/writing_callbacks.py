"""Fits a curve and watches itself: callbacks of our own stop, slow down and film the training.

    python examples/writing_callbacks.py [--output out] [--seed 0]

`RateFinder` raises the learning rate from epoch to epoch and suggests one before the loss explodes.
`Film` keeps what the model predicts after some epochs. `StopWhenGood` ends the training at
a goal and tells how long it took. The curve comes out with an error of 0.05, where the noise of
the points is 0.1. Draws writing_callbacks.png: the search for a rate, and the film.
"""

import time

import numpy as np
from matplotlib.figure import Figure

import nnseq as keras
from common import run
from nnseq import layers


class RateFinder(keras.callbacks.Callback):
    """Multiplies the learning rate by a factor after each epoch; stops when the loss explodes."""

    def __init__(self, start=1e-4, factor=1.07):
        super().__init__()
        self.start, self.factor = start, factor

    def on_train_begin(self, logs=None):
        self.rates, self.losses = [], []
        self.model.optimizer.learning_rate = self.start

    def on_epoch_end(self, epoch, logs=None):
        rate = float(self.model.optimizer.learning_rate)
        self.rates.append(rate)
        self.losses.append(logs["loss"])
        if self.losses[-1] > 2 * self.losses[0] or rate > 1:
            self.model.stop_training = True
        self.model.optimizer.learning_rate = rate * self.factor

    def suggestion(self):
        """A tenth of the rate at which the loss was lowest."""
        return self.rates[int(np.argmin(self.losses))] / 10


class Film(keras.callbacks.Callback):
    """Keeps what the model predicts for x after the given epochs."""

    def __init__(self, x, epochs):
        super().__init__()
        self.x, self.epochs, self.frames = x, epochs, {}

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.epochs:
            self.frames[epoch + 1] = self.model.predict(self.x, verbose=0)[:, 0]


class StopWhenGood(keras.callbacks.Callback):
    """Ends the training when `monitor` is at or below the goal."""

    def __init__(self, monitor, goal):
        super().__init__()
        self.monitor, self.goal = monitor, goal

    def on_train_begin(self, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] <= self.goal:
            seconds = time.perf_counter() - self.begin
            reached = f"{self.monitor} is {logs[self.monitor]:.4f}"
            print(f"{reached} after {epoch + 1} epochs, {seconds:.1f} s")
            self.model.stop_training = True


def curve(x):
    return np.sin(3 * x) * np.exp(-0.3 * np.square(x))


def build_model(rate=1e-3):
    """Returns a compiled model (N, 1) -> (N, 1)."""
    hidden = [layers.Dense(32, activation="tanh") for _ in range(2)]
    model = keras.Sequential([keras.Input((1,)), *hidden, layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="mean_squared_error")
    return model


def draw(finder, film, points, path):
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    left.loglog(finder.rates, finder.losses)
    left.axvline(finder.suggestion(), color="black", linestyle=":")
    left.set(xlabel="learning rate", ylabel="loss")
    right.scatter(*points, s=4, color="lightgray")
    for epoch, frame in film.frames.items():
        right.plot(film.x, frame, label=f"epoch {epoch}")
    right.plot(film.x, curve(film.x), color="black", linewidth=0.8, label="the curve")
    right.legend()
    figure.savefig(path, dpi=100)


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    x = random.uniform(-3, 3, (600, 1)).astype("float32")
    y = (curve(x) + random.normal(0, 0.1, x.shape)).astype("float32")

    finder = RateFinder()
    build_model().fit(x, y, batch_size=200, epochs=150, callbacks=[finder], verbose=0)
    rate = finder.suggestion()
    print(f"learning rate: {rate:.4f}")

    model = build_model(rate)
    film = Film(np.linspace(-3, 3, 200, dtype="float32")[:, np.newaxis], epochs=(1, 5, 20, 60))
    callbacks = [
        film,
        StopWhenGood("val_loss", goal=0.0115),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=20),
        keras.callbacks.LambdaCallback(on_train_end=lambda logs: print("that was all")),
    ]
    model.fit(x, y, batch_size=16, epochs=200, validation_split=0.2, callbacks=callbacks, verbose=0)
    error = np.sqrt(np.mean((model.predict(film.x, verbose=0) - curve(film.x)) ** 2))
    print(f"error of the curve {error:.3f}, noise of the points 0.1")
    draw(finder, film, (x, y), output / "writing_callbacks.png")
    return {"error": error}


if __name__ == "__main__":
    run(main, __doc__)
