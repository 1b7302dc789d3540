"""Optimizers: the core's update against update_step, both against Keras, schedules, slots."""

import warnings

import numpy as np
import pytest

from nnseq import Variable, ops, optimizers
from nnseq.engine.traced import Traced
from nnseq.optimizers import schedules
from nnseq.utils import clear_session

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(2)
SHAPES = [(5, 3), (3,), (17,), (2, 3, 4)]
START = [RNG.normal(size=shape).astype("float32") for shape in SHAPES]
STEPS = [[RNG.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(5)]

CASES = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "weight_decay": 0.1, "clipvalue": 0.3}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "clipnorm": 1.0}),
    ("Adam", {"learning_rate": 0.1, "amsgrad": True}),
    ("Adam", {"learning_rate": 0.1, "global_clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.1, "use_ema": True}),
    ("SGD", {"momentum": 0.9, "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2}),
    ("AdamW", {"learning_rate": 0.1}),
    ("AdamW", {"learning_rate": 0.1, "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.9, "rho": 0.5}),
    ("RMSprop", {"weight_decay": 0.1, "global_clipnorm": 1.0}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(CASES)]
FUSED = [case for case in CASES if case[0] != "RMSprop"]


def variables():
    return [Variable(value, name=f"v{i}") for i, value in enumerate(START)]


def run(optimizer, traced=False, steps=STEPS):
    """Five steps; returns the weights and the slots."""
    weights = variables()

    def step(*grads):
        optimizer.apply(list(grads), weights)
        return optimizer.iterations.value

    step = Traced(step) if traced else step
    for grads in steps:
        step(*[np.array(g) if traced else ops.convert_to_tensor(g) for g in grads])
    return [v.numpy() for v in weights], [v.numpy() for v in optimizer.variables]


def make(name, arguments, fused=True):
    optimizer = getattr(optimizers, name)(**arguments)
    optimizer.fused = fused
    return optimizer


@pytest.mark.keras
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=IDS)
def test_against_keras(name, arguments, fused):
    theirs = getattr(keras.optimizers, name)(**arguments)
    weights = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(START)]
    for grads in STEPS:
        theirs.apply([keras.ops.convert_to_tensor(g) for g in grads], weights)
    got, state = run(make(name, arguments, fused), traced=True)
    for ours, expected in zip(got, weights, strict=True):
        np.testing.assert_allclose(ours, np.asarray(expected), rtol=1e-5, atol=1e-5)
    assert len(state) == len(theirs.variables)
    for ours, expected in zip(state, theirs.variables, strict=True):
        np.testing.assert_allclose(ours, np.asarray(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(("name", "arguments"), FUSED, ids=IDS[: len(FUSED)])
def test_the_update_operation_does_what_update_step_says(name, arguments, traced):
    assert make(name, arguments)._fused_attrs() is not None
    fused = run(make(name, arguments), traced)
    reference = run(make(name, arguments, fused=False), traced)
    for ours, expected in zip(fused[0] + fused[1], reference[0] + reference[1], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=IDS)
def test_eager_and_traced_agree(name, arguments):
    eager, traced = run(make(name, arguments)), run(make(name, arguments), traced=True)
    for a, b in zip(eager[0] + eager[1], traced[0] + traced[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=IDS)
def test_names_and_configuration_are_those_of_keras(name, arguments):
    clear_session()
    keras.utils.clear_session(free_memory=False)
    ours, theirs = make(name, arguments), getattr(keras.optimizers, name)(**arguments)
    ours.build(variables())
    theirs.build([keras.Variable(value, name=f"v{i}") for i, value in enumerate(START)])
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    config = optimizers.serialize(ours)
    assert keras.optimizers.deserialize(config).get_config() == theirs.get_config()
    again = optimizers.deserialize(keras.optimizers.serialize(theirs))
    assert again.get_config() == ours.get_config()


@pytest.mark.keras
@pytest.mark.parametrize("fused", [True, False])
def test_exclusions_from_weight_decay(fused):
    ours = make("AdamW", {"learning_rate": 0.1, "weight_decay": 0.5}, fused)
    weights = variables()
    ours.exclude_from_weight_decay(var_list=[weights[0]], var_names=["v2"])
    theirs = keras.optimizers.AdamW(learning_rate=0.1, weight_decay=0.5)
    others = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(START)]
    theirs.exclude_from_weight_decay(var_list=[others[0]], var_names=["v2"])
    for grads in STEPS:
        ours.apply([ops.convert_to_tensor(g) for g in grads], weights)
        theirs.apply([keras.ops.convert_to_tensor(g) for g in grads], others)
    for mine, expected in zip(weights, others, strict=True):
        np.testing.assert_allclose(mine.numpy(), np.asarray(expected), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="before the optimizer is built"):
        ours.exclude_from_weight_decay(var_names=["v1"])


@pytest.mark.parametrize("fused", [True, False])
def test_constraints_are_applied_after_the_step(fused):
    w = Variable(np.array([0.5, -0.5], "float32"), constraint=lambda x: ops.maximum(x, 0.0))
    make("SGD", {"learning_rate": 1.0}, fused).apply([ops.convert_to_tensor([1.0, -1.0])], [w])
    assert w.numpy().tolist() == [0.0, 0.5]


@pytest.mark.parametrize("argument", ["clipnorm", "global_clipnorm"])
def test_an_infinite_gradient_does_not_become_zero(argument):
    w = Variable([1.0, 1.0])
    optimizers.SGD(0.1, **{argument: 1.0}).apply([ops.convert_to_tensor([np.inf, 1.0])], [w])
    assert np.isnan(w.numpy()).all()


SCHEDULES = [
    ("ExponentialDecay", (0.1, 3, 0.5)),
    ("ExponentialDecay", (0.1, 3, 0.5, True)),
    ("CosineDecay", (0.1, 10)),
    ("CosineDecay", (0.1, 10, 0.2)),
]


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
def test_schedules(name, arguments):
    ours = getattr(schedules, name)(*arguments)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    for step in range(14):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-8)
    assert schedules.serialize(ours)["config"] == theirs.get_config()
    assert schedules.deserialize(schedules.serialize(ours)).get_config() == ours.get_config()


@pytest.mark.keras
def test_cosine_decay_with_warmup():
    arguments = {"warmup_target": 0.5, "warmup_steps": 4}
    ours = schedules.CosineDecay(0.1, 6, **arguments)
    theirs = keras.optimizers.schedules.CosineDecay(0.1, 6, **arguments)
    for step in range(14):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-8)


@pytest.mark.keras
@pytest.mark.parametrize("fused", [True, False])
def test_a_schedule_is_computed_in_the_step(fused):
    got, _ = run(make("Adam", {"learning_rate": schedules.ExponentialDecay(0.1, 2, 0.5)}, fused),
                 traced=True)  # fmt: skip
    theirs = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))
    weights = [keras.Variable(value) for value in START]
    for grads in STEPS:
        theirs.apply([keras.ops.convert_to_tensor(g) for g in grads], weights)
    for ours, expected in zip(got, weights, strict=True):
        np.testing.assert_allclose(ours, np.asarray(expected), rtol=1e-5, atol=1e-5)


def test_the_learning_rate_can_be_set_between_steps():
    w, optimizer = Variable([1.0]), optimizers.SGD(1)
    step = Traced(lambda g: optimizer.apply([g], [w]))
    step(np.ones(1, "float32"))
    optimizer.learning_rate = 0.25
    step(np.ones(1, "float32"))
    optimizer.learning_rate.assign(0.125)
    step(np.ones(1, "float32"))
    assert w.numpy() == [1 - 1 - 0.25 - 0.125]
    assert float(optimizer.learning_rate) == 0.125


def test_a_function_is_called_before_every_eager_step():
    rates = iter([9.0, 1.0, 0.5])  # the first when the optimizer is made
    w, optimizer = Variable([0.0]), optimizers.SGD(lambda: next(rates))
    for _ in range(2):
        optimizer.apply([ops.ones((1,))], [w])
    assert w.numpy() == [-1.5]


def test_slots_live_with_their_variables():
    a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
    optimizer = optimizers.SGD(0.1, momentum=0.9)
    optimizer.apply([ops.ones((1,))], [a])
    kept = optimizer.slots(a)[0]
    optimizer.build([a, b])
    assert optimizer.slots(a)[0] is kept
    assert kept.numpy() == pytest.approx([-0.1])
    assert optimizer.slots(b)[0].numpy() == [0]
    with pytest.warns(UserWarning, match="forgets its state of 1 variables.*a"):
        optimizer.build([b])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.build([b])
    assert len(optimizer.variables) == 3


def test_a_subclass_in_the_style_of_keras():
    class Signed(optimizers.Optimizer):
        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.counts = [self.add_variable_from_reference(v, name="count") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            count = self.counts[self._get_variable_index(variable)]
            self.assign_add(count, ops.ones_like(gradient))
            self.assign_sub(variable, learning_rate * ops.sign(gradient))

    w = Variable([1.0, 1.0], name="w")
    optimizer = Signed(0.5, name="signed")
    step = Traced(lambda g: optimizer.apply_gradients([(g, w)]))
    for _ in range(2):
        step(np.array([3.0, -3.0], "float32"))
    assert w.numpy().tolist() == [0.0, 2.0]
    assert optimizer.variables[-1].numpy().tolist() == [2.0, 2.0]
    assert optimizer.variables[-1].path == "signed/w_count"


def test_update_step_of_a_subclass_is_used():
    class Half(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient * 0.5, variable, learning_rate)

    w = Variable([1.0])
    Half(1.0).apply([ops.ones((1,))], [w])
    assert w.numpy() == [0.5]


def test_missing_gradients():
    a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
    optimizer = optimizers.SGD(0.5)
    with pytest.warns(UserWarning, match="Gradients do not exist for variables.*b"):
        optimizer.apply([ops.ones((1,)), None], [a, b])
    assert (a.numpy(), b.numpy()) == ([0.5], [1.0])
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply([None, None], [a, b])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.get("adm"), "Did you mean 'adam'"),
        (lambda: optimizers.get(3), "optimizer"),
        (lambda: optimizers.Adam(learnin_rate=0.1), "Did you mean 'learning_rate'"),
        (lambda: optimizers.Adam(clipnrom=0.1), "Did you mean 'clipnorm'"),
        (lambda: optimizers.Adam(learning_rate="fast"), "learning_rate='fast'"),
        (lambda: optimizers.Adam(clipnorm=1, clipvalue=1), "Only one of"),
        (lambda: optimizers.Adam(use_ema=True, ema_momentum=2), "ema_momentum=2"),
        (lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=0), "frequency=0"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=1), "an integer >= 2. Received: .*=1"),
        (lambda: optimizers.Adam(schedules.CosineDecay(0.1, 9), decay=0.1), "schedule alone"),
        (lambda: optimizers.SGD(momentum=2), "momentum"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay"),
        (lambda: optimizers.SGD().apply([1.0]), "built"),
        (lambda: optimizers.SGD().apply([], [Variable(1.0)]), "0 gradients for 1"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
