"""Paints a photograph: layers and a model of our own learn the colour of each point of a picture.

    python examples/subclassing.py [--output out] [--seed 0]

A network of a few layers is given the two coordinates of a point and asked for its red, green and
blue. Plain coordinates leave it with a blur; a layer that turns them into sines and cosines of
many frequencies first (Tancik et al. 2020) lets it see details: 28 dB of signal to noise instead
of 22 dB. The photograph comes with scikit-learn. Draws subclassing.png.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

import nnseq as keras
from common import run
from nnseq import layers, ops


class FourierFeatures(layers.Layer):
    """Sines and cosines of random mixtures of the inputs: (N, D) -> (N, 2 * count)."""

    def __init__(self, count, scale, **kwargs):
        super().__init__(**kwargs)
        self.count, self.scale = count, scale

    def build(self, input_shape):
        self.frequencies = self.add_weight(
            shape=(input_shape[-1], self.count),
            initializer=keras.initializers.RandomNormal(stddev=self.scale),
            trainable=False,
            name="frequencies",
        )

    def call(self, x):
        angles = ops.matmul(x, self.frequencies)
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def get_config(self):
        return {**super().get_config(), "count": self.count, "scale": self.scale}


class Residual(layers.Layer):
    """Adds to its input what two layers make of it: (N, units) -> (N, units)."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.inner = layers.Dense(units, activation="gelu")
        self.outer = layers.Dense(units, kernel_initializer="zeros")

    def call(self, x):
        return x + self.outer(self.inner(x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Painter(keras.Model):
    """From points (N, 2) in [-1, 1] to colours (N, 3) in [0, 1]."""

    def __init__(self, features, blocks=2, units=64, **kwargs):
        super().__init__(**kwargs)
        self.features = features
        self.first = layers.Dense(units)
        self.blocks = [Residual(units) for _ in range(blocks)]
        self.colours = layers.Dense(3, activation="sigmoid")

    def call(self, points):
        x = self.first(self.features(points))
        for block in self.blocks:
            x = block(x)
        return self.colours(x)


def photograph():
    """Returns points (N, 2) in [-1, 1], their colours (N, 3) in [0, 1], and the picture's shape."""
    picture = load_sample_image("flower.jpg")[40:376, 120:520] / 255.0
    picture = picture.reshape(42, 8, 50, 8, 3).mean(axis=(1, 3)).astype("float32")
    rows, columns = picture.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    return (
        np.stack([x, y], axis=-1).reshape(-1, 2).astype("f4"),
        picture.reshape(-1, 3),
        picture.shape,
    )


def draw(pictures, path):
    figure = Figure(figsize=(4 * len(pictures), 3.6), layout="constrained")
    for axis, (title, picture) in zip(
        figure.subplots(1, len(pictures)), pictures.items(), strict=True
    ):
        axis.imshow(picture)
        axis.set_title(title)
        axis.axis("off")
    figure.savefig(path, dpi=100)


def main(output, seed=0):
    points, colours, shape = photograph()
    pictures, decibels = {"photograph": colours.reshape(shape)}, {}
    for name, features in {
        "coordinates": layers.Identity(),
        "fourier": FourierFeatures(64, scale=6.0),
    }.items():
        keras.utils.set_random_seed(seed)
        painter = Painter(features, name=name)
        painter.compile(optimizer=keras.optimizers.Adam(4e-3), loss="mean_squared_error")
        painter.fit(points, colours, batch_size=64, epochs=40, verbose=2)
        painted = painter.predict(points, batch_size=1024, verbose=0)
        decibels[name] = -10 * np.log10(np.mean((painted - colours) ** 2))
        pictures[f"{name}: {decibels[name]:.1f} dB"] = painted.reshape(shape)
    painter.summary()
    print(", ".join(f"{name}: {value:.1f} dB" for name, value in decibels.items()))
    draw(pictures, output / "subclassing.png")
    return decibels


if __name__ == "__main__":
    run(main, __doc__)
