"""Gradients accumulated over steps, scaled losses and LossScaleOptimizer, beside Keras."""

import numpy as np
import pytest

from nnseq import Variable, callbacks, layers, models, ops, optimizers
from nnseq.engine.traced import Traced
from nnseq.optimizers import schedules

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(6)
SHAPES = [(5, 3), (3,)]
START = [RNG.normal(size=shape).astype("float32") for shape in SHAPES]
STEPS = [[RNG.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(7)]
X = RNG.normal(size=(24, 4)).astype("float32")
Y = RNG.normal(size=(24, 2)).astype("float32")

CASES = [
    ("SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 2}),
    ("SGD", {"momentum": 0.9, "gradient_accumulation_steps": 3, "clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 3, "weight_decay": 0.1}),
    ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "amsgrad": True}),
    ("Nadam", {"learning_rate": 0.1, "gradient_accumulation_steps": 2}),
    ("RMSprop", {"gradient_accumulation_steps": 2, "global_clipnorm": 1.0, "centered": True}),
    ("Adafactor", {"learning_rate": 0.1, "gradient_accumulation_steps": 2}),
    ("Lamb", {"gradient_accumulation_steps": 4}),
    (
        "Adam",
        {
            "learning_rate": 0.1,
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_momentum": 0.5,
            "ema_overwrite_frequency": 2,
        },
    ),
    ("SGD", {"learning_rate": 0.1, "loss_scale_factor": 8.0}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(CASES)]


def near(ours, theirs, rtol=1e-5):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=1e-5)


def run(optimizer, traced, steps=STEPS):
    weights = [Variable(value, name=f"v{i}") for i, value in enumerate(START)]

    def step(*grads):
        optimizer.apply(list(grads), weights)
        return ops.convert_to_tensor(optimizer.iterations)

    step = Traced(step) if traced else step
    for grads in steps:
        step(*[g if traced else ops.convert_to_tensor(g) for g in grads])
    return [v.numpy() for v in weights], [v.numpy() for v in optimizer.variables]


def keras_run(optimizer):
    weights = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(START)]
    for grads in STEPS:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in grads], weights)
    return weights, optimizer.variables


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=IDS)
def test_seven_steps(name, arguments):
    theirs = getattr(keras.optimizers, name)(**arguments)
    expected, their_state = keras_run(theirs)
    for traced in (False, True):
        ours = getattr(optimizers, name)(**arguments)
        got, state = run(ours, traced)
        near(got, expected)
        near(state, their_state)
        assert int(ours.iterations) == int(theirs.iterations)
        names = [v.name for v in theirs.variables if "variable" not in v.name]
        assert [v.name for v in ours.variables][: len(names)] == names
    config = ours.get_config()
    assert config["gradient_accumulation_steps"] == arguments.get("gradient_accumulation_steps")
    assert optimizers.deserialize(keras.optimizers.serialize(theirs)).get_config() == {
        **config,
        "name": theirs.name,
    }


@pytest.mark.parametrize("fused", [True, False])
def test_two_half_batches_are_one(fused):
    """To the bit for gradients whose sums are exact."""
    steps = [[np.round(g * 8) / 8 for g in grads] for grads in STEPS[:4]]
    halves = [[g + s for g in grads] for grads in steps for s in (np.float32(0.5), -0.5)]
    for name in ("SGD", "Adam"):
        whole = getattr(optimizers, name)(0.1)
        parts = getattr(optimizers, name)(0.1, gradient_accumulation_steps=2)
        whole.fused = parts.fused = fused
        for a, b in zip(run(whole, True, steps)[0], run(parts, True, halves)[0], strict=True):
            assert np.array_equal(a, b)


@pytest.mark.keras
def test_a_schedule_counts_steps():
    arguments = {"gradient_accumulation_steps": 2}
    ours = optimizers.SGD(schedules.ExponentialDecay(0.5, 1, 0.5), **arguments)
    theirs = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    near(run(ours, True)[0], keras_run(keras.optimizers.SGD(theirs, **arguments))[0])


def fitted(mods, lays, optimizer, **arguments):
    weights = np.random.default_rng(0)
    constraint = "NonNeg" if arguments.pop("constrained", False) else None
    model = mods.Sequential([lays.Input((4,)), lays.Dense(2, kernel_constraint=constraint)])
    model.set_weights([weights.normal(size=w.shape) for w in model.get_weights()])
    model.compile(optimizer, "mse", **arguments)
    history = model.fit(X, Y, batch_size=5, epochs=2, shuffle=False, verbose=0).history["loss"]
    return [*model.get_weights(), history]


