"""Learns handwritten digits from 150 images, with and without changing them at random.

    python examples/augmentation.py [--output out] [--seed 0] [--epochs 80]

Each epoch sees the training images turned, moved and zoomed a little, by layers inside of the
model that do nothing in `evaluate` and `predict`. Writes augmented_digits.png (some digits and
what the layers made of them) into the output folder, and prints how many of 1,647 other digits
both models tell right: 92% and 96% with seed 0, 95% and 98% with seed 1.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import nnseq as keras
from nnseq import layers

TRAINING_IMAGES = 150


def load_data(seed):
    """Returns x_train (150, 8, 8, 1) in [0, 1], x_test, y_train (150,) in 0..9, y_test."""
    digits = load_digits()
    images = (digits.images[..., np.newaxis] / 16.0).astype("float32")
    return train_test_split(
        images, digits.target, train_size=TRAINING_IMAGES, stratify=digits.target, random_state=seed
    )


def enlarged():
    """Returns the layers that give an image room and pixels to be moved: (8, 8) -> (16, 16)."""
    return [layers.ZeroPadding2D(1), layers.Resizing(16, 16)]


def augmentation():
    """Returns the layers that change images in training; what comes in is black."""
    edge = {"fill_mode": "constant", "fill_value": 0.0}
    return [
        layers.RandomRotation(0.04, **edge),
        layers.RandomTranslation(0.08, 0.08, **edge),
        layers.RandomZoom(0.1, 0.1, **edge),
    ]


def build_model(augmented):
    """Returns a compiled classifier (N, 8, 8, 1) -> (N, 10) probabilities."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            *enlarged(),
            *(augmentation() if augmented else []),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=3e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def accuracy(augmented, seed=0, epochs=80):
    """Returns the accuracy on the test images after training."""
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = load_data(seed)
    model = build_model(augmented)
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=0)
    return model.evaluate(x_test, y_test, verbose=0)[1]


def draw(images, path, copies=8):
    """Draws a row for each image: the image, then what the layers make of it."""
    enlarge, change = keras.Sequential(enlarged()), keras.Sequential(augmentation())
    images = enlarge(images).numpy()
    figure = Figure(figsize=(copies + 1, len(images)), layout="constrained")
    axes = figure.subplots(len(images), copies + 1)
    shown = [images, *(change(images, training=True).numpy() for _ in range(copies))]
    for column, changed in enumerate(shown):
        for axis, image in zip(axes[:, column], changed, strict=True):
            axis.imshow(image[:, :, 0], cmap="gray_r", vmin=0, vmax=1)
            axis.axis("off")
        axes[0, column].set_title("given" if column == 0 else f"epoch {column}", fontsize=9)
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("out"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=80)
    arguments = parser.parse_args()

    arguments.output.mkdir(parents=True, exist_ok=True)
    picture = arguments.output / "augmented_digits.png"
    draw(load_data(arguments.seed)[0][:6], picture)
    print(f"saved {picture}")
    for augmented in (False, True):
        found = accuracy(augmented, arguments.seed, arguments.epochs)
        how = "with augmentation" if augmented else "as they are"
        print(f"trained on {TRAINING_IMAGES} digits {how}: {found:.1%} of the others right")


if __name__ == "__main__":
    main()
