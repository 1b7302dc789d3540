"""Layers of volumes, and the rest of those of steps, against the same layers of Keras; the
comparisons are those of test_layers.py."""

import itertools

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops

pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
import keras
import test_layers as oracle
from test_layers import IMAGE, SEQUENCE, normal

pytestmark = pytest.mark.keras

FIRST = {"data_format": "channels_first"}
VOLUME = (2, 5, 6, 4, 4)
VALID = {"filters": 3, "kernel_size": 3}

# (class, arguments, input shape)
CASES = [
    ("Conv3D", VALID, VOLUME),
    ("Conv3D", {**VALID, "padding": "same", "strides": 2, "activation": "relu"}, VOLUME),
    ("Conv3D", {**VALID, "kernel_size": (2, 3, 1), "padding": "same", "use_bias": False}, VOLUME),
    ("Conv3D", {**VALID, "kernel_size": (1, 2, 3), "strides": (3, 1, 2)}, VOLUME),
    ("Conv3D", {**VALID, "kernel_size": 2, "strides": 3, "padding": "same"}, VOLUME),
    ("Conv3D", {**VALID, "kernel_size": 2, "dilation_rate": (3, 2, 1)}, VOLUME),
    ("Conv3D", {**VALID, "dilation_rate": 2, "padding": "same"}, VOLUME),
    ("Conv3D", {"filters": 6, "kernel_size": 2, "groups": 2, "strides": (2, 1, 1)}, VOLUME),
    ("Conv3D", {"filters": 4, "kernel_size": 3, "groups": 4, "padding": "same"}, VOLUME),
    ("Conv3D", {**VALID, "kernel_size": 1, "strides": 2}, (1, 4, 4, 4, 1)),
    ("Conv1DTranspose", VALID, SEQUENCE),
    ("Conv1DTranspose", {**VALID, "dilation_rate": 2, "use_bias": False}, SEQUENCE),
    *(
        ("Conv1DTranspose", {**sizes, "padding": padding, "output_padding": more}, SEQUENCE)
        for sizes in ({**VALID, "strides": 2}, {"filters": 2, "kernel_size": 1, "strides": 3})
        for padding in ("valid", "same")
        for more in (None, 0, 1)
    ),
    ("Conv3DTranspose", VALID, (2, 2, 3, 2, 3)),
    ("Conv3DTranspose", {**VALID, "kernel_size": 2, "dilation_rate": 2}, (2, 2, 3, 2, 3)),
    ("Conv3DTranspose", {**VALID, "dilation_rate": 2, "padding": "same"}, (2, 3, 3, 2, 3)),
    *(
        (
            "Conv3DTranspose",
            {
                "filters": 2,
                "kernel_size": size,
                "strides": strides,
                "padding": padding,
                "output_padding": more,
                "activation": "relu",
            },
            (2, 3, 2, 4, 5),
        )
        for size, strides in (((2, 1, 3), 2), ((4, 5, 1), 3), ((1, 5, 3), (3, 3, 2)))
        for padding in ("valid", "same")
        for more in (None, 0, (1, 0, 1))
    ),
    ("DepthwiseConv1D", {"kernel_size": 3}, SEQUENCE),
    (
        "DepthwiseConv1D",
        {"kernel_size": 2, "strides": 2, "padding": "same", "depth_multiplier": 3},
        SEQUENCE,
    ),
    (
        "DepthwiseConv1D",
        {"kernel_size": 2, "dilation_rate": 2, "use_bias": False, "activation": "tanh"},
        SEQUENCE,
    ),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 3}, SEQUENCE),
    (
        "SeparableConv1D",
        {"filters": 5, "kernel_size": 2, "strides": 2, "padding": "same", "use_bias": False},
        SEQUENCE,
    ),
    (
        "SeparableConv1D",
        {"filters": 5, "kernel_size": 2, "depth_multiplier": 2, "activation": "relu"},
        SEQUENCE,
    ),
    ("MaxPooling3D", {}, VOLUME),
    ("MaxPooling3D", {"pool_size": (3, 2, 1), "strides": 1, "padding": "same"}, VOLUME),
    ("MaxPooling3D", {"pool_size": 2, "strides": (1, 2, 3), **FIRST}, VOLUME),
    ("AveragePooling3D", {"pool_size": 2}, VOLUME),
    ("AveragePooling3D", {"pool_size": (2, 3, 2), "padding": "same"}, VOLUME),
    ("AveragePooling3D", {"pool_size": 3, "strides": 1, "padding": "same", **FIRST}, VOLUME),
    ("GlobalMaxPooling3D", {}, VOLUME),
    ("GlobalMaxPooling3D", {"keepdims": True, **FIRST}, VOLUME),
    ("GlobalAveragePooling3D", {}, VOLUME),
    ("GlobalAveragePooling3D", {"keepdims": True, **FIRST}, VOLUME),
    ("ZeroPadding3D", {}, VOLUME),
    ("ZeroPadding3D", {"padding": (0, 2, 1)}, VOLUME),
    ("ZeroPadding3D", {"padding": ((1, 0), (2, 3), (0, 0)), **FIRST}, VOLUME),
    ("Cropping3D", {}, VOLUME),
    ("Cropping3D", {"cropping": ((1, 2), (0, 3), (0, 1))}, VOLUME),
    ("Cropping3D", {"cropping": (2, 1, 0), **FIRST}, (2, 3, 5, 6, 4)),
    ("UpSampling3D", {}, VOLUME),
    ("UpSampling3D", {"size": (1, 3, 2), **FIRST}, VOLUME),
    *(
        (f"Adaptive{kind}Pooling{rank}D", {"output_size": size, **first}, shape)
        for kind in ("Max", "Average")
        for rank, shape in ((1, SEQUENCE), (2, IMAGE), (3, VOLUME))
        for size, first in ((1, {}), ([2, 3, 4][-rank:], {}), ([5, 2, 3][-rank:], FIRST))
    ),
]
IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_values_and_gradients(name, arguments, shape):
    oracle.test_values_and_gradients(name, arguments, shape)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_weights_and_shapes(name, arguments, shape):
    oracle.test_weights_and_shapes(name, arguments, shape)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_configuration_is_read_by_keras_and_back(name, arguments, shape):
    oracle.test_configuration_is_read_by_keras_and_back(name, arguments, shape)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Conv3D", {**VALID, "padding": "same"}),
        ("Conv3D", {**VALID, "padding": "same", "strides": 2}),
        ("Conv3D", {**VALID, "strides": 2}),
        ("Conv3DTranspose", {**VALID, "strides": 2, "padding": "same"}),
        ("MaxPooling3D", {"padding": "same"}),
        ("AdaptiveAveragePooling3D", {"output_size": 2}),
        ("UpSampling3D", {}),
    ],
)
def test_unknown_positions(name, arguments):
    """A model for volumes of any size gives what the layer gives for the size of its input."""
    model = nnseq.Sequential(
        [nnseq.Input((None, None, None, 4)), getattr(layers, name)(**arguments)]
    )
    x = normal(VOLUME)
    want = model.layers[-1](x).numpy()
    expected = (None,) * 4 if "Adaptive" not in name else (None, 2, 2, 2)
    assert model.output_shape == (*expected, want.shape[-1])
    np.testing.assert_array_equal(model.predict(x, verbose=0), want)


