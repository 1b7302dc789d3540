"""Normalizations, EinsumDense and further dropouts against Keras, as in test_layers.py."""

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops

pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
import test_layers as oracle
from test_layers import IMAGE, SEQUENCE, VECTOR, normal

pytestmark = pytest.mark.keras

VOLUME = (2, 3, 4, 3, 4)

# (class, arguments, input shape)
CASES = [
    ("GroupNormalization", {"groups": 2}, IMAGE),
    ("GroupNormalization", {"groups": -1, "epsilon": 0.1}, SEQUENCE),
    ("GroupNormalization", {"groups": 7, "center": False}, VECTOR),
    ("GroupNormalization", {"groups": 3, "axis": 1, "gamma_initializer": "he_normal"}, IMAGE),
    ("GroupNormalization", {"groups": 2, "axis": -3, "scale": False}, IMAGE),
    ("RMSNormalization", {}, SEQUENCE),
    ("RMSNormalization", {"axis": [2, 3], "epsilon": 0.1}, IMAGE),
    ("UnitNormalization", {}, VECTOR),
    ("UnitNormalization", {"axis": [1, 2]}, SEQUENCE),
    ("AlphaDropout", {"rate": 0.3, "seed": 1, "noise_shape": (None, 1)}, VECTOR),
    ("SpatialDropout3D", {"rate": 0.3}, VOLUME),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 5, "bias_axes": "c"}, VECTOR),
    (
        "EinsumDense",
        {
            "equation": "abc,cde->abde",
            "output_shape": (5, 2, 3),
            "bias_axes": "e",
            "activation": "relu",
            "kernel_initializer": "he_normal",
        },
        SEQUENCE,
    ),
    (
        "EinsumDense",
        {"equation": "...cd,de->...ce", "output_shape": (5, 3), "bias_axes": "ce"},
        IMAGE,
    ),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 3, "bias_axes": "c"}, IMAGE),
    ("EinsumDense", {"equation": "abc,bd->adc", "output_shape": (3, 4)}, SEQUENCE),
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


def test_group_normalization_of_any_size():
    layer = layers.GroupNormalization(2)
    run = nnseq.Sequential([nnseq.Input((None, None, 4)), layer])
    for size in (3, 5):
        x = normal((2, size, 4, 4))
        got = run.predict(x, verbose=0)
        groups = x.reshape(2, -1, 2, 2)
        centred = groups - groups.mean((1, 3), keepdims=True)
        want = centred / np.sqrt((centred**2).mean((1, 3), keepdims=True) + 1e-3)
        np.testing.assert_allclose(got, want.reshape(x.shape), atol=1e-5)


def test_alpha_dropout_keeps_mean_and_variance():
    layer, x = layers.AlphaDropout(0.3, seed=2), normal((300, 200))
    y = layer(x, training=True).numpy()
    assert abs(y.mean() - x.mean()) < 0.02
    assert abs(y.std() - x.std()) < 0.02
    values, counts = np.unique(y, return_counts=True)
    assert (counts > 1000).sum() == 1
    assert abs((y == values[counts.argmax()]).mean() - 0.3) < 0.01
    steps = layers.AlphaDropout(0.5, noise_shape=(None, 1, 2), seed=1)(
        ops.ones((40, 3, 2)), training=True
    )
    np.testing.assert_array_equal(steps.numpy(), np.broadcast_to(steps[:, :1].numpy(), (40, 3, 2)))


def test_spatial_dropout_3d_drops_channels():
    y = layers.SpatialDropout3D(0.5, seed=1)(np.ones((4, 2, 3, 2, 5), "float32"), training=True)
    np.testing.assert_array_equal(y.numpy(), np.broadcast_to(y[:, :1, :1, :1].numpy(), y.shape))
    assert set(np.unique(y.numpy())) == {0, 2}


def test_einsum_dense_takes_unknown_sizes_from_the_input():
    layer = layers.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d")
    assert layer(nnseq.Input((5, 4))).shape == (None, 5, 8)
    assert layers.EinsumDense("abc,cd->abd", (None, 8))(nnseq.Input((None, 4))).shape[1] is None


def test_einsum_dense_initial_values_are_scaled_by_its_axes():
    layer = layers.EinsumDense("abc,cde->abde", (None, 8, 16), kernel_initializer="glorot_uniform")
    layer.build((None, 3, 32))
    limit = np.sqrt(6 / (32 + 8 * 16))
    kernel = layer.get_weights()[0]
    assert 0.98 * limit < np.abs(kernel).max() <= limit


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: layers.GroupNormalization(0), "groups"),
        (lambda: layers.GroupNormalization(3)(normal(VECTOR)), r"\(3\) must divide.*\(7\)"),
        (
            lambda: layers.GroupNormalization(2).build((None, None)),
            "Axis -1 of the inputs must be known",
        ),
        (lambda: layers.EinsumDense("ab->b", 3)(normal(VECTOR)), "Invalid einsum equation"),
        (lambda: layers.EinsumDense("...a...,ab->...b...", 3)(normal(VECTOR)), "Invalid einsum"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3)(normal(SEQUENCE)), "3 dimensions"),
        (lambda: layers.EinsumDense("ab,bc->ac", (3, 4))(normal(VECTOR)), "must give a size"),
        (lambda: layers.EinsumDense("ab,bc->abc", (6, 4))(normal(VECTOR)), "dimension 'b'"),
        (lambda: layers.EinsumDense("ab,bc->acd", (6, 4))(normal(VECTOR)), "'d' was specified"),
        (lambda: layers.EinsumDense("ab,bcd->ac", 6)(normal(VECTOR)), "dimension 'd'"),
        (lambda: layers.EinsumDense("ab,bc->ac", 6, bias_axes="z")(normal(VECTOR)), "'z'"),
        (lambda: layers.AlphaDropout(2), "rate"),
    ],
)
def test_errors(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_unit_normalization_refuses_an_axis_that_is_no_axis():
    with pytest.raises(TypeError, match="axis"):
        layers.UnitNormalization("last")
