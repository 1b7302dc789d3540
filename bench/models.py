"""The models that are compared. One description each, in Keras' names, that every engine reads."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Layer = tuple[str, dict[str, Any]]
CROSS_ENTROPY = "sparse_categorical_crossentropy"
BINARY = "binary_crossentropy"
SQUARES = "mean_squared_error"


@dataclass(frozen=True)
class Model:
    """A row of layers, trained with Adam.

    vocabulary: the inputs are integers below it; 0: floats. classes: the labels are below it.
    steps: batches of one epoch, so many that an epoch takes about a second.
    """

    input_shape: tuple[int, ...]
    layers: list[Layer] = field(hash=False)
    loss: str
    batch: int
    steps: int
    vocabulary: int = 0
    classes: int = 10

    def data(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of `steps` batches, always the same."""
        rng = np.random.default_rng(0)
        rows = self.batch * steps
        shape = (rows, *self.input_shape)
        if self.vocabulary:
            x = rng.integers(0, self.vocabulary, shape, dtype="int32")
        else:
            x = rng.standard_normal(shape, dtype="float32")
        if self.loss == CROSS_ENTROPY:
            return x, rng.integers(0, self.classes, rows)
        if self.loss == BINARY:
            return x, rng.integers(0, 2, (rows, 1)).astype("float32")
        is_autoencoder = self.layers[-1][1].get("units") == self.input_shape[-1]
        return x, x if is_autoencoder else x.reshape(rows, -1)[:, :1].copy()


def _dense(units: int, activation: str | None = "relu") -> Layer:
    return "Dense", {"units": units, "activation": activation}


def _conv(filters: int, size: int = 3, activation: str | None = "relu", **more: Any) -> Layer:
    config = {"filters": filters, "kernel_size": size, "activation": activation}
    return "Conv2D", {**config, **more}


def _pool(size: int) -> Layer:
    return "MaxPooling2D", {"pool_size": size}


def _conv_norm(filters: int) -> list[Layer]:
    convolution = _conv(filters, activation=None, padding="same", use_bias=False)
    return [convolution, ("BatchNormalization", {}), ("ReLU", {})]


def _separable(filters: int) -> list[Layer]:
    config = {"filters": filters, "kernel_size": 3, "padding": "same", "use_bias": False}
    return [("SeparableConv2D", config), ("BatchNormalization", {}), ("ReLU", {})]


def mlp(width: int, batch: int, steps: int) -> Model:
    """784-width-width-10."""
    layers = [_dense(width), _dense(width), _dense(10, "softmax")]
    return Model((784,), layers, CROSS_ENTROPY, batch, steps)


FLAT: Layer = ("Flatten", {})
HEAD = _dense(10, "softmax")

MODELS = {
    "tiny": Model((8,), [_dense(16), _dense(1, "sigmoid")], BINARY, batch=32, steps=4000),
    "mlp32": mlp(512, batch=32, steps=400),
    "mlp128": mlp(512, batch=128, steps=120),
    "mnist_convnet": Model(
        (28, 28, 1),
        [_conv(32), _pool(2), _conv(64), _pool(2), FLAT, ("Dropout", {"rate": 0.5}), HEAD],
        CROSS_ENTROPY,
        batch=128,
        steps=25,
    ),
    "guide_stack": Model(
        (250, 250, 3),
        [
            *(_conv(32, 5, strides=2), _conv(32), _pool(3)),
            *(_conv(32), _conv(32), _pool(3)),
            *(_conv(32), _conv(32), _pool(2)),
            *(("GlobalMaxPooling2D", {}), HEAD),
        ],
        CROSS_ENTROPY,
        batch=8,
        steps=8,
    ),
    "cifar_vgg": Model(
        (32, 32, 3),
        [
            layer
            for filters in (32, 64, 128)
            for layer in [*_conv_norm(filters), *_conv_norm(filters), _pool(2)]
        ]
        + [FLAT, _dense(128), HEAD],
        CROSS_ENTROPY,
        batch=64,
        steps=8,
    ),
    "lstm": Model(
        (50, 8), [("LSTM", {"units": 64}), _dense(1, None)], SQUARES, batch=64, steps=150
    ),
    "text": Model(
        (200,),
        [
            ("Embedding", {"input_dim": 20000, "output_dim": 64}),
            ("GlobalAveragePooling1D", {}),
            _dense(64),
            _dense(1, "sigmoid"),
        ],
        BINARY,
        batch=64,
        steps=200,
        vocabulary=20000,
    ),
    "separable": Model(
        (32, 32, 3),
        [
            _conv(32, activation=None, padding="same", use_bias=False),
            ("BatchNormalization", {}),
            ("ReLU", {}),
            *_separable(64),
            _pool(2),
            *_separable(128),
            _pool(2),
            *_separable(256),
            ("GlobalAveragePooling2D", {}),
            HEAD,
        ],
        CROSS_ENTROPY,
        batch=64,
        steps=8,
    ),
    "autoencoder": Model(
        (784,),
        [_dense(128), _dense(32), _dense(128), _dense(784, None)],
        SQUARES,
        batch=128,
        steps=200,
    ),
    "conv1d": Model(
        (128, 9),
        [
            ("Conv1D", {"filters": 64, "kernel_size": 5, "activation": "relu"}),
            ("Conv1D", {"filters": 64, "kernel_size": 5, "activation": "relu"}),
            ("GlobalAveragePooling1D", {}),
            HEAD,
        ],
        CROSS_ENTROPY,
        batch=64,
        steps=50,
    ),
}


def find(name: str) -> Model:
    """A model by name; "mlp_w256_b32" is the MLP of that width and batch.

    Raises:
        ValueError: if there is none.
    """
    if made := re.fullmatch(r"mlp_w(\d+)_b(\d+)", name):
        width, batch = int(made[1]), int(made[2])
        work = 6 * batch * (784 * width + width * width + 10 * width)  # of a step, in operations
        return mlp(width, batch, steps=max(4, min(2000, int(2e10 / work))))
    if name not in MODELS:
        raise ValueError(f"no model is named {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name]
