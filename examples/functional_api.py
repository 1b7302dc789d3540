"""Adds two handwritten digits and tells which is larger: a model with two inputs and two outputs.

    python examples/functional_api.py [--output out] [--seed 0]

The reader, a small convolutional model, is used as a layer for both images, with one set of
weights. Nobody tells it what the digits are: the model is trained on sums and comparisons only.
Of pairs of digits that it has not seen it adds 97% rightly; the reader alone, with one new layer
behind it, then names 98% of the digits after 50 examples. Draws functional_api.png.
"""

import numpy as np

import nnseq as keras
from common import draw_images, handwritten_digits, run
from nnseq import layers


def pairs(images, digits, count, random):
    """Returns the inputs and the targets of the model for pairs of the images, by name."""
    a, b = random.integers(0, len(images), (2, count))
    inputs = {"left": images[a], "right": images[b]}
    return inputs, {"sum": digits[a] + digits[b], "larger": (digits[a] > digits[b]).astype("f4")}


def build_reader():
    """Returns a model from images (N, 8, 8, 1) to what it sees in them (N, 32)."""
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(32, activation="relu")(x), name="reader")


def build_model(reader):
    """Returns a compiled model {left, right} -> {sum: (N, 19) probabilities, larger: (N, 1)}."""
    inputs = [keras.Input((8, 8, 1), name=name) for name in ("left", "right")]
    left, right = (reader(image) for image in inputs)
    added = layers.Dense(64, activation="relu")(layers.add([left, right]))
    outputs = {
        "sum": layers.Dense(19, activation="softmax", name="sum")(added),
        "larger": layers.Dense(1, activation="sigmoid", name="larger")(
            layers.subtract([left, right])
        ),
    }
    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(5e-3),
        loss={"sum": "sparse_categorical_crossentropy", "larger": "binary_crossentropy"},
        loss_weights={"sum": 1.0, "larger": 0.5},
        metrics={"sum": "accuracy", "larger": "accuracy"},
    )
    return model


def name_digits(reader, images, digits):
    """Returns a model that names digits: the reader as it is, and one layer that is trained."""
    reader.trainable = False
    model = keras.Sequential([reader, layers.Dense(10, activation="softmax")])
    model.compile(
        keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(images, digits, epochs=60, verbose=0)
    return model


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    x_train, x_test, y_train, y_test = handwritten_digits(seed)
    reader = build_reader()
    model = build_model(reader)
    model.summary()
    inputs, targets = pairs(x_train, y_train, 16000, random)
    model.fit(inputs, targets, batch_size=64, epochs=6, verbose=2)

    inputs, targets = pairs(x_test, y_test, 2000, random)
    found = model.evaluate(inputs, targets, return_dict=True, verbose=0)
    naming = name_digits(reader, x_train[:50], y_train[:50])
    naming_accuracy = naming.evaluate(x_test, y_test, verbose=0)[1]
    print(
        f"pairs of unseen digits: {found['sum_accuracy']:.1%} of the sums right, "
        f"{found['larger_accuracy']:.1%} of the comparisons; "
        f"digits named after seeing 50: {naming_accuracy:.1%}"
    )

    shown = {side: images[:12] for side, images in inputs.items()}
    sums = model.predict(shown, verbose=0)["sum"].argmax(axis=1)
    draw_images(
        shown.values(), output / "functional_api.png", [[], [f"+      = {sum}" for sum in sums]]
    )
    return {
        "sum": found["sum_accuracy"],
        "larger": found["larger_accuracy"],
        "name": naming_accuracy,
    }


if __name__ == "__main__":
    run(main, __doc__)
