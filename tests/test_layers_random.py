"""Layers with random arguments and input shapes against the same layers of Keras.

Values, output shapes (`compute_output_shape` too, before and after building), weights, states and
configurations in both directions. One configuration per layer in `make test`, 6 in the long run.
"""

import warnings

import numpy as np
import pytest

from nnseq import layers

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.keras


class Draw:
    """Random arguments, decided by a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def integer(self, low, high):
        return int(self.rng.integers(low, high))

    def one_of(self, *choices):
        return choices[self.integer(0, len(choices))]

    def maybe(self, probability, **arguments):
        return arguments if self.rng.random() < probability else {}

    def one_or_several(self, count, low, high):
        return self.one_of(
            self.integer(low, high), tuple(self.integer(low, high) for _ in range(count))
        )

    def shape(self, rank, least=4):
        """Sizes of `rank` axes of positions, then channels."""
        return (*(self.integer(least, 9) for _ in range(rank)), self.integer(1, 5))

    def sides(self, most):
        return self.one_of(self.integer(0, most), (self.integer(0, most), self.integer(0, most)))

    def four_sides(self, most):
        pair = (self.integer(0, most), self.integer(0, most))
        return self.one_of(self.sides(most), (pair, pair[::-1]))

    def format(self):
        return {"data_format": self.one_of(None, "channels_last", "channels_first")}


def convolution(draw, rank, equal_strides=False):
    arguments = {
        "kernel_size": draw.one_or_several(rank, 1, 4),
        "padding": draw.one_of("valid", "same"),
        "use_bias": draw.one_of(True, False),
        "activation": draw.one_of(None, "relu", "tanh"),
        **draw.format(),
    }
    name = draw.one_of("strides", "dilation_rate")
    several = not equal_strides or name == "dilation_rate"  # Keras on JAX wants them equal
    value = draw.one_or_several(rank, 1, 3) if several else draw.integer(1, 3)
    return {**arguments, **draw.maybe(0.8, **{name: value})}


def plain_convolution(draw, rank):
    shape = draw.shape(rank)
    arguments = convolution(draw, rank)
    if arguments["data_format"] != "channels_first":
        if rank == 1:
            arguments |= draw.maybe(0.3, padding="causal")
        arguments |= draw.maybe(0.4, groups=shape[-1])
    groups = arguments.get("groups", 1)
    return {"filters": groups * draw.integer(1, 4), **arguments}, shape


def transposed_convolution(draw, rank):
    arguments = convolution(draw, rank)
    strides = arguments.get("strides", 1)
    least = min(strides) if isinstance(strides, tuple) else strides
    arguments |= draw.maybe(0.4, output_padding=draw.integer(0, least))
    return {"filters": draw.integer(1, 4), **arguments}, draw.shape(rank)


def depthwise(draw, rank, **more):
    by_channel = {"depth_multiplier": draw.integer(1, 3)}
    return {**more, **by_channel, **convolution(draw, rank, equal_strides=True)}, draw.shape(rank)


def pooling(draw, rank):
    arguments = {
        "pool_size": draw.one_or_several(rank, 1, 4) if rank > 1 else draw.integer(1, 4),
        "strides": draw.one_of(None, draw.integer(1, 4)),
        "padding": draw.one_of("valid", "same"),
    }
    return {**arguments, **draw.format()}, draw.shape(rank)


def adaptive_pooling(draw, rank):
    return {"output_size": draw.one_or_several(rank, 1, 6), **draw.format()}, draw.shape(rank)


def global_pooling(draw, rank):
    return {"keepdims": draw.one_of(True, False), **draw.format()}, draw.shape(rank)


def normalized(draw, **more):
    chosen = {"center": draw.one_of(True, False), "scale": draw.one_of(True, False)}
    return {**chosen, "epsilon": draw.one_of(1e-3, 0.1), **more}, draw.shape(draw.integer(1, 3))


def rated(draw, rank, **more):
    return {"rate": draw.one_of(0.0, 0.5), **more}, draw.shape(rank)


ACTIVATIONS = [
    "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh",
]  # fmt: skip
# layer -> function of a Draw that gives (arguments, shape of a sample)
CASES = {
    "Activation": lambda d: ({"activation": d.one_of(*ACTIVATIONS)}, d.shape(1)),
    "ActivityRegularization": lambda d: ({"l1": 0.1, "l2": d.one_of(0.0, 0.2)}, d.shape(1)),
    "AdaptiveAveragePooling2D": lambda d: adaptive_pooling(d, 2),
    "AdaptiveAveragePooling3D": lambda d: adaptive_pooling(d, 3),
    "AdaptiveMaxPooling1D": lambda d: adaptive_pooling(d, 1),
    "AdaptiveMaxPooling3D": lambda d: adaptive_pooling(d, 3),
    "AveragePooling1D": lambda d: pooling(d, 1),
    "AveragePooling2D": lambda d: pooling(d, 2),
    "AveragePooling3D": lambda d: pooling(d, 3),
    "BatchNormalization": lambda d: normalized(d, axis=d.one_of(-1, 1), momentum=0.9),
    "Conv1D": lambda d: plain_convolution(d, 1),
    "Conv2D": lambda d: plain_convolution(d, 2),
    "Conv1DTranspose": lambda d: transposed_convolution(d, 1),
    "Conv2DTranspose": lambda d: transposed_convolution(d, 2),
    "Conv3D": lambda d: plain_convolution(d, 3),
    "Conv3DTranspose": lambda d: transposed_convolution(d, 3),
    "Cropping1D": lambda d: ({"cropping": d.sides(3)}, d.shape(1, 6)),
    "Cropping2D": lambda d: ({"cropping": d.four_sides(3), **d.format()}, d.shape(2, 6)),
    "Dense": lambda d: (
        {"units": d.integer(1, 5), "use_bias": d.one_of(True, False), "activation": "tanh"},
        d.shape(d.integer(0, 3)),
    ),
    "DepthwiseConv1D": lambda d: depthwise(d, 1),
    "DepthwiseConv2D": lambda d: depthwise(d, 2),
    "Dropout": lambda d: rated(d, 1, **d.maybe(0.5, noise_shape=(None, 1, None))),
    "ELU": lambda d: ({"alpha": d.one_of(1.0, 0.3)}, d.shape(1)),
    "Flatten": lambda d: (d.format(), d.shape(d.integer(0, 4))),
    "GaussianDropout": lambda d: rated(d, 1),
    "GaussianNoise": lambda d: ({"stddev": 0.5}, d.shape(1)),
    "GlobalAveragePooling1D": lambda d: global_pooling(d, 1),
    "GlobalAveragePooling2D": lambda d: global_pooling(d, 2),
    "GlobalMaxPooling1D": lambda d: global_pooling(d, 1),
    "GlobalMaxPooling2D": lambda d: global_pooling(d, 2),
    "Identity": lambda d: ({}, d.shape(1)),
    "LayerNormalization": lambda d: normalized(d, axis=d.one_of(-1, 1, [-1], [1, 2])),
    "LeakyReLU": lambda d: ({"negative_slope": d.one_of(0.3, 0.01)}, d.shape(1)),
    "MaxPooling1D": lambda d: pooling(d, 1),
    "MaxPooling2D": lambda d: pooling(d, 2),
    "MaxPooling3D": lambda d: pooling(d, 3),
    "PReLU": lambda d: ({"shared_axes": d.one_of(None, [1], [1, 2])}, d.shape(2)),
    "Permute": lambda d: ({"dims": d.one_of((2, 1, 3), [3, 1, 2], (1, 3, 2))}, d.shape(2)),
    "ReLU": lambda d: (
        {
            "max_value": d.one_of(None, 0.5, 6),
            "negative_slope": d.one_of(0.0, 0.1),
            "threshold": d.one_of(0.0, 0.3),
        },
        d.shape(1),
    ),
    "RepeatVector": lambda d: ({"n": d.integer(1, 4)}, d.shape(0)),
    "Rescaling": lambda d: (
        {"scale": d.one_of(0.5, 2), "offset": d.one_of(0.0, -1.5)},
        d.shape(2),
    ),
    "Reshape": lambda d: ({"target_shape": d.one_of((-1,), [2, -1])}, (4, *d.shape(1))),
    "SeparableConv1D": lambda d: depthwise(d, 1, filters=d.integer(1, 4)),
    "SeparableConv2D": lambda d: depthwise(d, 2, filters=d.integer(1, 4)),
    "Softmax": lambda d: ({"axis": d.one_of(-1, 1, [1, 2], (-1,))}, d.shape(2)),
    "SpatialDropout1D": lambda d: rated(d, 1),
    "SpatialDropout2D": lambda d: rated(d, 2, **d.format()),
    "UpSampling1D": lambda d: ({"size": d.integer(1, 4)}, d.shape(1)),
    "UpSampling2D": lambda d: (
        {
            "size": d.one_or_several(2, 1, 4),
            "interpolation": d.one_of("nearest", "bilinear"),
            **d.format(),
        },
        d.shape(2),
    ),
    "ZeroPadding1D": lambda d: ({"padding": d.sides(3), **d.format()}, d.shape(1)),
    "ZeroPadding2D": lambda d: ({"padding": d.four_sides(3), **d.format()}, d.shape(2)),
}


def near(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-5)


def without_dtype(config):
    return {key: value for key, value in config.items() if key not in ("name", "dtype")}


def check(name, seed):
    draw = Draw(seed)
    arguments, sample = CASES[name](draw)
    x = draw.rng.normal(size=(draw.integer(1, 4), *sample)).astype("float32")
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    free = (None, *sample)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras: DepthwiseConv2D on JAX
        try:
            expected = np.asarray(theirs(x))
        except ValueError:  # the input is too small
            with pytest.raises(ValueError, match=ours.name):
                ours(x)
            return
        if not expected.size:  # ours refuses empty outputs
            return
        assert tuple(ours.compute_output_shape(free)) == tuple(theirs.compute_output_shape(free))
        assert ours(x).shape == expected.shape
        weights = [draw.rng.uniform(0.5, 1.5, w.shape).astype("float32") for w in theirs.weights]
        ours.set_weights(weights)
        theirs.set_weights(weights)
        near(ours(x), theirs(x))
        assert tuple(ours.compute_output_shape(x.shape)) == expected.shape
        if name == "BatchNormalization":
            near(ours(x, training=True), theirs(x, training=True))
            for a, b in zip(ours.weights, theirs.weights, strict=True):
                near(a.numpy(), b)
    config = ours.get_config()
    assert type(ours).from_config(config).get_config() == config
    copied = type(theirs).from_config(config)
    assert without_dtype(type(ours).from_config(copied.get_config()).get_config()) == (
        without_dtype(config)
    )


@pytest.mark.parametrize("name", CASES)
def test_as_keras(name):
    check(name, 1)


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_as_keras_with_more_arguments(name):
    for seed in range(2, 8):
        check(name, seed)
