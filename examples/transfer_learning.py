"""Names digits after two examples of each: what a model learnt for another question is used again.

    python examples/transfer_learning.py [--output out] [--seed 0]

A convolutional base learns from 1,347 digits whether they are odd and whether they are above four,
never which they are. Names are known of 20 images only. The base is frozen and a new head trained
on these; then all is trained a little further at a low rate (fine-tuning; batch normalization
stays as it was). Unseen digits named rightly: 66% by a model that learns from the 20 images alone,
91% on the frozen base; with so few images fine-tuning leaves it there. Draws transfer_learning.png.
"""

import numpy as np
from matplotlib.figure import Figure

import nnseq as keras
from common import handwritten_digits, run
from nnseq import layers

EXAMPLES = 2  # of each digit


def build_base():
    """Returns a model from images (N, 8, 8, 1) to features (N, 128)."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
        ],
        name="base",
    )


def with_head(base, classes):
    """Returns a classifier into so many classes; a frozen base runs as in `predict`, always."""
    image = keras.Input((8, 8, 1))
    features = base(image, training=None if base.trainable else False)
    features = layers.Dropout(0.3)(features)
    return keras.Model(image, layers.Dense(classes, activation="softmax")(features))


def train(model, data, rate, **options):
    """Compiles and trains; returns the history."""
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model.fit(*data, verbose=0, **options).history


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = handwritten_digits(seed)
    coarse = x_train, 2 * (y_train % 2) + (y_train > 4)
    named = np.concatenate([np.flatnonzero(y_train == digit)[:EXAMPLES] for digit in range(10)])
    few = x_train[named], y_train[named]
    options = {"batch_size": 5, "validation_data": (x_test, y_test)}
    curves = {}

    alone = with_head(build_base(), classes=10)
    curves["alone"] = train(alone, few, 3e-3, epochs=60, **options)["val_accuracy"]

    base = build_base()
    train(with_head(base, classes=4), coarse, 3e-3, batch_size=32, epochs=12)
    base.trainable = False
    model = with_head(base, classes=10)
    curves["frozen"] = train(model, few, 1e-2, epochs=60, **options)["val_accuracy"]

    base.trainable = True
    curves["tuned"] = train(model, few, 3e-4, epochs=30, **options)["val_accuracy"]

    found = {name: curve[-1] for name, curve in curves.items()}
    for name, accuracy in found.items():
        print(f"{name}: {accuracy:.1%} of {len(y_test)} unseen digits named rightly")
    draw(curves, output / "transfer_learning.png")
    return found


def draw(curves, path):
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axis = figure.subplots()
    axis.plot(curves["alone"], label="from 20 images alone")
    axis.plot(curves["frozen"], label="a head on the frozen base")
    begin = len(curves["frozen"])
    axis.plot(range(begin, begin + len(curves["tuned"])), curves["tuned"], label="then all, slowly")
    axis.set(xlabel="epoch", ylabel="unseen digits named rightly")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    run(main, __doc__)
