"""Takes the noise out of handwritten digits: an autoencoder of convolutions.

    python examples/autoencoder.py [--output out] [--seed 0]

The encoder makes 24 numbers of an image, the decoder makes the image of them again. The model is
given noisy images and asked for the clean ones; its noise is new in each epoch, by a layer that
works in training only. On unseen digits it leaves 22% of the error that the noise made.
Draws autoencoder.png.
"""

import numpy as np

import nnseq as keras
from common import draw_images, handwritten_digits, run
from nnseq import layers

NOISE = 0.3  # standard deviation; images are in [0, 1]


def build_model():
    """Returns a compiled autoencoder (N, 8, 8, 1) -> (N, 8, 8, 1)."""
    encoder = [
        keras.Input((8, 8, 1)),
        layers.GaussianNoise(NOISE),
        layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(24, name="code"),
    ]
    decoder = [
        layers.Dense(2 * 2 * 32, activation="relu"),
        layers.Reshape((2, 2, 32)),
        layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
    ]
    model = keras.Sequential([*encoder, *decoder])
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mean_squared_error")
    return model


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    x_train, x_test, _, _ = handwritten_digits(seed)
    model = build_model()
    model.summary()
    model.fit(x_train, x_train, batch_size=32, epochs=40, verbose=2)

    noise = np.random.default_rng(seed).normal(0, NOISE, x_test.shape)
    noisy = (x_test + noise).astype("float32")
    cleaned = model.predict(noisy, verbose=0)
    left = np.mean((cleaned - x_test) ** 2) / np.mean((noisy - x_test) ** 2)
    print(f"of the noise in {len(x_test)} unseen digits {left:.0%} is left (mean squared error)")
    titles = [[f"{NOISE} of noise"], ["without it, as the model sees it"], ["as they were"]]
    draw_images([noisy[:12], cleaned[:12], x_test[:12]], output / "autoencoder.png", titles)
    return {"left": left}


if __name__ == "__main__":
    run(main, __doc__)
