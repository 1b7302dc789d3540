"""IoU, rates at rates, R2 and correlations against Keras: batches, weights, fit, configurations."""

import numpy as np
import pytest

from nnseq import layers, metrics, models

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(15)
ROWS = 40
CLASSES = RNG.integers(0, 3, (ROWS, 2))
GUESSES = np.where(RNG.random((ROWS, 2)) < 0.5, CLASSES, RNG.integers(0, 3, (ROWS, 2)))
HOT = np.eye(3, dtype="float32")[CLASSES[:, 0]]
SCORES = RNG.uniform(size=(ROWS, 3)).astype("float32")
BITS = RNG.integers(0, 2, (ROWS, 3))
CHANCES = np.clip(0.3 * BITS + RNG.uniform(0, 0.8, (ROWS, 3)), -0.1, 1.2).astype("float32")
VALUES = (RNG.normal(size=(ROWS, 3)) + 5).astype("float32")
NEAR = (VALUES + 0.4 * RNG.normal(size=(ROWS, 3))).astype("float32")
AT = ["PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity"]
AT += ["SpecificityAtSensitivity"]
VALUE_OF = dict(zip(AT, ["recall", "precision", "specificity", "sensitivity"], strict=True))
# (class, arguments, targets, predictions)
CASES = [
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, CLASSES, GUESSES),
    ("IoU", {"num_classes": 4, "target_class_ids": [3, 1], "ignore_class": 1}, CLASSES, GUESSES),
    ("IoU", {"num_classes": 2, "target_class_ids": [1]}, CLASSES[:, 0], GUESSES[:, 0]),
    (
        "IoU",
        {"num_classes": 3, "target_class_ids": [1], "sparse_y_pred": False, "dtype": "float32"},
        CLASSES[:, 0],
        SCORES,
    ),
    ("BinaryIoU", {}, BITS, CHANCES),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, BITS, CHANCES),
    ("MeanIoU", {"num_classes": 3}, CLASSES, GUESSES),
    ("MeanIoU", {"num_classes": 3, "ignore_class": 0, "dtype": "float32"}, CLASSES, GUESSES),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0, 1]}, HOT, SCORES),
    ("OneHotMeanIoU", {"num_classes": 3}, HOT, SCORES),
    ("OneHotMeanIoU", {"num_classes": 3, "sparse_y_pred": True}, HOT, GUESSES[:, 0]),
    *[(name, {VALUE_OF[name]: 0.6}, BITS, CHANCES) for name in AT],
    *[(name, {VALUE_OF[name]: 0.9, "num_thresholds": 11}, BITS, CHANCES) for name in AT],
    *[(name, {VALUE_OF[name]: 0.3, "num_thresholds": 1}, BITS, CHANCES) for name in AT],
    *[(name, {VALUE_OF[name]: 0.7, "class_id": 1}, BITS, CHANCES) for name in AT],
    ("R2Score", {}, VALUES, NEAR),
    ("R2Score", {"class_aggregation": None}, VALUES, NEAR),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, VALUES, NEAR),
    ("R2Score", {"num_regressors": 4}, VALUES, NEAR),
    ("R2Score", {"num_regressors": 500}, VALUES, NEAR),
    ("PearsonCorrelation", {}, VALUES, NEAR),
    ("PearsonCorrelation", {"axis": 0}, VALUES, NEAR),
    ("ConcordanceCorrelation", {}, VALUES, NEAR),
    ("ConcordanceCorrelation", {"axis": (0, 1)}, VALUES, NEAR),
]  # fmt: skip
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


def near(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=2e-5, atol=2e-5)


def both(name, **arguments):
    return getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:More independent predictors")
