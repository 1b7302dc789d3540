"""Trains a small convolutional network on scikit-learn's handwritten digits and draws the result.

    python examples/digits.py [--output out] [--seed 0] [--epochs 40]

Writes digits_curve.png (loss and accuracy per epoch), digits_predictions.png (test digits with
their predictions, wrong ones in red), digits.keras (the model, which Keras 3 opens too) and
digits.nnseq (the model for C++ and C: examples/embed) into the output folder. A new process then
restores the model and predicts the same digits.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import nnseq as keras
from nnseq import layers


def load_data(seed):
    """Returns x_train (N, 8, 8, 1) in [0, 1], x_test, y_train (N,) in 0..9, y_test."""
    digits = load_digits()
    images = (digits.images[..., np.newaxis] / 16.0).astype("float32")
    return train_test_split(
        images, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )


def build_model():
    """Returns a compiled classifier (N, 8, 8, 1) -> (N, 10) probabilities."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=2e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def train(seed=0, epochs=40, verbose=1):
    """Returns (model, history, x_test, y_test); the seed fixes the split and the training."""
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = load_data(seed)
    model = build_model()
    if verbose:
        model.summary()
    history = model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=epochs,
        validation_data=(x_test, y_test),
        verbose=verbose,
    )
    return model, history.history, x_test, y_test


def draw_curve(history, path):
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axis.plot(epochs, history[name], label="train")
        axis.plot(epochs, history["val_" + name], label="test")
        axis.set(xlabel="epoch", ylabel=name)
        axis.grid(alpha=0.3)
        axis.legend()
    axes[0].set_yscale("log")
    figure.savefig(path, dpi=120)


def draw_predictions(images, labels, probabilities, path, rows=6, columns=12):
    """Draws rows x columns digits; all wrong ones are among them, titled `predicted (true)`."""
    predicted = probabilities.argmax(axis=1)
    wrong = predicted != labels
    shown = np.argsort(~wrong, kind="stable")[: rows * columns]
    figure = Figure(figsize=(columns, 1.25 * rows), layout="constrained")
    axes = figure.subplots(rows, columns)
    for axis, i in zip(axes.flat, shown, strict=True):
        axis.imshow(images[i, :, :, 0], cmap="gray_r")
        title = f"{predicted[i]} ({labels[i]})" if wrong[i] else f"{predicted[i]}"
        axis.set_title(title, fontsize=9, color="red" if wrong[i] else "black")
        axis.axis("off")
    figure.suptitle(f"{len(labels) - wrong.sum()} of {len(labels)} test digits right")
    figure.savefig(path, dpi=120)


RESTORE = """
import sys
import numpy as np
import nnseq
model_file, images, predictions = sys.argv[1:]
model = nnseq.models.load_model(model_file)
np.save(predictions, model.predict(np.load(images), verbose=0))
"""


def predict_in_new_process(model_file, images):
    """Returns what a fresh Python process predicts with the saved model."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "images.npy", Path(folder) / "predictions.npy"
        np.save(given, images)
        subprocess.run([sys.executable, "-c", RESTORE, model_file, given, found], check=True)
        return np.load(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("out"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()

    model, history, x_test, y_test = train(arguments.seed, arguments.epochs)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy: {accuracy:.2%} of {len(y_test)} digits")

    arguments.output.mkdir(parents=True, exist_ok=True)
    curve = arguments.output / "digits_curve.png"
    predictions = arguments.output / "digits_predictions.png"
    probabilities = model.predict(x_test, verbose=0)
    draw_curve(history, curve)
    draw_predictions(x_test, y_test, probabilities, predictions)
    print(f"saved {curve} and {predictions}")

    model_file = arguments.output / "digits.keras"
    model.save(model_file)
    restored = predict_in_new_process(model_file, x_test)
    if not np.array_equal(restored, probabilities):
        sys.exit(f"the model restored from {model_file} predicts something else")
    size = model_file.stat().st_size / 1024
    print(
        f"saved {model_file} ({size:.0f} KB); restored in a new process it predicts the same bits"
    )
    native = arguments.output / "digits.nnseq"
    model.export(native, classes=range(10), verbose=False)
    print(f"saved {native}, which programs in C++ and C load: see examples/embed")


if __name__ == "__main__":
    main()
