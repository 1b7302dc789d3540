"""The further metrics against Keras: values over batches, weights, training, configurations."""

import numpy as np
import pytest

from nnseq import layers, metrics, models

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(7)


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


def positive(*shape):
    return RNG.uniform(0.1, 3, size=shape).astype("float32")


def probabilities(*shape):
    raw = RNG.uniform(0.05, 1, size=shape).astype("float32")
    return raw / raw.sum(-1, keepdims=True)


def bits(*shape):
    return RNG.integers(0, 2, shape).astype("float32")


def classes(*shape):
    return RNG.integers(0, 7, shape)


def one_hot(*shape):
    return np.eye(7, dtype="float32")[classes(*shape)]


UNIT = RNG.uniform(0.02, 0.98, size=(12, 3)).astype("float32")
CASES = [
    ("MeanAbsolutePercentageError", {}, positive(12, 3), floats(12, 3)),
    ("MeanSquaredLogarithmicError", {}, positive(12, 3), positive(12, 3)),
    ("LogCoshError", {}, floats(12, 3), floats(12, 3)),
    ("CosineSimilarity", {}, floats(12, 3), floats(12, 3)),
    ("KLDivergence", {}, probabilities(12, 3), probabilities(12, 3)),
    ("Poisson", {}, positive(12, 3), positive(12, 3)),
    ("Hinge", {}, bits(12, 3), floats(12, 3)),
    ("SquaredHinge", {}, bits(12, 3), floats(12, 3)),
    ("CategoricalHinge", {}, one_hot(12), floats(12, 7)),
    ("RootMeanSquaredError", {}, floats(12, 3), floats(12, 3)),
    ("RootMeanSquaredError", {}, floats(12), floats(12, 1)),
    ("BinaryCrossentropy", {}, bits(12, 3), UNIT),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, bits(12, 3), UNIT),
    ("CategoricalCrossentropy", {}, one_hot(12), probabilities(12, 7)),
    ("CategoricalCrossentropy", {"from_logits": True}, one_hot(12), floats(12, 7)),
    ("SparseCategoricalCrossentropy", {}, classes(12), probabilities(12, 7)),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, classes(12), floats(12, 7)),
    ("TopKCategoricalAccuracy", {}, one_hot(12), probabilities(12, 7)),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot(12), probabilities(12, 7)),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, classes(12), floats(12, 7)),
    ("SparseTopKCategoricalAccuracy", {"k": 1}, classes(12, 1), floats(12, 7)),
]
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


def near(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.keras
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES, ids=IDS)
def test_values(name, arguments, y, p, weighted):
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    weights = np.linspace(0, 2, 12, dtype="float32")
    for part in (slice(0, 5), slice(5, 12)):
        w = weights[part] if weighted else None
        ours.update_state(y[part], p[part], w)
        theirs.update_state(y[part], p[part], w)
        near(ours.result().numpy(), theirs.result())
    ours.reset_state()
    assert float(ours.result()) == 0


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), [case[:2] for case in CASES], ids=IDS)
def test_configurations(name, arguments):
    ours, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
    assert ours.name == theirs.name
    again = metrics.deserialize(metrics.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    assert arguments.items() <= again.get_config().items()


@pytest.mark.keras
@pytest.mark.parametrize(
    "name",
    ["bce", "BCE", "mape", "MAPE", "msle", "MSLE", "root_mean_squared_error", "kl_divergence",
     "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", "log_cosh_error",
     "poisson", "hinge", "squared_hinge", "categorical_hinge", "cosine_similarity"],
)  # fmt: skip
def test_names(name):
    assert type(metrics.get(name)).__name__ == type(keras.metrics.get(name)).__name__


@pytest.mark.keras
@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("RootMeanSquaredError", one_hot(40)),
        ("LogCoshError", one_hot(40)),
        ("CosineSimilarity", one_hot(40)),
        ("CategoricalHinge", one_hot(40)),
        ("CategoricalCrossentropy", one_hot(40)),
        ("TopKCategoricalAccuracy", one_hot(40)),
    ],
)
def test_fit_as_keras(name, target):
    x, kernel = floats(40, 5), 0.3 * floats(5, 7)
    histories = []
    for mods, lays, mets in (
        (models, layers, metrics),
        (keras.models, keras.layers, keras.metrics),
    ):
        model = mods.Sequential([lays.Input((5,)), lays.Dense(7, activation="softmax")])
        model.set_weights([kernel, np.zeros(7, "float32")])
        model.compile("sgd", "mse", metrics=[getattr(mets, name)(name="m")])
        history = model.fit(x, target, batch_size=9, epochs=2, shuffle=False, verbose=0).history
        histories.append(history["m"])
    near(*histories)


@pytest.mark.parametrize("name", ["RootMeanSquaredError", "Hinge", "TopKCategoricalAccuracy"])
def test_targets_are_not_broadcast(name):
    with pytest.raises(ValueError, match="the shapes must be equal"):
        getattr(metrics, name)().update_state(floats(6, 1), floats(6, 3))


def test_a_class_that_does_not_exist_is_not_in_the_top():
    metric = metrics.SparseTopKCategoricalAccuracy(k=2)
    metric.update_state([3, -1, 0], [[-1.0, -2.0, -3.0]] * 3)
    assert float(metric.result()) == pytest.approx(1 / 3)
