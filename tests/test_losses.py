"""Losses against Keras: values, reductions, weights, masks; and what is refused."""

import numpy as np
import pytest

from nnseq import GradientTape, activations, losses, ops

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


def probabilities(*shape):
    raw = RNG.uniform(0.05, 1, size=shape).astype("float32")
    return raw / raw.sum(-1, keepdims=True)


def one_hot(*shape):
    return np.eye(shape[-1], dtype="float32")[RNG.integers(0, shape[-1], shape[:-1])]


def bits(*shape):
    return RNG.integers(0, 2, shape).astype("float32")


def classes(count, *shape):
    return RNG.integers(0, count, shape)


UNIT = RNG.uniform(0.02, 0.98, size=(6, 3)).astype("float32")
# (class, arguments, targets, predictions)
CASES = [
    ("MeanSquaredError", {}, floats(6, 3), floats(6, 3)),
    ("MeanSquaredError", {}, floats(6), floats(6, 1)),
    ("MeanSquaredError", {}, floats(6, 5, 1), floats(6, 5)),
    ("MeanAbsoluteError", {}, floats(6, 4, 2), floats(6, 4, 2)),
    ("BinaryCrossentropy", {}, bits(6, 3), UNIT),
    ("BinaryCrossentropy", {"from_logits": True}, bits(6, 3), 4 * floats(6, 3)),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, bits(6, 3), UNIT),
    ("BinaryCrossentropy", {}, bits(6, 3).astype("int64"), np.round(UNIT)),
    ("CategoricalCrossentropy", {}, one_hot(6, 4), probabilities(6, 4)),
    ("CategoricalCrossentropy", {}, one_hot(6, 4), 3 * probabilities(6, 4)),
    ("CategoricalCrossentropy", {"from_logits": True}, one_hot(6, 4), floats(6, 4)),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, one_hot(6, 4), probabilities(6, 4)),
    ("CategoricalCrossentropy", {}, one_hot(6, 5, 4), probabilities(6, 5, 4)),
    ("CategoricalCrossentropy", {"axis": 1, "from_logits": True},
     one_hot(6, 5, 4).transpose(0, 2, 1), floats(6, 4, 5)),
    ("SparseCategoricalCrossentropy", {}, classes(4, 6), probabilities(6, 4)),
    ("SparseCategoricalCrossentropy", {}, classes(4, 6, 1), probabilities(6, 4)),
    ("SparseCategoricalCrossentropy", {}, classes(4, 6).astype("float32"), probabilities(6, 4)),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, classes(4, 6, 5), floats(6, 5, 4)),
    ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 0},
     classes(3, 6, 5), floats(6, 5, 3)),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1},
     np.array([0, -1, 2, 1, -1, 0]), probabilities(6, 3)),
]  # fmt: skip
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


def both(case, **kwargs):
    name, arguments, y_true, y_pred = case
    ours = getattr(losses, name)(**arguments, **kwargs)
    theirs = getattr(keras.losses, name)(**arguments, **kwargs)
    return ours, theirs, y_true, y_pred


@pytest.mark.keras
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]
)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_value_and_reduction(case, reduction):
    ours, theirs, y_true, y_pred = both(case, reduction=reduction)
    expected = np.asarray(theirs(y_true, y_pred))
    np.testing.assert_allclose(ours(y_true, y_pred).numpy(), expected, rtol=2e-6, atol=2e-7)


@pytest.mark.keras
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_weights_per_value(case, reduction):
    ours, theirs, y_true, y_pred = both(case, reduction=reduction)
    shape = both(case, reduction="none")[0](y_true, y_pred).shape
    weights = RNG.uniform(0, 2, size=shape).astype("float32")
    expected = np.asarray(theirs(y_true, y_pred, weights))
    np.testing.assert_allclose(ours(y_true, y_pred, weights).numpy(), expected, rtol=3e-6)


@pytest.mark.keras
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_mask_is_merged_into_the_weights(reduction, weighted):
    y_true, y_pred = floats(4, 5, 2), floats(4, 5, 2)
    mask = RNG.integers(0, 2, (4, 5)).astype(bool)
    weights = RNG.uniform(0, 2, size=(4, 5)).astype("float32") if weighted else None
    theirs_pred = keras.ops.convert_to_tensor(y_pred)
    theirs_pred._keras_mask = keras.ops.convert_to_tensor(mask)
    expected = keras.losses.MeanSquaredError(reduction=reduction)(y_true, theirs_pred, weights)
    ours_pred = ops.convert_to_tensor(y_pred)
    ours_pred._keras_mask = ops.convert_to_tensor(mask)
    got = losses.MeanSquaredError(reduction=reduction)(y_true, ours_pred, weights)
    np.testing.assert_allclose(float(got), float(expected), rtol=2e-6)


