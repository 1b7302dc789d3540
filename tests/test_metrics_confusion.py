"""Counts at thresholds, precision, recall and areas under curves, against Keras."""

import numpy as np
import pytest

from nnseq import layers, metrics, models

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(8)
Y = RNG.integers(0, 2, (50, 2))
P = np.clip(0.3 * Y + RNG.uniform(0, 0.7, (50, 2)), 0, 1).astype("float32")
COUNTS = ["TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"]
CASES = [
    *[(name, {}) for name in [*COUNTS, "Precision", "Recall", "AUC"]],
    *[(name, {"thresholds": [0.2, 0.7]}) for name in [*COUNTS, "Precision", "Recall"]],
    ("Precision", {"thresholds": 0.8}),
    ("AUC", {"curve": "PR"}),
    ("AUC", {"num_thresholds": 20}),
    ("AUC", {"from_logits": True}),
]


def near(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.keras
@pytest.mark.parametrize("weights", [None, RNG.uniform(0, 2, (50, 2)).astype("float32")])
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_values(name, arguments, weights):
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    for part in (slice(0, 20), slice(20, 50)):
        w = None if weights is None else weights[part]
        ours.update_state(Y[part], P[part], w)
        theirs.update_state(Y[part], P[part], w)
        near(ours.result().numpy(), theirs.result())
    ours.reset_state()
    assert not ours.result().numpy().any()


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_configurations(name, arguments):
    metric = getattr(metrics, name)(**arguments)
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()
    assert arguments.items() <= again.get_config().items()


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_configurations_of_keras(name, arguments):
    theirs = getattr(keras.metrics, name)(**arguments)
    ours = metrics.deserialize({"class_name": name, "config": theirs.get_config()})
    assert arguments.items() <= ours.get_config().items()


@pytest.mark.keras
@pytest.mark.parametrize("name", ["Precision", "Recall", "AUC", "TruePositives"])
def test_fit_as_keras(name):
    kernel = np.full((2, 1), 0.5, "float32")
    histories = []
    for mods, lays, mets in (
        (models, layers, metrics),
        (keras.models, keras.layers, keras.metrics),
    ):
        model = mods.Sequential([lays.Input((2,)), lays.Dense(1, activation="sigmoid")])
        model.set_weights([kernel, np.full(1, -0.5, "float32")])
        model.compile("sgd", "binary_crossentropy", metrics=[getattr(mets, name)(name="m")])
        history = model.fit(P, Y[:, :1], batch_size=9, epochs=2, shuffle=False, verbose=0).history
        histories.append(history["m"])
    near(*histories)


@pytest.mark.parametrize(
    "make",
    [
        lambda: metrics.Precision(thresholds=1.5),
        lambda: metrics.AUC(num_thresholds=1),
        lambda: metrics.AUC(curve="RPC"),
        lambda: metrics.AUC(summation_method="minoring"),
    ],
)
def test_errors(make):
    with pytest.raises(ValueError, match="Received"):
        make()
