"""Small graphs for the ops of the graph itself: state, host integers, gradient, scan, chains."""

import numpy as np
import pytest
from op_rows.elementwise import UNARY

from nnseq import _core

pytestmark = pytest.mark.smoke

HOST_SIZE = -1_000_000


def run(graph: _core.Graph, *inputs: np.ndarray, variables=()) -> list[np.ndarray]:
    return [y.numpy() for y in _core.Function(graph, list(variables))(*inputs)]


def binary(graph: _core.Graph, fn: str, a: int, b: int) -> int:
    return graph.add("binary", [a, b], {"fn": fn})


def unary(graph: _core.Graph, fn: str, x: int) -> int:
    return graph.add("unary", [x], {"fn": fn})


def total(graph: _core.Graph, x: int) -> int:
    axes = list(range(len(graph.shape(x))))
    return graph.add("reduce", [x], {"fn": "sum", "axes": axes})


X = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)


def test_inputs_and_constants():
    graph = _core.Graph()
    x = graph.input("x", "float32", (None, 3))
    graph.add_output(binary(graph, "add", x, graph.constant(np.float32([1, 2, 3]))))
    graph.add_output(graph.constant(np.int64([[7]])))
    graph.add_output(x)
    added, constant, same = run(graph, X)
    np.testing.assert_array_equal(added, X + np.float32([1, 2, 3]))
    np.testing.assert_array_equal(constant, [[7]])
    np.testing.assert_array_equal(same, X)
    np.testing.assert_array_equal(run(graph, X[:2])[2], X[:2])


def test_inputs_of_another_shape_or_dtype_are_refused():
    graph = _core.Graph()
    graph.add_output(graph.input("x", "float32", (None, 3)))
    function = _core.Function(graph, [])
    with pytest.raises(ValueError, match="x"):
        function(X[:, :2])
    with pytest.raises((TypeError, ValueError), match="x"):
        function(_core.Tensor(X.astype(np.int64)))
    with pytest.raises(ValueError, match="takes 1 inputs, got 0"):
        function()


def test_reads_see_assignments_of_the_same_run():
    graph = _core.Graph()
    slot = graph.add_slot("v", "float32", (3,))
    graph.add_output(graph.read(slot))
    one = graph.constant(np.ones(3, np.float32))
    graph.assign(slot, binary(graph, "add", graph.read(slot), one))
    graph.add_output(graph.read(slot))
    graph.assign(slot, binary(graph, "multiply", graph.read(slot), graph.read(slot)))
    variable = _core.Variable(np.float32([0, 1, 2]), "v")
    function = _core.Function(graph, [variable])
    before, after = (y.numpy() for y in function())
    np.testing.assert_array_equal(before, [0, 1, 2])
    np.testing.assert_array_equal(after, [1, 2, 3])
    np.testing.assert_array_equal(variable.numpy(), [1, 4, 9])
    function()
    np.testing.assert_array_equal(variable.numpy(), [4, 25, 100])


def test_results_do_not_change_when_their_variable_does():
    graph = _core.Graph()
    slot = graph.add_slot("v", "float32", (3,))
    graph.add_output(graph.read(slot))
    graph.assign(slot, unary(graph, "negative", graph.read(slot)))
    variable = _core.Variable(np.float32([0, 1, 2]), "v")
    function = _core.Function(graph, [variable])
    (first,) = function()
    function()
    np.testing.assert_array_equal(first.numpy(), [0, 1, 2])


