"""Lays out handwritten digits in a plane: a variational autoencoder.

    python examples/vae.py [--output out] [--seed 0]

The encoder gives each image a place in the plane and an uncertainty; a layer of our own draws a
point there at random; the decoder makes an image of it. A second layer adds the Kullback-Leibler
divergence from a normal distribution to the loss, so that the plane is filled without gaps
(Kingma, Welling 2014). Two numbers say enough for digits to be drawn with 25 nats per image and
to be told by their neighbours in the plane in 76% of the cases. Draws vae.png: the whole plane.
"""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

import nnseq as keras
from common import draw_images, handwritten_digits, run
from nnseq import layers, ops

PLANE = 2


class Sampling(layers.Layer):
    """Draws a point of each normal distribution: [mean, logarithm of the variance] -> point."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs):
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


class Divergence(layers.Layer):
    """Adds the mean divergence from the standard normal distribution to the loss."""

    def call(self, inputs):
        mean, log_variance = inputs
        each = 0.5 * (ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance)
        self.add_loss(ops.mean(ops.sum(each, axis=-1)))
        return inputs


def cross_entropy(images, drawn):
    """The cross-entropy of each image in nats, the sum over its pixels."""
    return 64.0 * keras.losses.binary_crossentropy(
        ops.reshape(images, (-1, 64)), ops.reshape(drawn, (-1, 64))
    )


def build_models():
    """Returns the encoder, images -> [mean, log_variance], the decoder, and both, compiled."""
    images = keras.Input((8, 8, 1))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(images))
    x = layers.Dense(64, activation="relu")(x)
    encoder = keras.Model(images, [layers.Dense(PLANE)(x), layers.Dense(PLANE)(x)], name="encoder")
    decoder = keras.Sequential(
        [
            keras.Input((PLANE,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(64, activation="sigmoid"),
            layers.Reshape((8, 8, 1)),
        ],
        name="decoder",
    )
    distributions = Divergence()(encoder(images))
    model = keras.Model(images, decoder(Sampling()(distributions)))
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=cross_entropy)
    return encoder, decoder, model


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = handwritten_digits(seed)
    encoder, decoder, model = build_models()
    model.fit(x_train, x_train, batch_size=32, epochs=50, verbose=2)

    bound = model.evaluate(x_test, x_test, verbose=0)
    places = [encoder.predict(images, verbose=0)[0] for images in (x_train, x_test)]
    neighbours = KNeighborsClassifier(10).fit(places[0], y_train)
    told = neighbours.score(places[1], y_test)
    print(f"{bound:.1f} nats per unseen digit; {told:.1%} told by their neighbours in the plane")

    steps = np.linspace(-2, 2, 15)
    points = np.array([[(x, y) for x in steps] for y in steps[::-1]], "float32")
    drawn = decoder.predict(points.reshape(-1, PLANE), verbose=0).reshape(15, 15, 8, 8)
    draw_images(drawn, output / "vae.png")
    return {"nats": bound, "told": told}


if __name__ == "__main__":
    run(main, __doc__)