def test_a_mask_without_valid_values_gives_zero():
    y_pred = ops.convert_to_tensor(floats(2, 3, 1))
    y_pred._keras_mask = ops.zeros((2, 3), dtype="bool")
    assert float(losses.MeanSquaredError()(floats(2, 3, 1), y_pred)) == 0.0


def test_weights_per_sample_reach_all_steps():
    y_true, y_pred = floats(4, 5, 2), floats(4, 5, 2)
    weights = np.array([1, 0, 2, 0.5], "float32")
    per_step = np.repeat(weights[:, None], 5, axis=1)
    loss = losses.MeanSquaredError()
    assert float(loss(y_true, y_pred, weights)) == float(loss(y_true, y_pred, per_step))


@pytest.mark.keras
@pytest.mark.parametrize("name", ["bce", "mse", "mae", "categorical_crossentropy"])
def test_functions_have_one_value_per_sample(name):
    y_true, y_pred = one_hot(6, 3), probabilities(6, 3)
    expected = np.asarray(keras.losses.get(name)(y_true, y_pred))
    np.testing.assert_allclose(losses.get(name)(y_true, y_pred).numpy(), expected, rtol=2e-6)


def gradient(loss, activation, y_true, x):
    x = ops.convert_to_tensor(x)
    with GradientTape() as tape:
        value = loss(y_true, activation(x))
    return float(value), tape.gradient(value, x).numpy()


def test_softmax_and_sigmoid_outputs_are_taken_back_to_logits():
    """Confident and wrong: probabilities round to 0 and 1, the loss and its gradient do not."""
    value, slope = gradient(
        losses.SparseCategoricalCrossentropy(), activations.softmax, [1], [[100.0, -100.0]]
    )
    assert value == pytest.approx(200)
    np.testing.assert_allclose(slope, [[1, -1]], atol=1e-6)
    value, slope = gradient(losses.BinaryCrossentropy(), activations.sigmoid, [[1.0]], [[-100.0]])
    assert value == pytest.approx(100)
    np.testing.assert_allclose(slope, [[-1]], atol=1e-6)
    assert float(losses.BinaryCrossentropy()([[1.0]], [[0.0]])) == pytest.approx(16.118, abs=1e-3)


def test_logits_and_activation_agree():
    x, y_true = floats(6, 4), one_hot(6, 4)
    a = gradient(losses.CategoricalCrossentropy(), activations.softmax, y_true, x)
    b = gradient(losses.CategoricalCrossentropy(from_logits=True), activations.linear, y_true, x)
    assert a[0] == b[0]
    assert np.array_equal(a[1], b[1])


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "message"),
    [
        ("mse", floats(6, 3), floats(6, 1), r"\(6, 3\).*\(6, 1\)"),
        ("mse", floats(6, 1), floats(6, 3), r"\(6, 1\).*\(6, 3\)"),
        ("mae", floats(6, 2, 2), floats(6, 2), r"\(6, 2, 2\)"),
        ("categorical_crossentropy", classes(4, 6), floats(6, 4), "sparse_categorical"),
        ("categorical_crossentropy", floats(6, 1), floats(6, 1), "binary_crossentropy"),
        ("sparse_categorical_crossentropy", one_hot(6, 4), floats(6, 4), "categorical_cross"),
        ("sparse_categorical_crossentropy", classes(4, 6, 2), floats(6, 4), "one integer class"),
        ("binary_crossentropy", bits(6, 1), UNIT, "sparse_categorical_crossentropy"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(loss, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        losses.get(loss)(y_true, y_pred)


def test_a_class_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="7"):
        losses.SparseCategoricalCrossentropy(from_logits=True)([0, 7], floats(2, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.get("binary_crosentropy"), "Did you mean 'binary_crossentropy'"),
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2)(bits(2, 1), bits(2, 1)), r"\[0, 1\]"),
        (lambda: losses.MeanSquaredError()(floats(4, 2), floats(4, 2), floats(3)), "weights"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.keras
def test_keras_reads_the_configuration():
    for name, arguments, _, _ in CASES:
        config = losses.serialize(getattr(losses, name)(**arguments))
        theirs = keras.losses.deserialize(config)
        again = losses.deserialize(keras.losses.serialize(theirs))
        assert again.get_config() == config["config"]
