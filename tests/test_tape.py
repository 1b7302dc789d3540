"""GradientTape: eager and traced, nested, persistent, and what it refuses."""

import numpy as np
import pytest

from nnseq import GradientTape, Tensor, Variable, layers, ops
from nnseq.engine.traced import Traced

pytestmark = pytest.mark.smoke

A = np.float32([[0.5, -1.0], [2.0, 0.25]])


def both(function):
    """The function run eagerly and traced."""
    return [function, Traced(function)]


@pytest.mark.parametrize("mode", [0, 1])
def test_gradient_by_variables_and_tensors(mode):
    w = Variable(A, name="w")

    def step(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(ops.tanh(x @ w))
        return tape.gradient(y, {"w": w, "x": [x]})

    x = np.float32([[1.0, 2.0]])
    grads = both(step)[mode](ops.convert_to_tensor(x))
    slope = 1 - np.tanh(x @ A) ** 2
    np.testing.assert_allclose(grads["w"], x.T @ slope, rtol=1e-5)
    np.testing.assert_allclose(grads["x"][0], slope @ A.T, rtol=1e-5)


@pytest.mark.parametrize("mode", [0, 1])
def test_unconnected_is_none(mode):
    w, other, frozen = Variable(A), Variable(A), Variable(A)

    def step(x):
        with GradientTape() as tape:
            unused = ops.sum(other * x)
            y = ops.sum(w * x + ops.stop_gradient(frozen)) + ops.cast(ops.argmax(w), "float32")
            y = y + 0 * ops.stop_gradient(unused)
        grads = tape.gradient(y, [w, other, frozen, x])
        assert grads[1] is None and grads[2] is None
        return grads[0], grads[3]

    by_w, by_x = both(step)[mode](ops.convert_to_tensor(A * 2))
    np.testing.assert_allclose(by_w, A * 2)
    np.testing.assert_allclose(by_x, A)


@pytest.mark.parametrize("mode", [0, 1])
def test_second_derivative(mode):
    def step(x):
        with GradientTape() as outer:
            with GradientTape() as inner:
                y = ops.sum(x**3.0 + ops.sigmoid(x))
            first = inner.gradient(y, x)
        return first, outer.gradient(first, x)

    x = np.float32([0.5, 1.0, 2.0])
    first, second = both(step)[mode](ops.convert_to_tensor(x))
    s = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(first, 3 * x**2 + s * (1 - s), rtol=1e-5)
    np.testing.assert_allclose(second, 6 * x + s * (1 - s) * (1 - 2 * s), rtol=1e-4)


@pytest.mark.parametrize("mode", [0, 1])
def test_gradient_penalty_trains_through_the_gradient(mode):
    """d/dw of (|d(w x^2)/dx| - 1)^2."""
    w = Variable(0.5)

    def step(x):
        with GradientTape() as outer:
            with GradientTape() as inner:
                inner.watch(x)
                y = ops.sum(w * ops.square(x))
            slope = inner.gradient(y, x)
            penalty = ops.sum(ops.square(ops.absolute(slope) - 1.0))
        return outer.gradient(penalty, w)

    x = np.float32([1.0, 3.0])
    want = np.sum(2 * (2 * 0.5 * x - 1) * 2 * x)
    np.testing.assert_allclose(both(step)[mode](ops.convert_to_tensor(x)), want, rtol=1e-5)


@pytest.mark.parametrize("mode", [0, 1])
def test_persistent_and_output_gradients(mode):
    def step(x):
        with GradientTape(persistent=True) as tape:
            y = x * x
            z = y * y
        weights = ops.convert_to_tensor([1.0, 0.0])
        return tape.gradient(y, x), tape.gradient(z, x), tape.gradient(z, x, weights)

    dy, dz, weighted = both(step)[mode](Tensor([2.0, 3.0]))
    assert dy.tolist() == [4.0, 6.0]
    assert dz.tolist() == [32.0, 108.0]
    assert weighted.tolist() == [32.0, 0.0]


def test_targets_in_a_structure_are_summed():
    x = Tensor([1.0, 2.0])
    with GradientTape() as tape:
        a, b = x * 2, x * x
    assert tape.gradient([a, b], x).tolist() == [4.0, 6.0]


def test_second_call_of_a_plain_tape_is_refused():
    x = Tensor(1.0)
    with GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)