@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES, ids=IDS)
def test_values(name, arguments, y, p):
    ours, theirs = both(name, **arguments)
    assert ours.name.rstrip("_0123456789") == theirs.name.rstrip("_0123456789")
    parts = [slice(0, 20), slice(20, ROWS)]  # of equal sizes: JAX compiles for each
    per_value = name.endswith("IoU") and "OneHot" not in name and np.ndim(y) > 1
    for part in parts:
        ours.update_state(y[part], p[part])
        theirs.update_state(y[part], p[part])
        near(ours.result(), theirs.result())
    ours.reset_state()
    theirs.reset_state()
    if arguments.get("axis") in (0, (0, 1)):
        return  # there is one value for all samples
    weights = RNG.integers(0, 3, np.shape(y) if per_value else ROWS).astype("float32")
    for part in parts:
        ours.update_state(y[part], p[part], weights[part])
        theirs.update_state(y[part], p[part], weights[part])
    near(ours.result(), theirs.result())


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), [case[:2] for case in CASES], ids=IDS)
def test_configurations(name, arguments):
    made = {**arguments, "name": "m"}
    ours, theirs = (getattr(lib, name)(**made) for lib in (metrics, keras.metrics))
    expected = theirs.get_config()
    assert {k: v for k, v in ours.get_config().items() if k != "dtype"} == {
        k: v for k, v in expected.items() if k != "dtype"
    }
    again = metrics.deserialize(metrics.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    from_keras = metrics.deserialize({"class_name": name, "config": expected})
    assert from_keras.get_config() == ours.get_config()


def test_states_start_again():
    for name, arguments, y, p in CASES:
        metric = getattr(metrics, name)(**arguments)
        metric.update_state(y, p)
        metric.reset_state()
        assert not any(variable.numpy().any() for variable in metric.variables)


def test_weights_of_an_integer_type_lose_their_fractions():
    """As in Keras; a float dtype keeps them."""
    for dtype, expected in ((None, 1.0), ("float32", 2 / 3.5)):
        metric = metrics.IoU(2, [1], dtype=dtype)
        metric.update_state([1, 0], [1, 1], sample_weight=[2.0, 0.75])
        assert float(metric.result()) == pytest.approx(2.0 / 2.75 if dtype else expected, rel=1e-5)
    metric = metrics.IoU(2, [1])
    metric.update_state([[1, 0], [1, 1]], [[1, 1], [0, 1]], sample_weight=[3, 1])  # per sample
    assert float(metric.result()) == pytest.approx(4 / 8)


def test_r2_of_values_far_from_zero():
    """Sums of squares cancel to half of what float32 holds."""
    y = np.linspace(1000, 1001, 30, dtype="float32")[:, None]
    p = y + np.float32(0.1) * (-1) ** np.arange(30, dtype="float32")[:, None]
    metric = metrics.R2Score()
    for part in (slice(0, 11), slice(11, 30)):
        metric.update_state(y[part], p[part])
    a, b = y.astype("float64"), p.astype("float64")
    expected = 1 - ((a - b) ** 2).sum() / ((a - a.mean()) ** 2).sum()
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def fitted(mods, lays, mets, y, head, made):
    x = np.random.default_rng(0).normal(size=(ROWS, 4)).astype("float32")
    weights = np.random.default_rng(1)
    model = mods.Sequential([lays.Input((4,)), lays.Dense(3, activation=head)])
    model.set_weights([weights.normal(size=w.shape) for w in model.get_weights()])
    model.compile("sgd", "mse", metrics=[getattr(mets, n)(name=n, **a) for n, a in made])
    history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0).history
    return {name: history[name] for name, _ in made}


@pytest.mark.keras
@pytest.mark.parametrize(
    ("y", "head", "made"),
    [
        (HOT, "softmax", [("OneHotMeanIoU", {"num_classes": 3})]),
        (
            BITS.astype("float32"),
            "sigmoid",
            [("BinaryIoU", {}), *[(name, {VALUE_OF[name]: 0.5}) for name in AT]],
        ),
        (VALUES, None, [("R2Score", {}), ("PearsonCorrelation", {}),
                        ("ConcordanceCorrelation", {})]),
    ],
    ids=["one-hot", "bits", "values"],
)  # fmt: skip
def test_fit_as_keras(y, head, made):
    ours = fitted(models, layers, metrics, y, head, made)
    theirs = fitted(keras.models, keras.layers, keras.metrics, y, head, made)
    for name, _ in made:
        near(ours[name], theirs[name])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.IoU(2, [2]), "out of range, which is .0, 2."),
        (lambda: metrics.MeanIoU(2).update_state([0, 1], [0, 1, 1]), "shapes must be equal"),
        (lambda: metrics.PrecisionAtRecall(1.5), "Received: recall=1.5"),
        (lambda: metrics.RecallAtPrecision(0.5, 0), "num_thresholds=0"),
        (lambda: metrics.R2Score("mean"), "class_aggregation=mean"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors=-1"),
        (lambda: metrics.R2Score().update_state([1.0], [1.0]), r"shape \(N, outputs\)"),
        (lambda: metrics.pearson_correlation(VALUES, NEAR[:, :2]), "shapes must be equal"),
        (
            lambda: metrics.SpecificityAtSensitivity(0.5, class_id=0).update_state([1], [0.5]),
            "with class_id=0 the scores",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
