"""The op table: for every op of ops.def a row of cases with a float64 NumPy reference.

A row is a generator of cases, registered under "op" or "op/fn" (elementwise functions). The rows
stand in op_rows_*.py; test_op_table.py derives the tests. Run as a program, this file evaluates
the whole table and writes every result to an .npz file: `op_table.py OUT [cpu|mirror]`.
"""

import functools
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnseq import _core

Arrays = list[np.ndarray]
Reference = Callable[..., Any]

SIZES = (0, 1, 15, 16, 17, 33, 200)  # around the width of a vector


@dataclass(frozen=True, eq=False)
class Case:
    """One application of an op.

    reference: the inputs (floating ones as float64) -> array or tuple of arrays, one per output.
    wrt: the inputs whose gradient is checked. through: the outputs it flows through.
    exact: the result must equal the reference bit for bit (integer-valued data).
    Otherwise |got - want| <= rtol * |want| + atol * max(1, max |want|).
    """

    op: str
    inputs: Sequence[np.ndarray]
    reference: Reference
    attrs: Mapping[str, Any] = field(default_factory=dict)
    wrt: Sequence[int] = ()
    through: Sequence[int] = (0,)
    exact: bool = False
    rtol: float = 1e-6
    atol: float = 1e-6
    second: bool = False  # the gradient has a gradient

    def __post_init__(self) -> None:
        # Arithmetic of NumPy turns arrays of rank 0 into scalars.
        object.__setattr__(self, "inputs", [np.asarray(x) for x in self.inputs])

    def __str__(self) -> str:
        shapes = ", ".join(f"{x.dtype}{x.shape}" for x in self.inputs)
        return f"{self.op}{dict(self.attrs)}({shapes})"


Row = Callable[[np.random.Generator], Iterator[Case]]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    """Registers a generator of cases under `name`."""

    def register(generate: Row) -> Row:
        assert name not in ROWS, name
        ROWS[name] = generate
        return generate

    return register