def test_integer_targets_and_odd_sources_are_refused():
    with GradientTape() as tape:
        y = Tensor([1, 2]) * 2
    with pytest.raises(TypeError, match="float"):
        tape.gradient(y, y)
    with pytest.raises(TypeError, match="Tensors and Variables"):
        GradientTape(persistent=True).gradient(Tensor(1.0), [3.0])
    with pytest.raises(TypeError, match=r"watch"):
        tape.watch("x")


def test_variable_read_before_and_after_an_assignment():
    """Each read is differentiated where it was made, and the parts are added."""
    v = Variable(2.0)
    with GradientTape() as tape:
        y = v * 3.0
        v.assign(5.0)
        z = y * v
    assert float(tape.gradient(z, v)) == 3.0 * 5.0 + 6.0
    assert tape.watched_variables() == (v,)


@pytest.mark.parametrize("mode", [0, 1])
def test_no_gradient_through_an_assignment(mode):
    """What a step wrote into a Variable is a constant for a later tape of the same step."""
    v, w = Variable(2.0), Variable(3.0)

    def step(x):
        v.assign(w * x)
        with GradientTape() as tape:
            y = v * v * w
        return tape.gradient(y, [v, w])

    by_v, by_w = both(step)[mode](Tensor(2.0))
    assert (float(by_v), float(by_w)) == (2 * 6.0 * 3.0, 36.0)


def test_stop_recording_and_reset():
    v = Variable(2.0)
    with GradientTape() as tape:
        with tape.stop_recording():
            hidden = v * v
        y = v * 3.0
    assert tape.gradient(hidden, v) is None
    tape.reset()
    with tape:
        y = v * v
    assert float(tape.gradient(y, v)) == 4.0


@pytest.mark.parametrize("mode", [0, 1])
def test_gradient_through_scan_and_what_it_captures(mode):
    w = Variable(0.5)

    def step(xs, scale):
        with GradientTape() as tape:
            last, _ = ops.scan(lambda c, x: (c * w + x * scale, c), Tensor(0.0), xs)
        return tape.gradient(last, [w, xs, scale])

    xs, scale = np.float32([1.0, 2.0, 3.0]), np.float32(2.0)
    by_w, by_xs, by_scale = both(step)[mode](*map(ops.convert_to_tensor, (xs, scale)))
    # last = scale * (x0 w^2 + x1 w + x2)
    assert float(by_w) == pytest.approx(2 * (2 * 0.5 * 1 + 2))
    np.testing.assert_allclose(by_xs, [0.5, 1.0, 2.0])
    assert float(by_scale) == pytest.approx(0.25 + 1.0 + 3.0)


def test_tape_and_trace_agree_on_a_network():
    net = [layers.Dense(5, activation="tanh"), layers.Dense(3, activation="softmax")]
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    labels = np.array([0, 2, 1, 1, 0, 2])

    def step(x, labels):
        with GradientTape() as tape:
            y = net[1](net[0](x))
            loss = ops.mean(ops.sparse_categorical_crossentropy(labels, y))
        return loss, tape.gradient(loss, [v for layer in net for v in layer.trainable_weights])

    eager_loss, eager = step(ops.convert_to_tensor(x), ops.convert_to_tensor(labels))
    traced_loss, traced = Traced(step)(x, labels)
    np.testing.assert_allclose(eager_loss, traced_loss, rtol=1e-6)
    for a, b in zip(eager, traced, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