def test_dim_and_host_are_sizes_and_scalars():
    graph = _core.Graph()
    x = graph.input("x", "float32", (None, None))
    n = graph.add("dim", [x], {"axis": 0})
    two = graph.scalar(2, "int64")
    twice = graph.add("host", [n, two], {"fn": "multiply"})
    half = graph.add("host", [graph.add("dim", [x], {"axis": 1}), two], {"fn": "floor_divide"})
    graph.add_output(twice)
    zero = graph.scalar(0, "float32")
    sizes = {"sizes": [HOST_SIZE, HOST_SIZE - 1]}
    graph.add_output(graph.add("broadcast", [zero, twice, half], sizes))
    graph.add_output(graph.add("iota", [n], {"sizes": [HOST_SIZE], "dtype": "int64"}))
    for shape in ((3, 5), (1, 2), (7, 9)):
        scalar, zeros, iota = run(graph, np.zeros(shape, np.float32))
        assert scalar == 2 * shape[0] and scalar.dtype == np.int64 and scalar.shape == ()
        assert zeros.shape == (2 * shape[0], shape[1] // 2)
        np.testing.assert_array_equal(iota, np.arange(shape[0]))


@pytest.mark.parametrize("fn", ["add", "subtract", "multiply", "floor_divide", "mod"])
def test_host_arithmetic_is_that_of_python(fn):
    function = getattr(np, fn)
    for a, b in [(7, 3), (-7, 3), (7, -3), (6, 3), (0, 5)]:
        graph = _core.Graph()
        operands = [graph.scalar(a, "int64"), graph.scalar(b, "int64")]
        graph.add_output(graph.add("host", operands, {"fn": fn}))
        assert run(graph)[0] == function(a, b)


def test_gradient_of_sources_unused_or_stopped_is_zero():
    graph = _core.Graph()
    x, y = graph.input("x", "float32", (5, 3)), graph.input("y", "float32", (2,))
    square = unary(graph, "square", x)
    stopped = graph.add("stop_gradient", [square])
    target = total(graph, binary(graph, "multiply", square, stopped))
    first = graph.add("gradient", [target, x, y, square])
    for k in range(3):
        graph.add_output(first + k)
    graph.add_output(stopped)
    dx, dy, dsquare, same = run(graph, X, np.zeros(2, np.float32))
    np.testing.assert_allclose(dx, 2 * X**3, rtol=1e-6)
    np.testing.assert_array_equal(dy, [0, 0])
    np.testing.assert_allclose(dsquare, X**2, rtol=1e-6)
    np.testing.assert_array_equal(same, X**2)


def test_gradient_of_a_target_that_is_no_scalar_is_that_of_its_sum():
    graph = _core.Graph()
    x = graph.input("x", "float32", (5, 3))
    graph.add_output(graph.add("gradient", [unary(graph, "square", x), x]))
    np.testing.assert_array_equal(run(graph, X)[0], 2 * X)


def test_gradient_of_gradient_of_a_cube():
    graph = _core.Graph()
    x = graph.input("x", "float32", (5, 3))
    cube = binary(graph, "multiply", x, binary(graph, "multiply", x, x))
    derivative = x
    for level, target in enumerate((cube, None, None)):
        derivative = graph.add("gradient", [total(graph, derivative if level else target), x])
        graph.add_output(derivative)
    first, second, third = run(graph, X)
    np.testing.assert_allclose(first, 3 * X**2, rtol=1e-6)
    np.testing.assert_allclose(second, 6 * X, rtol=1e-6)
    np.testing.assert_allclose(third, np.full_like(X, 6), rtol=1e-6)


# --- scan: h = tanh(x_t + h . w), results 2 h -----------------------------------------------------


def recurrent(reverse: bool) -> _core.Graph:
    body = _core.Graph()
    h = body.input("h", "float32", (None, 3))
    x = body.input("x", "float32", (None, 3))
    w = body.input("w", "float32", (3, 3))
    new = unary(body, "tanh", binary(body, "add", x, body.add("matmul", [h, w])))
    body.add_output(new)
    body.add_output(binary(body, "multiply", new, body.scalar(2, "float32")))
    graph = _core.Graph()
    values = [
        graph.input("h0", "float32", (None, 3)),
        graph.input("xs", "float32", (None, None, 3)),
        graph.input("w", "float32", (3, 3)),
    ]
    attrs = {"body": body, "num_states": 1, "num_sequences": 1, "reverse": reverse}
    final = graph.add("scan", values, attrs)
    graph.add_output(final)
    graph.add_output(final + 1)
    target = binary(graph, "add", total(graph, final), total(graph, final + 1))
    gradient = graph.add("gradient", [target, *values])
    for k in range(3):
        graph.add_output(gradient + k)
    return graph


def recurrent_reference(h, xs, w, reverse):
    steps = range(len(xs))[::-1] if reverse else range(len(xs))
    results = np.zeros((len(xs), *h.shape))
    for t in steps:
        h = np.tanh(xs[t] + h @ w)
        results[t] = 2 * h
    return h, results


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 2, 7])
def test_scan_against_a_loop(reverse, length):
    rng = np.random.default_rng(length)
    h, xs, w = (
        (0.5 * rng.standard_normal(shape)).astype(np.float32)
        for shape in [(2, 3), (length, 2, 3), (3, 3)]
    )
    final, results, *gradients = run(recurrent(reverse), h, xs, w)
    want = recurrent_reference(*(v.astype(float) for v in (h, xs, w)), reverse)
    np.testing.assert_allclose(final, want[0], atol=1e-6)
    np.testing.assert_allclose(results, want[1], atol=1e-6)
    step = 1e-5
    for i, got in enumerate(gradients):
        for position in np.ndindex(*got.shape):
            ends = []
            for sign in (step, -step):
                inputs = [v.astype(float) for v in (h, xs, w)]
                inputs[i][position] += sign
                ends.append(sum(np.sum(y) for y in recurrent_reference(*inputs, reverse)))
            slope = (ends[0] - ends[1]) / (2 * step)
            np.testing.assert_allclose(got[position], slope, atol=1e-4 * max(1, abs(slope)))