def integers(*shape):
    return np.random.default_rng(1).integers(-4, 5, shape).astype(np.float32)


def direct(x, w, strides):
    """The convolution by its definition, no padding, float64."""
    window, wide = w.shape[:-2], np.float64
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], window, strides, strict=True)]
    y = np.zeros((x.shape[0], *sizes, w.shape[-1]), wide)
    for tap in itertools.product(*map(range, window)):
        places = tuple(
            slice(k, k + s * (n - 1) + 1, s) for k, s, n in zip(tap, strides, sizes, strict=True)
        )
        y += x[(slice(None), *places)].astype(wide) @ w[tap].astype(wide)
    return y


def test_volumes_of_integers_are_exact():
    x, w = integers(2, 6, 5, 7, 3), integers(3, 2, 3, 3, 4)
    for strides in ((1, 1, 1), (2, 1, 3)):
        np.testing.assert_array_equal(ops.conv(x, w, strides), direct(x, w, strides))
    y, k = integers(2, 2, 3, 2, 5), integers(3, 2, 2, 4, 5)
    grown = ops.conv_transpose(y, k, (2, 1, 3)).numpy()  # <conv(z), y> = <z, conv_transpose(y)>
    z = integers(*grown.shape)
    assert (direct(z, k, (2, 1, 3)) * y).sum() == (z.astype(np.float64) * grown).sum()