@pytest.mark.keras
@pytest.mark.parametrize("constrained", [False, True])
def test_fit_as_keras(constrained):
    arguments = {"learning_rate": 0.1, "gradient_accumulation_steps": 3, "loss_scale_factor": 4.0}
    ours = fitted(models, layers, optimizers.Adam(**arguments), constrained=constrained)
    theirs = fitted(
        keras.models, keras.layers, keras.optimizers.Adam(**arguments), constrained=constrained
    )
    near(ours, theirs, rtol=1e-4)
    eager = fitted(
        models, layers, optimizers.Adam(**arguments), constrained=constrained, run_eagerly=True
    )
    near(ours, eager)


def test_a_step_that_is_not_finite_leaves_the_sums_alone():
    model = models.Sequential([layers.Input((4,)), layers.Dense(2)])
    model.compile(optimizers.SGD(0.1, gradient_accumulation_steps=4), "mse")
    model.fit(X, Y, batch_size=8, verbose=0)
    state = [v.numpy() for v in model.optimizer.variables]
    assert any(v.any() for v in state[2:])
    bad = X.copy()
    bad[0, 0] = np.nan
    model.fit(bad, Y, batch_size=24, verbose=0, callbacks=callbacks.TerminateOnNaN())
    for before, after in zip(state, model.optimizer.variables, strict=True):
        assert np.array_equal(before, after.numpy())


# --- LossScaleOptimizer ---------------------------------------------------------------------------
WITH_OVERFLOW = [
    [np.where(np.arange(g.size).reshape(g.shape) == 0, np.inf, g).astype("float32") for g in grads]
    if i in (2, 3)
    else [4 * g for g in grads]
    for i, grads in enumerate(STEPS)
]


def keras_stateless(optimizer):
    """Its `apply` does not run on JAX."""
    weights = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(START)]
    optimizer.build(weights)
    values, state = [v.value for v in weights], [v.value for v in optimizer.variables]
    for grads in WITH_OVERFLOW:
        values, state = optimizer.stateless_apply(state, grads, values)
    return values, state


@pytest.mark.keras
def test_scales_as_keras():
    arguments = {"initial_scale": 4.0, "dynamic_growth_steps": 2}
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), **arguments)
    expected, their_state = keras_stateless(theirs)
    for traced in (False, True):
        ours = optimizers.LossScaleOptimizer(optimizers.Adam(0.1), **arguments)
        got, state = run(ours, traced, WITH_OVERFLOW)
        near(got, expected)
        near(state, their_state)
    again = optimizers.deserialize(optimizers.serialize(ours))
    assert again.get_config() == ours.get_config()
    assert type(optimizers.deserialize(keras.optimizers.serialize(theirs)).inner_optimizer) is (
        optimizers.Adam
    )


@pytest.mark.keras
def test_scaled_fit_as_keras():
    found = [
        fitted(mods, lays, opts.LossScaleOptimizer(opts.SGD(0.1, momentum=0.5), 8.0))
        for mods, lays, opts in (
            (models, layers, optimizers),
            (keras.models, keras.layers, keras.optimizers),
        )
    ]
    near(*found, rtol=1e-4)
    schedule = schedules.ExponentialDecay(0.1, 2, 0.5)
    plain = fitted(models, layers, optimizers.SGD(schedule))
    scaled = fitted(models, layers, optimizers.LossScaleOptimizer(optimizers.SGD(schedule), 2.0))
    for a, b in zip(plain, scaled, strict=True):
        assert np.array_equal(a, b)  # powers of two


def test_the_learning_rate_is_that_of_the_inner_optimizer():
    inner = optimizers.SGD(0.5)
    outer = optimizers.LossScaleOptimizer(inner)
    assert float(outer.learning_rate.numpy()) == 0.5
    outer.learning_rate = 0.25
    assert float(inner.learning_rate.numpy()) == 0.25


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), "Received: .*=1"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=2.0), "Received: .*=2.0"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False), "dynamic=False"),
        (lambda: optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0), "clipnorm=1.0"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
