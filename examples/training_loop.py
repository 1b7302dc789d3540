"""Unrolls two spirals: a training loop from scratch, with a GradientTape and an optimizer.

    python examples/training_loop.py [--output out] [--seed 0]

Everything that `fit` does is written out here: batches in a new order in each epoch, the step,
metrics that are updated and reset, a validation, and the weights of the best epoch, which are
kept. `nnseq.function` (in TensorFlow `tf.function`) makes one Program of the step, so that the
loop takes as long as `fit`; without that line it does the same, op by op and slowly. Of unseen
points 99% are put on the right spiral. Draws training_loop.png: what the model thinks of the whole
plane after 5 epochs, after 20, and at the end.
"""

import numpy as np
from matplotlib.figure import Figure

import nnseq as keras
from common import run
from nnseq import layers


def spirals(count, random):
    """Returns points (count, 2) on two arms with some noise, and the arm of each, (count, 1)."""
    arm = np.arange(count)[:, np.newaxis] % 2
    turn = 3 * np.pi * np.sqrt(random.uniform(0.02, 1, (count, 1)))
    angle = turn + np.pi * arm
    points = turn / 8 * np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    return (points + random.normal(0, 0.04, points.shape)).astype("float32"), arm.astype("float32")


def build_model():
    """Returns a model (N, 2) -> (N, 1), the probability of the second arm."""
    hidden = [layers.Dense(64, activation="relu") for _ in range(3)]
    return keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1, activation="sigmoid")])


def train(model, data, validation, random, epochs, batch_size=40):
    """Yields the accuracy on the validation data after each epoch."""
    x, y = data
    optimizer = keras.optimizers.Adam(1e-2)
    loss_of = keras.losses.BinaryCrossentropy()
    mean_loss = keras.metrics.Mean()
    accuracy = keras.metrics.BinaryAccuracy()

    @keras.function
    def train_step(x, y):
        with keras.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply(gradients, model.trainable_weights)
        mean_loss.update_state(loss)

    for epoch in range(1, epochs + 1):
        mean_loss.reset_state()
        for rows in np.array_split(random.permutation(len(x)), len(x) // batch_size):
            train_step(x[rows], y[rows])

        accuracy.reset_state()
        accuracy.update_state(validation[1], model(validation[0], training=False))
        found = float(accuracy.result())
        print(f"epoch {epoch}: loss {float(mean_loss.result()):.4f}, validation {found:.1%}")
        yield found


def draw(stages, points, arms, path):
    figure = Figure(figsize=(4 * len(stages), 4), layout="constrained")
    for axis, (title, plane) in zip(figure.subplots(1, len(stages)), stages.items(), strict=True):
        axis.imshow(
            plane, extent=(-1.4, 1.4, -1.4, 1.4), origin="lower", cmap="PuOr", vmin=0, vmax=1
        )
        axis.scatter(*points.T, c=arms[:, 0], s=6, cmap="PuOr", edgecolors="black", linewidths=0.3)
        axis.set_title(title)
        axis.axis("off")
    figure.savefig(path, dpi=100)


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    data, validation, test = (spirals(count, random) for count in (800, 300, 1000))
    model = build_model()
    steps = np.linspace(-1.4, 1.4, 100, dtype="float32")
    plane = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)

    stages, best, weights = {}, 0.0, model.get_weights()
    for epoch, found in enumerate(train(model, data, validation, random, epochs=40), start=1):
        if found > best:
            best, weights = found, model.get_weights()
        if epoch in (5, 20):
            stages[f"after {epoch} epochs"] = model(plane).numpy().reshape(100, 100)
    model.set_weights(weights)
    stages["of the best epoch"] = model(plane).numpy().reshape(100, 100)

    right = np.mean((model(test[0]).numpy() > 0.5) == test[1])
    print(f"{right:.1%} of {len(test[0])} unseen points on the right spiral")
    draw(stages, *data, output / "training_loop.png")
    return {"right": right}


if __name__ == "__main__":
    run(main, __doc__)