def cases(name: str) -> list[Case]:
    return list(ROWS[name](np.random.default_rng(zlib.crc32(name.encode()))))


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def whole(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Small integers as float32: sums and products of these are exact."""
    return rng.integers(-4, 5, shape).astype(np.float32)


def as_float64(inputs: Sequence[np.ndarray]) -> Arrays:
    return [x.astype(np.float64) if x.dtype.kind == "f" else x for x in inputs]


def expected(case: Case, inputs: Sequence[np.ndarray] | None = None) -> Arrays:
    with np.errstate(all="ignore"):  # limits and NaN are among the cases
        result = case.reference(*as_float64(case.inputs if inputs is None else inputs))
    return [np.asarray(y) for y in (result if isinstance(result, tuple) else (result,))]


@functools.lru_cache(maxsize=4)
def output_weights(case: Case, seed: int = 1) -> dict[int, np.ndarray]:
    """Random weights of the sum of outputs that gradients are taken of."""
    rng = np.random.default_rng(seed)
    results = expected(case)
    return {k: normal(rng, *results[k].shape) for k in case.through}


# --- evaluation by the core -----------------------------------------------------------------------


def weighted_sum(graph: _core.Graph, terms: Sequence[tuple[int, np.ndarray]]) -> int:
    """The scalar sum(value * weights) over all terms."""
    total = graph.scalar(0.0, "float32")
    for value, weights in terms:
        product = graph.add("binary", [value, graph.constant(weights)], {"fn": "multiply"})
        axes = list(range(weights.ndim))
        part = graph.add("reduce", [product], {"fn": "sum", "axes": axes})
        total = graph.add("binary", [total, part], {"fn": "add"})
    return total


def build(case: Case, *, gradients: bool, second: bool = False) -> _core.Graph:
    """The graph (inputs) -> outputs, then first, then second derivatives if asked for."""
    graph = _core.Graph()
    values = [graph.input(f"x{i}", str(x.dtype), x.shape) for i, x in enumerate(case.inputs)]
    first = graph.add(case.op, values, dict(case.attrs))
    for k in range(graph.num_outputs(first)):
        graph.add_output(first + k)
    if not gradients or not case.wrt:
        return graph
    sources = [values[i] for i in case.wrt]
    total = weighted_sum(graph, [(first + k, w) for k, w in output_weights(case).items()])
    gradient = graph.add("gradient", [total, *sources])
    for k in range(len(sources)):
        graph.add_output(gradient + k)
    if second:
        terms = [(gradient + k, v) for k, v in enumerate(directions(case))]
        again = graph.add("gradient", [weighted_sum(graph, terms), *sources])
        for k in range(len(sources)):
            graph.add_output(again + k)
    return graph


def evaluate(case: Case, *, gradients: bool = True, second: bool = False) -> Arrays:
    """Runs the case; checks that the inputs are left as they were."""
    tensors = [_core.Tensor(x) for x in case.inputs]
    function = _core.Function(build(case, gradients=gradients, second=second), [])
    results = [y.numpy() for y in function(*tensors)]
    for tensor, x in zip(tensors, case.inputs, strict=True):
        np.testing.assert_array_equal(tensor.numpy(), x, err_msg=f"{case}: changed an input")
    return results


# --- derivatives of the reference -----------------------------------------------------------------


def directions(case: Case) -> Arrays:
    rng = np.random.default_rng(2)
    return [normal(rng, *case.inputs[i].shape) for i in case.wrt]


def some_positions(x: np.ndarray, most: int = 24) -> list[tuple[int, ...]]:
    """Positions in `x` at which a derivative is checked: all, or an even choice of `most`."""
    flat = np.unique(np.linspace(0, x.size - 1, min(most, x.size)).astype(int)) if x.size else []
    return [tuple(int(k) for k in np.unravel_index(i, x.shape)) for i in flat]


def target(case: Case, inputs: Sequence[np.ndarray], weights: Mapping[int, np.ndarray]) -> float:
    results = expected(case, inputs)
    return sum(float(np.sum(results[k] * w.astype(np.float64))) for k, w in weights.items())


def moved(inputs: Arrays, i: int, position: tuple[int, ...], step: float) -> Arrays:
    result = list(inputs)
    result[i] = inputs[i].copy()
    result[i][position] += step
    return result


def numeric_gradient(case: Case, i: int, position: tuple[int, ...], step: float = 1e-5) -> float:
    """Central difference of the weighted sum in one element of input `i`."""
    inputs, weights = as_float64(case.inputs), output_weights(case)
    up = target(case, moved(inputs, i, position, step), weights)
    down = target(case, moved(inputs, i, position, -step), weights)
    return (up - down) / (2 * step)


def numeric_second(case: Case, i: int, position: tuple[int, ...], step: float = 2e-4) -> float:
    """Central difference in one element of the derivative along `directions`."""
    weights = output_weights(case)
    shifts = dict(zip(case.wrt, directions(case), strict=True))

    def along(inputs: Arrays) -> float:
        ends = []
        for sign in (step, -step):
            shifted = [x + sign * shifts[k] if k in shifts else x for k, x in enumerate(inputs)]
            ends.append(target(case, shifted, weights))
        return (ends[0] - ends[1]) / (2 * step)

    inputs = as_float64(case.inputs)
    up, down = (along(moved(inputs, i, position, s)) for s in (step, -step))
    return (up - down) / (2 * step)


def main(path: str, device: str = "cpu") -> None:
    import op_rows  # noqa: F401  registers the rows

    _core.set_device(device)
    results = {}
    for name in sorted(ROWS):
        for number, case in enumerate(cases(name)):
            for k, y in enumerate(evaluate(case)):
                results[f"{name}:{number}:{k}"] = y
    np.savez(path, **results)


if __name__ == "__main__":
    sys.modules["op_table"] = sys.modules["__main__"]  # one registry, also for the rows
    main(*sys.argv[1:])