def in_channels_first(x):
    return np.moveaxis(x, -1, 1).copy()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_functions_of_all_ranks(rank):
    """Both orders of axes; the values of layers are compared above."""
    x = integers(2, *(5, 6, 7)[:rank], 4)
    w, d, t = (integers(*[2] * rank, *ends) for ends in ((4, 3), (4, 2), (3, 4)))
    p = integers(*[1] * rank, 8, 3)
    calls = {
        "conv": lambda k, x, f: k.conv(x, w, 2, "same", f),
        "depthwise_conv": lambda k, x, f: k.depthwise_conv(x, d, 1, "valid", f),
        "separable_conv": lambda k, x, f: k.separable_conv(x, d, p, 1, "same", f),
        "conv_transpose": lambda k, x, f: k.conv_transpose(x, t, 2, "same", 1, f),
        "max_pool": lambda k, x, f: k.max_pool(x, 2, 1, "same", f),
        "average_pool": lambda k, x, f: k.average_pool(x, 3, 2, "same", f),
        "adaptive_max_pool": lambda k, x, f: k.adaptive_max_pool(x, 3, f),
        "adaptive_average_pool": lambda k, x, f: k.adaptive_average_pool(x, 4, f),
    }
    for name, call in calls.items():
        want = np.asarray(call(keras.ops, x, "channels_last"))
        np.testing.assert_allclose(
            call(ops, x, "channels_last").numpy(), want, rtol=1e-5, atol=1e-5, err_msg=name
        )
        first = call(ops, in_channels_first(x), "channels_first").numpy()
        np.testing.assert_allclose(first, in_channels_first(want), rtol=1e-5, atol=1e-5)


def test_adaptive_windows_of_all_sizes():
    for n, m in itertools.product(range(1, 9), range(1, 11)):
        x = integers(1, n, 2)
        ends = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        for function, reduced in (
            (ops.adaptive_max_pool, np.max),
            (ops.adaptive_average_pool, np.mean),
        ):
            want = np.stack([reduced(x[:, a:b], axis=1) for a, b in ends], axis=1)
            np.testing.assert_allclose(function(x, m), want, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Conv3D(2, (3, 3)), ["kernel_size", "three of them", "(3, 3)"]),
        (lambda: layers.Conv3D(2, 3, padding="causal"), ["padding", "causal"]),
        (lambda: layers.Conv3D(2, 3, strides=(1, 2, 1), dilation_rate=2), ["dilation_rate"]),
        (lambda: layers.Conv3D(2, 3)(normal(IMAGE)), ["conv3d", "ndim"]),
        (lambda: layers.Conv3D(2, 3)(normal((1, 2, 5, 5, 1))), ["conv3d", "zero or neg", "size 2"]),
        (lambda: layers.Conv3D(2, 3)(normal((1, 5, 5, 2, 1))), ["conv3d", "zero or negative"]),
        (lambda: layers.Conv3D(3, 3, groups=2), ["groups", "3"]),
        (lambda: layers.Conv3DTranspose(2, 3, strides=2, output_padding=2), ["strictly less"]),
        (
            lambda: layers.Conv1DTranspose(2, 3, strides=2, output_padding=(1, 1)),
            ["output_padding"],
        ),
        (lambda: layers.DepthwiseConv1D(3, padding="causal"), ["padding", "causal"]),
        (lambda: layers.SeparableConv1D(2, 3, strides=2, dilation_rate=2), ["dilation_rate"]),
        (lambda: layers.MaxPooling3D(3)(normal((1, 2, 5, 5, 1))), ["max_pooling3d", "zero or neg"]),
        (lambda: layers.ZeroPadding3D((1, 2)), ["padding", "three elements"]),
        (lambda: layers.Cropping3D(2)(normal(VOLUME)), ["cropping", "smaller"]),
        (lambda: layers.UpSampling3D(0), ["size", "positive"]),
        (lambda: layers.AdaptiveMaxPooling2D((2, 0)), ["output_size", "positive"]),
        (lambda: ops.conv(normal((2, 3)), normal((2, 3))), ["conv", "(batch, depth"]),
        (lambda: ops.max_pool(normal(IMAGE), 2, data_format="first"), ["data_format", "first"]),
    ],
)
def test_wrong_use_is_answered_in_a_line(make, words):
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as error:
        make()
    for word in words:
        assert word in str(error.value)
    with pytest.raises(TypeError, match="output_size"):
        layers.AdaptiveMaxPooling2D("all")