def test_scan_refuses_a_body_that_does_not_fit():
    body = _core.Graph()
    body.add_output(body.input("h", "float32", (2,)))
    body.input("x", "float32", ())
    graph = _core.Graph()
    values = [graph.input("h", "float32", (3,)), graph.input("xs", "float32", (4,))]
    with pytest.raises(ValueError, match="scan"):
        graph.add("scan", values, {"body": body, "num_states": 1, "num_sequences": 1})


STRUCTURE = {
    "input": test_inputs_and_constants,
    "constant": test_inputs_and_constants,
    "read": test_reads_see_assignments_of_the_same_run,
    "dim": test_dim_and_host_are_sizes_and_scalars,
    "host": test_host_arithmetic_is_that_of_python,
    "gradient": test_gradient_of_gradient_of_a_cube,
    "stop_gradient": test_gradient_of_sources_unused_or_stopped_is_zero,
    "scan": test_scan_against_a_loop,
}


# --- chain: fused elementwise graphs give the bits of one op at a time ----------------------------

BOUNDED = ["tanh", "sigmoid", "sin", "cos", "erf", "abs", "relu", "negative", "softsign", "relu6"]
JOINS = ["add", "subtract", "multiply", "maximum", "minimum"]
SHAPES = [(5, 17), (17,), (5, 1), ()]


def random_program(rng: np.random.Generator) -> list[tuple[str, str, list[int]]]:
    """(op, fn, operands by number); the first four values are the inputs."""
    program = []
    for k in range(4, 4 + rng.integers(3, 20)):
        near = [int(v) for v in rng.integers(max(0, k - 4), k, 2)]
        if rng.random() < 0.5:
            program.append(("unary", str(rng.choice(BOUNDED)), near[:1]))
        else:
            program.append(("binary", str(rng.choice(JOINS)), near))
    return program


def test_fused_chains_give_the_bits_of_single_ops():
    rng, fused = np.random.default_rng(5), 0
    for _ in range(60):
        program = random_program(rng)
        inputs = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
        graph = _core.Graph()
        values = [graph.input(f"x{i}", "float32", shape) for i, shape in enumerate(SHAPES)]
        eager = [_core.Tensor(x) for x in inputs]
        for op, fn, operands in program:
            values.append(graph.add(op, [values[i] for i in operands], {"fn": fn}))
            eager += _core.eager(op, [eager[i] for i in operands], {"fn": fn})
        graph.add_output(values[-1])
        graph.add_output(values[-2])
        function = _core.Function(graph, [])
        results = function(*inputs)
        fused += "chain" in str(function.program(list(SHAPES)))
        for got, want in zip(results, eager[:-3:-1], strict=True):
            np.testing.assert_array_equal(got.numpy(), want.numpy(), err_msg=str(graph))
    assert fused > 30


def test_every_function_of_the_chains_is_one():
    assert set(BOUNDED) <= set(UNARY)
