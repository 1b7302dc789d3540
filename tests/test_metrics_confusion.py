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
    ("AUC", {"thresholds": [0.1, 0.35, 0.9]}),
    ("AUC", {"multi_label": True}),
    ("AUC", {"multi_label": True, "num_labels": 2, "label_weights": [0.25, 2.0], "curve": "PR"}),
    ("AUC", {"label_weights": [0.25, 2.0]}),
    *[
        ("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 11})
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
    ],
    *[
        (name, arguments)
        for name in ("Precision", "Recall")
        for arguments in (
            {"top_k": 1},
            {"class_id": 1},
            {"top_k": 1, "class_id": 0},
            {"top_k": 2, "thresholds": [0.3, 0.6]},
            {"top_k": 1, "thresholds": 0.4},
        )
    ],
]


def near(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_values(name, arguments):
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    of_values = RNG.uniform(0, 2, (50, 2)).astype("float32")
    of_samples = of_values[:, 0]
    for part, weights in (
        (slice(0, 16), None),
        (slice(16, 32), of_samples),
        (slice(32, 48), of_values),
    ):
        w = None if weights is None else weights[part]
        ours.update_state(Y[part], P[part], w)
        if w is not None and w.ndim == 2 and "class_id" in arguments:  # an error in Keras
            w = w[:, arguments["class_id"]]
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
        lambda: metrics.AUC(summation_method="minor"),
        lambda: metrics.AUC(num_labels=3),
        lambda: metrics.Precision(top_k=3).update_state(Y, P),
        lambda: metrics.Recall(class_id=0).update_state(Y[:, 0], P[:, 0]),
        lambda: metrics.AUC(multi_label=True).update_state(Y[:, 0], P[:, 0]),
        lambda: metrics.F1Score(average="all"),
        lambda: metrics.F1Score(threshold=1),
        lambda: metrics.FBetaScore(beta=1),
        lambda: metrics.F1Score().update_state(Y[:, 0], P[:, 0]),
    ],
)
def test_errors(make):
    with pytest.raises(ValueError, match="Received"):
        make()


def test_scores_outside_of_the_unit_interval_count_as_its_ends():
    y, p = [0, 1, 0, 1], np.array([-3.0, 1.4, 0.2, 0.8], "float32")
    ours, theirs = metrics.AUC(), keras.metrics.AUC()
    ours.update_state(y, p)
    theirs.update_state(y, p)
    near(ours.result(), theirs.result())


CLASSES = np.eye(4, dtype="float32")[RNG.integers(0, 4, 30)]
SCORES = np.concatenate([RNG.uniform(size=(28, 4)), np.zeros((2, 4))]).astype("float32")


@pytest.mark.keras
@pytest.mark.parametrize("threshold", [None, 0.4])
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize(("name", "more"), [("F1Score", {}), ("FBetaScore", {"beta": 0.5})])
def test_f_scores(name, more, average, threshold):
    arguments = {"average": average, "threshold": threshold, **more}
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    for part, weighted in ((slice(0, 13), False), (slice(13, 30), True)):
        weights = np.linspace(0, 2, 30, dtype="float32")[part] if weighted else None
        ours.update_state(CLASSES[part], SCORES[part], weights)
        theirs.update_state(CLASSES[part], SCORES[part], weights)
        near(ours.result().numpy(), theirs.result())
    again = metrics.deserialize(metrics.serialize(ours))
    assert again.get_config() == ours.get_config() == theirs.get_config()
    ours.reset_state()
    assert not ours.result().numpy().any()


@pytest.mark.keras
def test_f_scores_in_fit():
    histories = []
    for mods, lays, mets in (
        (models, layers, metrics),
        (keras.models, keras.layers, keras.metrics),
    ):
        model = mods.Sequential([lays.Input((4,)), lays.Dense(4, activation="softmax")])
        model.set_weights([np.eye(4, dtype="float32") - 0.5, np.zeros(4, "float32")])
        made = [mets.F1Score(), mets.AUC(multi_label=True, name="auc")]
        model.compile("sgd", "categorical_crossentropy", metrics=made)
        fitted = model.fit(SCORES, CLASSES, batch_size=9, epochs=2, shuffle=False, verbose=0)
        histories.append([fitted.history[key] for key in ("f1_score", "auc")])
        assert all(value.dtype == "float32" for value in fitted.history["f1_score"])
    for ours, theirs in zip(*histories, strict=True):
        near(ours, theirs)


@pytest.mark.keras
def test_top_k_of_sorted_classes():
    y, ids = RNG.integers(0, 7, 12), np.argsort(RNG.uniform(size=(12, 7)))[:, :4]
    arguments = {"k": 3, "from_sorted_ids": True}
    ours = metrics.SparseTopKCategoricalAccuracy(**arguments)
    theirs = keras.metrics.SparseTopKCategoricalAccuracy(**arguments)
    ours.update_state(y, ids)
    theirs.update_state(y, ids)
    near(ours.result(), theirs.result())
    assert ours.get_config() == theirs.get_config() | {"dtype": "float32"}
