"""The further optimizers and schedules against Keras: five steps, training, configurations."""

import numpy as np
import pytest

from nnseq import Variable, layers, models, ops, optimizers
from nnseq.engine.traced import Traced
from nnseq.optimizers import schedules

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(5)
SHAPES = [(5, 3), (3,), (2, 3, 4)]
START = [RNG.normal(size=shape).astype("float32") for shape in SHAPES]
STEPS = [[RNG.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(5)]
X = RNG.normal(size=(40, 6)).astype("float32")
Y = RNG.normal(size=(40, 2)).astype("float32")

FTRL = {
    "learning_rate": 0.1,
    "l1_regularization_strength": 0.02,
    "l2_regularization_strength": 0.1,
    "l2_shrinkage_regularization_strength": 0.05,
    "beta": 0.3,
}
CASES = [
    ("Nadam", {}),
    ("Nadam", {"learning_rate": 0.05, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Nadam", {"learning_rate": 0.05, "weight_decay": 0.1, "clipnorm": 1.0}),
    ("Adagrad", {}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "epsilon": 1e-2}),
    ("Adadelta", {}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.7, "epsilon": 1e-3, "weight_decay": 0.01}),
    ("Adamax", {}),
    ("Adamax", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7, "global_clipnorm": 1.0}),
    ("Ftrl", {}),
    ("Ftrl", FTRL),
    ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.7, "clipvalue": 0.5}),
    ("Lamb", {}),
    ("Lamb", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "weight_decay": 0.1}),
    ("Adafactor", {}),
    ("Adafactor", {"learning_rate": 0.5, "beta_2_decay": -0.5, "clip_threshold": 0.7}),
    ("Adafactor", {"epsilon_2": 5.0, "epsilon_1": 0.1, "relative_step": False, "clipnorm": 1.0}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1, "beta_1": 0.7, "warmup_steps": 3}),
    ("Muon", {"learning_rate": 0.02}),
    ("Muon", {"rms_rate": None, "nesterov": False, "exclude_layers": ["v0"], "adam_lr_ratio": 3}),
    ("Muon", {"ns_steps": 2, "weight_decay": 0.3, "adam_weight_decay": None, "muon_a": 3.0}),
    ("Lion", {}),
    ("Lion", {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8, "weight_decay": 0.1}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(CASES)]
SCHEDULES = [
    ("PiecewiseConstantDecay", ([2, 5], [0.1, 0.05, 0.01])),
    ("PiecewiseConstantDecay", ([3], [0.1, 0.2])),
    ("PolynomialDecay", (0.1, 6)),
    ("PolynomialDecay", (0.1, 6, 0.01, 2.5)),
    ("PolynomialDecay", (0.1, 4, 0.01, 0.5, True)),
    ("CosineDecayRestarts", (0.1, 3)),
    ("CosineDecayRestarts", (0.1, 4, 1.0, 0.5, 0.1)),
    ("CosineDecayRestarts", (0.1, 2, 1.5, 0.8, 0.2)),
    ("InverseTimeDecay", (0.1, 4, 0.5)),
    ("InverseTimeDecay", (0.1, 4, 0.5, True)),
]


def near(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        atol = max(1e-5, 1e-6 * float(np.abs(b).max()))  # sums of Ftrl cancel
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=atol)


def run(optimizer, traced, weights):
    def step(*grads):
        optimizer.apply(list(grads), weights)
        return optimizer.iterations.value

    step = Traced(step) if traced else step
    for grads in STEPS:
        step(*[g if traced else ops.convert_to_tensor(g) for g in grads])
    return [v.numpy() for v in weights], [v.numpy() for v in optimizer.variables]


def keras_run(optimizer):
    weights = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(START)]
    for grads in STEPS:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in grads], weights)
    return weights, optimizer.variables


@pytest.mark.keras
@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=IDS)
def test_five_steps(name, arguments, traced):
    weights = [Variable(value, name=f"v{i}") for i, value in enumerate(START)]
    ours = getattr(optimizers, name)(**arguments)
    got, state = run(ours, traced, weights)
    theirs = getattr(keras.optimizers, name)(**arguments)
    expected, their_state = keras_run(theirs)
    near(got, expected)
    near(state, their_state)
    names = [variable.name for variable in theirs.variables if "variable" not in variable.name]
    assert [variable.name for variable in ours.variables][: len(names)] == names


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=IDS)
def test_fit(name, arguments):
    kernel, bias = 0.3 * RNG.normal(size=(6, 2)).astype("float32"), np.zeros(2, "float32")
    results = []
    for mods, lays, opts in (
        (models, layers, optimizers),
        (keras.models, keras.layers, keras.optimizers),
    ):
        model = mods.Sequential([lays.Input((6,)), lays.Dense(2)])
        model.set_weights([kernel, bias])
        model.compile(getattr(opts, name)(**arguments), "mse")
        losses = model.fit(X, Y, batch_size=8, epochs=1, shuffle=False, verbose=0).history["loss"]
        results.append([*model.get_weights(), losses])
    near(*results)


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=IDS)
def test_configurations(name, arguments):
    ours = getattr(optimizers, name)(**arguments)
    theirs = getattr(keras.optimizers, name)(**arguments)
    config, expected = ours.get_config(), theirs.get_config()
    for key in set(config) - {"name"}:
        assert config[key] == pytest.approx(expected[key]), key
    again = optimizers.deserialize(optimizers.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == config
    from_keras = optimizers.deserialize(keras.optimizers.serialize(theirs))
    assert from_keras.get_config() == {**config, "name": from_keras.name}


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_names(name):
    cls = getattr(optimizers, name)
    assert type(optimizers.get(name)) is cls
    assert type(optimizers.get(name.lower())) is cls


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
def test_schedules(name, arguments):
    ours = getattr(schedules, name)(*arguments)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    for step in range(14):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-8)
    assert schedules.serialize(ours)["config"] == theirs.get_config()
    again = schedules.deserialize(schedules.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()


@pytest.mark.keras
@pytest.mark.parametrize("optimizer", ["SGD", "Nadam"])
@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
def test_schedules_in_a_traced_step(name, arguments, optimizer):
    weights = [Variable(value) for value in START]
    ours = getattr(optimizers, optimizer)(getattr(schedules, name)(*arguments))
    got, _ = run(ours, True, weights)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    expected, _ = keras_run(getattr(keras.optimizers, optimizer)(theirs))
    near(got, expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "l1_regularization_strength"),
        (lambda: optimizers.get("adagard"), "Did you mean 'adagrad'"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "1 less"),
        (lambda: schedules.PiecewiseConstantDecay([4, 2], [0.3, 0.2, 0.1]), "must ascend"),
        (lambda: schedules.PolynomialDecay(0.1, 0), "decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=0), "Received: beta_1=0"),
        (lambda: schedules.InverseTimeDecay(0.1, 0, 0.5), "decay_steps"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
