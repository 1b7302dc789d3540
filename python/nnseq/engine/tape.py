"""GradientTape: gradients of what was computed while it was active."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nnseq import _core
from nnseq.engine import nest
from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.state import state
from nnseq.engine.tensor import Tensor, concrete
from nnseq.engine.variable import Variable


class _Record:
    __slots__ = ("attrs", "inputs", "op", "outputs")

    def __init__(
        self, op: str, inputs: list[Tensor], attrs: dict[str, Any], outputs: tuple[Tensor, ...]
    ) -> None:
        self.op, self.inputs, self.attrs, self.outputs = op, inputs, attrs, outputs


class GradientTape:
    """Records operations, so that `gradient` can differentiate them.

    Works eagerly and inside traced functions such as `train_step`; tapes nest, which gives
    second derivatives. Everything computed while the tape is active is recorded, so `watch`
    is only needed for the sake of code written for TensorFlow.

    Args:
        persistent: whether `gradient` may be called more than once.

    >>> from nnseq import Variable
    >>> v = Variable(3.0)
    >>> with GradientTape() as tape:
    ...     y = v * v
    >>> float(tape.gradient(y, v))
    6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent = persistent
        self._records: list[_Record] = []
        self._reads: dict[int, tuple[Variable, int, list[Tensor]]] = {}
        self._used = False

    def __enter__(self) -> GradientTape:
        state.tapes = (*state.tapes, self)
        return self

    def __exit__(self, *exc: object) -> None:
        state.tapes = tuple(tape for tape in state.tapes if tape is not self)

    def watch(self, tensor: Any) -> None:
        """Accepted for compatibility: every Tensor is watched.

        Raises:
            TypeError: if one of `tensor` is not a Tensor or Variable.
        """
        for x in nest.flatten(tensor):
            if not isinstance(x, (Tensor, Variable)):
                raise TypeError(f"GradientTape.watch takes Tensors and Variables; got {type(x)}")

    def watched_variables(self) -> tuple[Variable, ...]:
        """The Variables read while the tape was active."""
        return tuple(variable for variable, _, _ in self._reads.values())

    def reset(self) -> None:
        """Forgets what was recorded."""
        self._records.clear()
        self._reads.clear()
        self._used = False

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Nothing computed inside is recorded."""
        tapes = state.tapes
        self.__exit__()
        try:
            yield
        finally:
            state.tapes = tapes

    # --- called by the engine -------------------------------------------------------------------
    def record(
        self, op: str, inputs: list[Tensor], attrs: dict[str, Any], outputs: tuple[Tensor, ...]
    ) -> None:
        """Notes an operation that has just been run."""
        self._records.append(_Record(op, inputs, attrs, outputs))

    def note(self, variable: Variable, tensor: Tensor) -> None:
        """Notes that a Variable was read and what the value was."""
        held = self._reads.get(id(variable))
        if held is None:
            self._reads[id(variable)] = (variable, variable.handle.version, [tensor])
        elif all(t is not tensor for t in held[2]):
            self._reads[id(variable)] = (variable, variable.handle.version, [*held[2], tensor])

    def read(self, variable: Variable) -> Tensor:
        """The eager value of a Variable, the same Tensor as long as it is not assigned."""
        held = self._reads.get(id(variable))
        if held is not None and held[1] == variable.handle.version:
            return held[2][-1]
        tensor = concrete(variable.handle.value())
        for tape in state.tapes:
            tape.note(variable, tensor)
        return tensor

    # --- gradients ------------------------------------------------------------------------------
    def gradient(self, target: Any, sources: Any, output_gradients: Any = None) -> Any:
        """Derivatives of `target` (summed over its elements) by each of `sources`.

        Args:
            target: a Tensor or a structure of them.
            sources: a Tensor or Variable, or a structure of them.
            output_gradients: weights of the elements of `target`, ones by default.

        Returns:
            The structure of `sources` with a Tensor of the shape of each, or None where
            `target` does not depend on it.

        Raises:
            RuntimeError: on the second call, unless the tape is persistent.
        """
        if self._used and not self.persistent:
            raise RuntimeError(
                "GradientTape.gradient can only be called once on non-persistent tapes; use "
                "GradientTape(persistent=True)."
            )
        self._used = True
        flat = nest.flatten(sources)
        reads = [self._tensors_of(source) for source in flat]
        total = self._scalar_target(target, output_gradients)
        if state.targets is not None:
            state.targets.append(total)
        found = self._gradients(total, [t for tensors in reads for t in tensors])
        grads: list[Tensor | None] = []
        for tensors in reads:
            grad: Tensor | None = None
            for _ in tensors:
                part = found.pop(0)
                if part is not None:
                    grad = part if grad is None else apply("binary", [grad, part], {"fn": "add"})
            grads.append(grad)
        if not self.persistent:
            self._records.clear()
        return nest.pack(sources, grads)

    def _tensors_of(self, source: Any) -> list[Tensor]:
        if isinstance(source, Variable):
            held = self._reads.get(id(source))
            return [] if held is None else held[2]
        if not isinstance(source, Tensor):
            raise TypeError(f"gradients are taken by Tensors and Variables; got {type(source)}")
        return [source]

    def _scalar_target(self, target: Any, output_gradients: Any) -> Tensor:
        """The weighted sum of all elements of the targets, recorded on this tape too."""
        flat = nest.flatten(target)
        weights = [None] * len(flat) if output_gradients is None else nest.flatten(output_gradients)
        outer = state.tapes
        if self not in outer:
            state.tapes = (*outer, self)
        try:
            total: Tensor | None = None
            for x, weight in zip(flat, weights, strict=True):
                part = to_tensor(x)
                if not is_float(part.dtype):
                    raise TypeError(f"the target of a gradient must be a float; got {part.dtype}")
                if weight is not None:
                    part = apply("binary", [part, to_tensor(weight)], {"fn": "multiply"})
                if part.shape:
                    axes = list(range(len(part.shape)))
                    part = apply("reduce", [part], {"fn": "sum", "axes": axes, "keepdims": False})
                total = part if total is None else apply("binary", [total, part], {"fn": "add"})
        finally:
            state.tapes = outer
        assert total is not None
        return total

    def _gradients(self, target: Tensor, sources: list[Tensor]) -> list[Tensor | None]:
        if not sources:
            return []
        trace = state.trace
        if trace is not None:
            connected = trace.reaches(target, sources)
        else:
            needed, connected = _slice(self._records, target, sources)
        kept = [s for s, is_connected in zip(sources, connected, strict=True) if is_connected]
        if not kept:
            return [None] * len(sources)
        if trace is not None:
            grads = trace.add("gradient", [target, *kept], {}, len(kept))
            grads = (grads,) if len(kept) == 1 else grads
        else:
            grads = _replay(needed, target, kept)
            for tape in state.tapes:
                tape.record("gradient", [target, *kept], {}, grads)
        iterator = iter(grads)
        return [next(iterator) if is_connected else None for is_connected in connected]


def _slice(
    records: Sequence[_Record], target: Tensor, sources: list[Tensor]
) -> tuple[list[_Record], list[bool]]:
    """The records that `target` depends on, and which sources are among their inputs."""
    needed: set[int] = {id(target)}
    differentiable: set[int] = {id(target)}
    kept = []
    for r in reversed(records):
        if not any(id(t) in needed for t in r.outputs):
            continue
        kept.append(r)
        needed.update(id(t) for t in r.inputs)
        carries = any(id(t) in differentiable and is_float(t.dtype) for t in r.outputs)
        if carries and r.op != "stop_gradient":
            differentiable.update(id(t) for t in r.inputs)
    return kept[::-1], [id(s) in differentiable for s in sources]


def _replay(
    records: Sequence[_Record], target: Tensor, sources: list[Tensor]
) -> tuple[Tensor, ...]:
    """Makes one graph of the records, whose inputs are the values they began with, and runs it."""
    graph = _core.Graph()
    values: dict[int, int] = {}
    leaves: list[_core.Tensor] = []

    def value_of(t: Tensor) -> int:
        found = values.get(id(t))
        if found is None:
            assert t._core is not None
            found = values[id(t)] = graph.input(f"leaf_{len(leaves)}", t.dtype, t.shape)
            leaves.append(t._core)
        return found

    for r in records:
        first = graph.add(r.op, [value_of(t) for t in r.inputs], r.attrs)
        values.update({id(t): first + k for k, t in enumerate(r.outputs)})
    first = graph.add("gradient", [value_of(target), *(value_of(s) for s in sources)], {})
    for k in range(len(sources)):
        graph.add_output(first + k)
    return tuple(concrete(core) for core in _core.Function(graph, [])(*leaves))
