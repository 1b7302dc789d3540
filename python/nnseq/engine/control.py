"""scan: the one loop of a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnseq.engine import nest
from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.host import HostInt
from nnseq.engine.random_state import SeedGenerator
from nnseq.engine.state import state
from nnseq.engine.tensor import Tensor
from nnseq.engine.trace import Trace
from nnseq.engine.variable import Variable


class _Body(Trace):
    """The trace of one step: values from outside become inputs of the body."""

    def __init__(self, outer: Trace | None, training: bool | None) -> None:
        super().__init__(training, None if outer is None else outer.trainable)
        self.outer = outer
        if outer is not None:
            self.layers = outer.layers
        self._captured: dict[int, tuple[Tensor | HostInt, int]] = {}

    def captured(self) -> list[Tensor | HostInt]:
        """The values from outside, in the order of the body's last inputs."""
        return [x for x, _ in self._captured.values()]

    def foreign(self, x: Tensor | HostInt) -> int:
        if self.outer is not None and x._trace is not self.outer:
            self.outer.value_of(x)  # captured there too, or refused
        if id(x) not in self._captured:
            value = self.graph.input(f"captured_{len(self._captured)}", x.dtype, x.shape)
            self._captured[id(x)] = (x, value)
        return self._captured[id(x)][1]

    def read(self, variable: Variable) -> Tensor:
        held = self._current.get(id(variable))
        if held is None:
            state.trace = self.outer
            try:
                held = self._current[id(variable)] = variable.value
            finally:
                state.trace = self
        return held

    def assign(self, variable: Variable, value: Tensor) -> None:
        raise NotImplementedError(
            f"Variable {variable.path} is assigned inside a scanned loop; carry the value in the "
            "loop's state and assign it afterwards"
        )

    def random_state(self, generator: SeedGenerator) -> tuple[Tensor, int]:
        raise NotImplementedError(
            "random numbers inside a scanned loop are not supported; draw them before the loop"
        )


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any, reverse: bool = False
) -> tuple[Any, Any]:
    """Runs `step` once for each element along the first axis of `xs`.

    Args:
        step: (carry, x) -> (carry, y); traced once, so it may not depend on values. The carry
            keeps its structure, shapes and dtypes.
        init: the first carry, a structure of Tensors.
        xs: a structure of Tensors (T, ...) with the same T.
        reverse: whether to go from the last element to the first; the results stay in place.

    Returns:
        The last carry, and the structure of `y` with a first axis T added.

    Raises:
        ValueError: if there is nothing to loop over or the carry changes.
    """
    states = [to_tensor(x) for x in nest.flatten(init)]
    sequences = [to_tensor(x) for x in nest.flatten(xs) if x is not None]
    if not sequences:
        raise ValueError("scan needs at least one sequence `xs` of shape (length, ...)")
    body = _Body(state.trace, state.training)

    def record() -> tuple[int, Any]:
        args = [body.input(f"state_{i}", t.dtype, t.shape) for i, t in enumerate(states)]
        args += [body.input(f"step_{i}", t.dtype, t.shape[1:]) for i, t in enumerate(sequences)]
        carried = nest.pack(init, args[: len(states)])
        elements = iter(args[len(states) :])
        element = nest.map_structure(lambda x: None if x is None else next(elements), xs)
        new_carry, y = step(carried, element)
        ends = [to_tensor(x) for x in nest.flatten(new_carry)]
        results = [to_tensor(x) for x in nest.flatten(y) if x is not None]
        _check_carry(states, ends)
        for x in [*ends, *results]:
            body.graph.add_output(body.value_of(x))
        return len(results), y

    num_results, y = body.run(record)
    attrs = {
        "body": body.graph,
        "num_states": len(states),
        "num_sequences": len(sequences),
        "reverse": reverse,
    }
    count = len(states) + num_results
    outputs = apply("scan", [*states, *sequences, *body.captured()], attrs, count)
    flat: list[Tensor] = [outputs] if count == 1 else list(outputs)
    rest = iter(flat[len(states) :])
    ys = nest.map_structure(lambda x: None if x is None else next(rest), y)
    return nest.pack(init, flat[: len(states)]), ys


def _check_carry(before: list[Tensor], after: list[Tensor]) -> None:
    if len(before) != len(after):
        raise ValueError(f"scan: step returned {len(after)} states, the carry has {len(before)}")
    for a, b in zip(before, after, strict=True):
        same = len(a.shape) == len(b.shape) and all(
            m is None or n is None or m == n for m, n in zip(a.shape, b.shape, strict=True)
        )
        if not same or a.dtype != b.dtype:
            raise ValueError(
                f"scan: step turned a state of shape {a.shape}, {a.dtype} into {b.shape}, {b.dtype}"
            )


def refuse_control_flow(name: str) -> None:
    """Raises for a control flow function that a trace cannot hold."""
    if state.trace is not None:
        raise NotImplementedError(
            f"ops.{name} cannot be traced: a graph has no control flow but scan. Use ops.where, "
            "or run it op by op: without nnseq.function, a model with compile(run_eagerly=True)."
        )
