"""Masking, Lambda and TimeDistributed against Keras, and how masks go from layer to layer."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops
from nnseq.engine.traced import Traced
from nnseq.saving import register_keras_serializable

keras = pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
from test_layers import (  # noqa: E402
    MASK,
    SEQUENCE,
    assert_close,
    keras_gradients,
    normal,
    our_gradients,
)

pytestmark = pytest.mark.keras
LIBRARIES = (nnseq, keras)
VIDEO = (2, 4, 5, 5, 3)


def masked_input(value=0.0):
    x = normal(SEQUENCE)
    x[~MASK] = value
    return x


def mask_of(x):
    mask = getattr(x, "_keras_mask", None)
    return None if mask is None else np.asarray(mask)


# --- Masking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, -1.5])
def test_masking(value):
    x = masked_input(value)
    ours, theirs = (lib.layers.Masking(value, name="m") for lib in LIBRARIES)
    y, want = ours(x), theirs(x)
    np.testing.assert_array_equal(y.numpy(), np.asarray(want))
    np.testing.assert_array_equal(mask_of(y), MASK)
    np.testing.assert_array_equal(np.asarray(ours.compute_mask(x)), mask_of(want))
    got, wanted = (f(layer, x, normal(SEQUENCE, 3), {}) for f, layer in (
        (our_gradients, ours), (keras_gradients, theirs)
    ))  # fmt: skip
    np.testing.assert_array_equal(got[0], wanted[0])
    config = json.loads(json.dumps(ours.get_config()))
    assert keras.layers.Masking.from_config(config).mask_value == value
    assert layers.Masking.from_config(theirs.get_config()).get_config() == ours.get_config()


def chain(lib):
    """A functional model in which a mask is kept, joined, used and weights the loss."""
    kl = lib.layers
    x = lib.Input((5, 4), name="x")
    kept = kl.Masking(name="masking")(x)
    a = kl.Dense(4, activation="tanh", name="a")(kept)
    b = kl.LayerNormalization(name="norm")(kl.Dropout(0.0, name="dropout")(a))
    both = kl.Add(name="add")([kept, b])
    rnn = kl.SimpleRNN(3, return_sequences=True, name="rnn")(both)
    steps = kl.TimeDistributed(kl.Dense(2, name="inner"), name="steps")(rnn)
    pooled = kl.GlobalAveragePooling1D(name="pool")(steps)
    return lib.Model(x, [steps, kl.Dense(1, name="last")(pooled)])


def test_masks_reach_the_losses_of_a_functional_model():
    x = np.concatenate([masked_input()[:2]] * 4)
    y = [normal((8, 5, 2), 1), normal((8, 1), 2)]
    ours, theirs = chain(nnseq), chain(keras)
    ours.set_weights(w := [0.3 * normal(v.shape, k) for k, v in enumerate(ours.weights)])
    theirs.set_weights(w)
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]
    for model in (ours, theirs):
        model.compile("sgd", loss=["mse", "mae"], weighted_metrics=[["mae"], []])
    got, want = (
        m.evaluate(x, y, batch_size=4, verbose=0, return_dict=True) for m in (ours, theirs)
    )
    assert got == pytest.approx(want, rel=1e-5)
    histories = [m.fit(x, y, 4, shuffle=False, verbose=0).history for m in (ours, theirs)]
    assert histories[0]["loss"] == pytest.approx(histories[1]["loss"], rel=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, 1e-5)
    np.testing.assert_array_equal(mask_of(ours(x)[0]), np.concatenate([MASK[:2]] * 4))


def test_a_mask_set_by_a_layer_inside_is_kept():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Masking(0.0)
            self.supports_masking = True

        def call(self, x):
            return self.inner(x + 0.0)

    x = ops.convert_to_tensor(masked_input())
    x._keras_mask = ops.ones((3, 5), "bool")
    np.testing.assert_array_equal(mask_of(Outer()(x)), MASK)


def test_masks_of_several_arguments_and_a_build_of_several_shapes():
    class Pair(layers.Layer):
        def build(self, left_shape, right_shape, more_shape=None):
            self.shapes = (left_shape, right_shape, more_shape)

        def call(self, left, right, more=None, left_mask=None, right_mask=None):
            self.seen = (left_mask, right_mask)
            return ops.sum(left, axis=1) + ops.sum(right)

    masked = layers.Masking()(masked_input())
    layer = Pair()
    layer(normal(SEQUENCE), right=masked)
    assert layer.seen[0] is None and mask_of(masked) is not None
    np.testing.assert_array_equal(layer.seen[1].numpy(), MASK)
    assert layer.shapes == (SEQUENCE, SEQUENCE, None)
    config = json.loads(json.dumps(layer.get_build_config()))
    assert config == {"shapes_dict": {"left_shape": [3, 5, 4], "right_shape": [3, 5, 4]}}
    other = Pair()
    other.build_from_config(config)
    assert other.shapes == layer.shapes
    assert Pair().compute_output_shape((None, 5, 4), (None, 5, 4)) == (None, 4)


# --- Lambda ---------------------------------------------------------------------------------------


@register_keras_serializable("masking_tests")
def shifted(x, by=1.0):
    return x * 2.0 + by


def shape_of_shifted(shape):
    return shape


@register_keras_serializable("masking_tests")
def first_mask(inputs, mask):
    return None if mask is None else ops.logical_not(mask)


def test_lambda_runs_a_function_with_its_context():
    x = normal(SEQUENCE)
    got = layers.Lambda(shifted, arguments={"by": 3.0})(x).numpy()
    np.testing.assert_allclose(got, x * 2 + 3, rtol=1e-6)

    def context(x, training=None, mask=None):
        return x * (2.0 if training else 1.0) * ops.expand_dims(ops.cast(mask, "float32"), -1)

    layer = layers.Lambda(context, mask=first_mask)
    y = layer(layers.Masking()(masked_input()), training=True)
    np.testing.assert_array_equal(y.numpy(), 2 * masked_input())
    np.testing.assert_array_equal(mask_of(y), ~MASK)
    with pytest.warns(UserWarning, match="does not support masking"):
        layers.Lambda(shifted)(layers.Masking()(masked_input()))


def test_lambda_shapes():
    for lib in LIBRARIES:
        kl = lib.layers
        assert kl.Lambda(shifted).compute_output_shape((None, 3)) == (None, 3)
        assert kl.Lambda(shifted, output_shape=(7,)).compute_output_shape((None, 3)) == (None, 7)
        whole = kl.Lambda(shifted, output_shape=shape_of_shifted)
        assert whole.compute_output_shape((2, 3)) == (2, 3)
    x = nnseq.Input((4,))
    assert layers.Lambda(lambda x: ops.concatenate([x, x]))(x).shape == (None, 8)


def test_lambda_of_a_registered_function_is_read_by_keras_and_back(tmp_path):
    keras.saving.register_keras_serializable("masking_tests")(shifted)
    ours, theirs = (
        lib.Sequential(
            [lib.Input((3,)), lib.layers.Lambda(shifted, output_shape=(3,), arguments={"by": 2.0})]
        )
        for lib in LIBRARIES
    )
    x = normal((2, 3))
    for model, lib in ((ours, keras), (theirs, nnseq)):
        model.save(tmp_path / "m.keras")
        again = lib.models.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(again.predict(x, verbose=0), x * 2 + 2, rtol=1e-6)
        assert again.layers[-1].compute_output_shape((5, 3)) == (5, 3)


def test_lambda_of_a_python_lambda_is_written_as_keras_does_and_never_read(tmp_path):
    power = 2.0
    function = lambda x, by=1.0: x**power + by  # noqa: E731
    config = layers.Lambda(function, name="f").get_config()
    wanted = json.loads(json.dumps(keras.layers.Lambda(function, name="f").get_config()))
    assert json.loads(json.dumps(config["function"])) == wanted["function"]
    for made in (config, wanted):
        with pytest.raises(ValueError, match="deserialization of a `Lambda` layer"):
            layers.Lambda.from_config(made)
    for lib in LIBRARIES:
        model = lib.Sequential([lib.Input((3,)), lib.layers.Lambda(function)])
        model.save(tmp_path / "lambda.keras")
        for safe_mode in (True, False):
            with pytest.raises((ValueError, TypeError), match="never run"):
                nnseq.models.load_model(tmp_path / "lambda.keras", safe_mode=safe_mode)
    with pytest.raises(ValueError, match="safe_mode"):
        keras.models.load_model(tmp_path / "lambda.keras")


# --- TimeDistributed ------------------------------------------------------------------------------

INNER = [
    ("Dense", {"units": 3, "activation": "tanh"}, (2, 4, 3)),
    ("Dense", {"units": 3}, (2, 4, 5, 3)),
    ("Conv2D", {"filters": 2, "kernel_size": 3}, VIDEO),
    ("Flatten", {}, VIDEO),
    ("SimpleRNN", {"units": 2}, (2, 4, 5, 3)),
    ("BatchNormalization", {}, (6, 4, 3)),
    ("GlobalAveragePooling1D", {}, (2, 4, 5, 3)),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), INNER, ids=[str(x[:2]) for x in INNER])
def test_time_distributed(name, arguments, shape):
    ours, theirs = (
        lib.layers.TimeDistributed(getattr(lib.layers, name)(**arguments, name="inner"), name="td")
        for lib in LIBRARIES
    )
    x = normal(shape, 9)
    ours(x), theirs(x)
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    weights = [0.5 + np.abs(normal(w.shape, k)) for k, w in enumerate(ours.weights)]
    for training in ({"training": False}, {"training": True}):
        ours.set_weights(weights)
        theirs.set_weights(weights)
        want = np.asarray(theirs(x, **training))
        assert_close(ours(x, **training).numpy(), want, 1e-5)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            assert_close(a, b, 1e-5, "moving moments")
        out = normal(want.shape, 4)
        gradients = our_gradients(ours, x, out, training), keras_gradients(theirs, x, out, training)
        for a, b in zip(*gradients, strict=True):
            assert_close(a, b, 1e-4)
    unknown = ours.compute_output_shape((None, None, *shape[2:]))
    assert unknown == theirs.compute_output_shape((None, None, *shape[2:]))
    again = type(ours).from_config(json.loads(json.dumps(theirs.get_config())))
    assert again.layer.get_config() == ours.layer.get_config()
    keras.layers.TimeDistributed.from_config(json.loads(json.dumps(ours.get_config())))


def test_time_distributed_passes_masks_on_and_keeps_its_own():
    x, mask = normal((2, 3, 5, 4)), np.random.default_rng(1).random((2, 3, 5)) < 0.7
    mask[:, :, 0] = True
    for name, arguments in (("GlobalAveragePooling1D", {}), ("SimpleRNN", {"units": 2})):
        made = [
            lib.layers.TimeDistributed(getattr(lib.layers, name)(**arguments)) for lib in LIBRARIES
        ]
        first, want = made[0](x), made[1](x)
        made[1].set_weights(made[0].get_weights())
        assert_close(made[0](x, mask=mask).numpy(), np.asarray(made[1](x, mask=mask)), 1e-5)
        assert first.shape == want.shape
    masked = ops.convert_to_tensor(normal(SEQUENCE))
    masked._keras_mask = ops.convert_to_tensor(MASK)
    np.testing.assert_array_equal(mask_of(layers.TimeDistributed(layers.Dense(2))(masked)), MASK)


def test_time_distributed_traced_with_any_number_of_steps():
    class Centred(layers.Layer):
        """Takes the mean of its batch away: steps must not be mixed."""

        def call(self, x):
            return x - ops.mean(x, axis=0, keepdims=True)

    for inner in (layers.Dense(2), Centred()):
        layer = layers.TimeDistributed(inner)
        layer(normal((2, 3, 4)))
        run = Traced(layer, training=False)
        for shape in ((2, 3, 4), (5, 3, 4), (3, 6, 4)):
            x = normal(shape, 1)
            assert_close(run(x).numpy(), layer(x).numpy(), 1e-6)
    x = normal((5, 3, 4))
    assert_close(layers.TimeDistributed(Centred())(x).numpy(), x - x.mean(0), 1e-6)


def test_time_distributed_in_a_model_follows_its_layer():
    """Freezing the layer inside reaches a model that is traced."""
    inner = layers.BatchNormalization()
    model = nnseq.Sequential([nnseq.Input((3, 4)), layers.TimeDistributed(inner)])
    x = 2 + normal((6, 3, 4))
    model(x, training=True)
    moved = inner.get_weights()[2]
    assert (moved != 0).all()
    inner.trainable = False
    model(x, training=True)
    np.testing.assert_array_equal(inner.get_weights()[2], moved)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: layers.TimeDistributed(3), "isn't a supported layer"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(normal((2, 3))), "at least 3 dimensions"),
        (
            lambda: layers.TimeDistributed(layers.Dense(2))(
                normal((2, 3, 4)), mask=np.ones((2, 4), bool)
            ),
            r"shape \(2, 4\).*incompatible",
        ),
    ],
)
def test_errors(make, word):
    with pytest.raises(ValueError, match=word):
        make()
