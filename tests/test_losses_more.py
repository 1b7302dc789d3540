"""The further losses against Keras: values, gradients, reductions, names and configurations."""

import numpy as np
import pytest

from nnseq import GradientTape, layers, losses, models, ops

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(3)


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


def positive(*shape):
    return RNG.uniform(0.1, 3, size=shape).astype("float32")


def probabilities(*shape):
    raw = RNG.uniform(0.05, 1, size=shape).astype("float32")
    return raw / raw.sum(-1, keepdims=True)


def bits(*shape):
    return RNG.integers(0, 2, shape).astype("float32")


ONE_HOT = np.eye(4, dtype="float32")[RNG.integers(0, 4, 6)]
WITH_ZEROS = positive(6, 3) * bits(6, 3)
# (class, arguments, targets, predictions)
CASES = [
    ("MeanAbsolutePercentageError", {}, floats(6, 3), floats(6, 3)),
    ("MeanAbsolutePercentageError", {}, positive(6), floats(6, 1)),
    ("MeanSquaredLogarithmicError", {}, positive(6, 3), positive(6, 3)),
    ("MeanSquaredLogarithmicError", {}, floats(6, 3), floats(6, 3)),
    ("Huber", {}, 2 * floats(6, 4, 3), floats(6, 4, 3)),
    ("Huber", {"delta": 0.3}, floats(6, 3), floats(6, 3)),
    ("LogCosh", {}, floats(6, 3), 50 * floats(6, 3)),
    ("CosineSimilarity", {}, floats(6, 3), floats(6, 3)),
    ("CosineSimilarity", {"axis": 1}, floats(6, 4, 3), floats(6, 4, 3)),
    ("Hinge", {}, bits(6, 3), floats(6, 3)),
    ("Hinge", {}, 2 * bits(6, 3) - 1, floats(6, 3)),
    ("Hinge", {}, bits(6).astype("int64"), floats(6, 1)),
    ("SquaredHinge", {}, bits(6, 3), floats(6, 3)),
    ("SquaredHinge", {}, 2 * bits(6, 3) - 1, floats(6, 3)),
    ("CategoricalHinge", {}, ONE_HOT, floats(6, 4)),
    ("KLDivergence", {}, probabilities(6, 4), probabilities(6, 4)),
    ("KLDivergence", {}, ONE_HOT, probabilities(6, 4)),
    ("Poisson", {}, np.floor(WITH_ZEROS), positive(6, 3)),
]  # fmt: skip
IDS = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


def near(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.keras
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", None])
@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES, ids=IDS)
def test_values(name, arguments, y, p, reduction):
    ours = getattr(losses, name)(**arguments, reduction=reduction)
    theirs = getattr(keras.losses, name)(**arguments, reduction=reduction)
    near(ours(y, p).numpy(), theirs(y, p))
    weights = np.linspace(0, 2, 6, dtype="float32").reshape((6,) + (1,) * (p.ndim - 2))
    near(ours(y, p, weights).numpy(), theirs(y, p, weights))


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments", "y", "p"), CASES, ids=IDS)
def test_gradients(name, arguments, y, p):
    import jax

    ours, theirs = getattr(losses, name)(**arguments), getattr(keras.losses, name)(**arguments)
    p = ops.convert_to_tensor(p)
    with GradientTape() as tape:
        tape.watch(p)
        value = ours(y, p)
    expected = jax.jit(jax.grad(lambda x: theirs(y, x)))(p.numpy())
    near(tape.gradient(value, p).numpy(), expected)


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), [case[:2] for case in CASES], ids=IDS)
def test_configurations(name, arguments):
    ours, theirs = getattr(losses, name)(**arguments), getattr(keras.losses, name)(**arguments)
    # Keras forgets `delta` and `axis`
    assert ours.get_config() == {**theirs.get_config(), **ours._fn_kwargs, **arguments}
    again = losses.deserialize(losses.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    from_keras = losses.deserialize(keras.losses.serialize(theirs))
    assert type(from_keras) is type(ours)


@pytest.mark.keras
@pytest.mark.parametrize(
    "name",
    ["mape", "MAPE", "msle", "MSLE", "kld", "KLD", "huber", "log_cosh", "hinge", "squared_hinge",
     "categorical_hinge", "kl_divergence", "poisson", "cosine_similarity",
     "mean_absolute_percentage_error", "mean_squared_logarithmic_error"],
)  # fmt: skip
def test_names(name):
    ours, theirs = losses.get(name), keras.losses.get(name)
    assert ours.__name__ == theirs.__name__
    y, p = probabilities(6, 4), probabilities(6, 4)
    near(ours(y, p).numpy(), theirs(y, p))


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_targets_are_not_broadcast(name):
    with pytest.raises(ValueError, match="the shapes must be equal"):
        getattr(losses, name)()(floats(6, 1), floats(6, 3))


@pytest.mark.keras
@pytest.mark.parametrize(
    "loss", ["mape", "msle", "huber", "log_cosh", "hinge", "squared_hinge", "cosine_similarity"]
)
def test_fit_as_keras(loss):
    x, y = floats(40, 5), (bits(40, 3) if "hinge" in loss else positive(40, 3))
    kernel, bias = 0.3 * floats(5, 3), np.full(3, 0.5, "float32")
    histories = []
    for mods, lays in ((models, layers), (keras.models, keras.layers)):
        model = mods.Sequential([lays.Input((5,)), lays.Dense(3)])
        model.set_weights([kernel, bias])
        model.compile("sgd", loss)
        histories.append(model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history)
    near(histories[0]["loss"], histories[1]["loss"])
