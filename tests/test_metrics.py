"""Metrics against Keras: several batches, weights, masks, float64 state."""

import numpy as np
import pytest

from nnseq import Variable, metrics, ops
from nnseq.engine.traced import Traced

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(1)


def data(kind, rows):
    if kind == "sparse":
        return RNG.integers(0, 4, rows), RNG.normal(size=(rows, 4)).astype("float32")
    if kind == "sparse steps":
        return RNG.integers(0, 4, (rows, 5)), RNG.normal(size=(rows, 5, 4)).astype("float32")
    if kind == "one-hot":
        hot = np.eye(4, dtype="float32")[RNG.integers(0, 4, rows)]
        return hot, RNG.normal(size=(rows, 4)).astype("float32")
    if kind == "binary":
        return RNG.integers(0, 2, (rows, 1)), RNG.uniform(size=(rows, 1)).astype("float32")
    if kind == "bits":
        return RNG.integers(0, 2, rows), RNG.integers(0, 2, rows).astype("float32")
    return RNG.normal(size=(2, rows, 3)).astype("float32")


CASES = [
    ("Accuracy", {}, "bits"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.8}, "binary"),
    ("CategoricalAccuracy", {}, "one-hot"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("SparseCategoricalAccuracy", {}, "sparse steps"),
    ("MeanSquaredError", {}, "floats"),
    ("MeanAbsoluteError", {}, "floats"),
]
IDS = [f"{name}-{kind}" for name, _, kind in CASES]


@pytest.mark.keras
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "arguments", "kind"), CASES, ids=IDS)
def test_against_keras(name, arguments, kind, weighted):
    ours = getattr(metrics, name)(**arguments)
    theirs = getattr(keras.metrics, name)(**arguments)
    assert ours.name == theirs.name
    for rows in (7, 3):
        y_true, y_pred = data(kind, rows)
        weights = RNG.uniform(0, 2, rows).astype("float32") if weighted else None
        ours.update_state(y_true, y_pred, weights)
        theirs.update_state(y_true, y_pred, weights)
        assert float(ours.result()) == pytest.approx(float(theirs.result()), rel=1e-6)
    ours.reset_state()
    assert [v.numpy().item() for v in ours.variables] == [0, 0]


@pytest.mark.keras
@pytest.mark.parametrize("weights", [None, 0.5, [0.5, 2.0], [[0.5, 1, 2], [1, 1, 3]]])
@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_mean_and_sum_with_weights(name, weights):
    values = np.arange(6, dtype="float32").reshape(2, 3)
    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    ours.update_state(values, weights)
    if name == "Sum" and weights == [0.5, 2.0]:
        expected = float((values * np.array([[0.5], [2.0]])).sum())
    else:
        theirs.update_state(values, weights)
        expected = float(theirs.result())
    assert float(ours.result()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.keras
def test_a_mask_counts_as_weights():
    y_true, y_pred = data("sparse steps", 4)
    mask = np.array(RNG.integers(0, 2, (4, 5)), bool)
    theirs_pred = keras.ops.convert_to_tensor(y_pred)
    theirs_pred._keras_mask = keras.ops.convert_to_tensor(mask)
    theirs = keras.metrics.SparseCategoricalAccuracy()
    theirs.update_state(y_true, theirs_pred)
    ours_pred = ops.convert_to_tensor(y_pred)
    ours_pred._keras_mask = ops.convert_to_tensor(mask)
    ours = metrics.SparseCategoricalAccuracy()
    ours.update_state(y_true, ours_pred)
    assert float(ours.result()) == pytest.approx(float(theirs.result()), rel=1e-6)


def test_counts_do_not_saturate():
    mean = metrics.Mean()
    mean.count.assign(2.0**24)
    mean.update_state([1.0])
    assert mean.count.numpy() == 2**24 + 1


def test_updates_in_a_trace_are_kept():
    mean = metrics.Mean()
    step = Traced(lambda x: mean(x))
    assert float(step(np.array([1.0, 3.0], "float32"))) == 2
    assert float(step(np.array([8.0], "float32"))) == 4
    assert float(mean.result()) == 4


def test_subclass_with_its_own_state():
    class Largest(metrics.Metric):
        def __init__(self):
            super().__init__(name="largest")
            self.value = self.add_weight(name="value", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.value.assign(ops.maximum(self.value, ops.max(y_pred)))

        def result(self):
            return self.value.value

    metric = Largest()
    assert float(metric([0.0], [3.0])) == 3
    assert float(metric([0.0], [2.0])) == 3
    assert metric.variables[0].path == "largest/value"
    assert isinstance(metric.variables[0], Variable)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "kind"),
    [
        ((8, 1), (8, 1), "BinaryAccuracy"),
        ((8,), (8, 1), "BinaryAccuracy"),
        ((8,), (8, 3), "SparseCategoricalAccuracy"),
        ((8, 1), (8, 3), "SparseCategoricalAccuracy"),
        ((8, 5), (8, 5, 3), "SparseCategoricalAccuracy"),
        ((8, 3), (8, 3), "CategoricalAccuracy"),
    ],
)
def test_accuracy_by_the_shapes(y_true, y_pred, kind):
    metric = metrics.resolve_accuracy("acc", np.zeros(y_true), np.zeros(y_pred))
    assert (type(metric).__name__, metric.name) == (kind, "acc")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.get("acuracy"), "Did you mean 'accuracy'"),
        (lambda: metrics.BinaryAccuracy(threshold=2), "threshold"),
        (lambda: metrics.MeanSquaredError()(np.zeros((4, 3)), np.zeros((4, 1))), r"\(4, 3\)"),
        (lambda: metrics.BinaryAccuracy()(np.zeros((4, 3)), np.zeros((4, 1))), r"\(4, 3\)"),
        (
            lambda: metrics.SparseCategoricalAccuracy()(np.zeros((4, 3)), np.zeros((4, 3))),
            "categorical_accuracy",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments", "kind"), CASES, ids=IDS)
def test_keras_reads_the_configuration(name, arguments, kind):
    config = metrics.serialize(getattr(metrics, name)(**arguments))
    theirs = keras.metrics.deserialize(config)
    assert type(theirs).__name__ == name
    again = metrics.deserialize(config)
    assert again.get_config() == config["config"]
