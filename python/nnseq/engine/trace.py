"""Trace: a graph being made by running Python code on symbolic Tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from nnseq import _core
from nnseq.engine.host import HostInt
from nnseq.engine.state import state
from nnseq.engine.tensor import Shape, Tensor, symbolic, to_array

if TYPE_CHECKING:
    from nnseq.engine.random_state import SeedGenerator
    from nnseq.engine.variable import Variable

R = TypeVar("R")
_SIZE_ATTRS = ("sizes", "begin", "low", "high")


class Trace:
    """A graph under construction.

    Attributes:
        graph: the core graph.
        variables: variables[i] is bound to slot i of the graph.
        training: the mode that layers see when the call does not say.
        trainable: id(layer) -> bool as compile() saw it; None: layers' own flags.
        layers: the layers called, by id; assigning one of their attributes makes a trace stale.
        optimizers: those that took a step, by id.
    """

    def __init__(
        self,
        training: bool | None = None,
        trainable: dict[int, bool] | None = None,
    ) -> None:
        self.graph = _core.Graph()
        self.training = training
        self.trainable = trainable
        self.variables: list[Variable] = []
        self.layers: dict[int, Any] = {}
        self.optimizers: dict[int, Any] = {}
        self._slots: dict[int, int] = {}
        self._current: dict[int, Tensor] = {}
        self._assigned: dict[int, Tensor] = {}
        self._constants: dict[int, tuple[Any, int]] = {}
        self._generators: dict[int, tuple[SeedGenerator, Tensor]] = {}
        self._streams = 0

    def run(self, function: Callable[[], R]) -> R:
        """Calls `function` with this as the trace of the thread.

        Ctrl-C may come at any call: all of the state is set back without one, so that what an
        inner block could not set back is healed here.
        """
        trace, training, tapes, scopes = state.trace, state.training, state.tapes, state.scopes
        try:
            state.trace, state.training = self, self.training
            self.graph.set_scope("/".join(scopes))
            return function()
        finally:
            state.trace, state.training, state.tapes, state.scopes = trace, training, tapes, scopes

    # --- values ---------------------------------------------------------------------------------
    def tensor(self, value: int) -> Tensor:
        """The Tensor that stands for a value of the graph."""
        return symbolic(self, value, self.graph.shape(value), self.graph.dtype(value))

    def input(self, name: str, dtype: str, shape: Shape) -> Tensor:
        """A new input of the graph."""
        return self.tensor(self.graph.input(name, dtype, shape))

    def value_of(self, x: Any) -> int:
        """The value of an operand; concrete Tensors and arrays become constants."""
        if isinstance(x, (Tensor, HostInt)):
            return x._value if x._trace is self else self.foreign(x)
        if hasattr(x, "handle"):
            return self.value_of(self.read(x))
        return self.graph.constant(to_array(x))

    def foreign(self, x: Tensor | HostInt) -> int:
        """The value of a Tensor that is not of this trace."""
        if not isinstance(x, Tensor) or x._core is None:
            raise ValueError(
                f"a symbolic Tensor of shape {x.shape} was kept from an earlier trace and used in "
                "another; store values that must outlive a step in a Variable"
            )
        held = self._constants.get(id(x))
        if held is None:
            held = self._constants[id(x)] = (x, self.graph.constant(x._core.numpy()))
        return held[1]

    # --- nodes ----------------------------------------------------------------------------------
    def add(self, op: str, inputs: Sequence[Any], attrs: dict[str, Any], num_outputs: int) -> Any:
        """Appends a node; returns its output, or a tuple if there are several."""
        values = [self.value_of(x) for x in inputs]
        if attrs:
            attrs = self._bind_sizes(attrs, values)
        first = self.graph.add(op, values, attrs)
        outputs = tuple(self.tensor(first + k) for k in range(num_outputs))
        return outputs[0] if num_outputs == 1 else outputs

    def _bind_sizes(self, attrs: dict[str, Any], values: list[int]) -> dict[str, Any]:
        """Replaces host integers in lists of sizes by references to extra operands."""
        hosts: list[int] = []
        bound = attrs
        for key in _SIZE_ATTRS:
            sizes = attrs.get(key)
            if sizes is None or not any(isinstance(size, HostInt) for size in sizes):
                continue
            if bound is attrs:
                bound = dict(attrs)
            bound[key] = []
            for size in sizes:
                if isinstance(size, HostInt):
                    bound[key].append(_core.HOST_SIZE - len(hosts))  # stands for a host operand
                    hosts.append(self.value_of(size))
                else:
                    bound[key].append(size)
        values.extend(hosts)
        return bound

    def dim(self, x: Tensor, axis: int) -> int | HostInt:
        """One dim of x, a host integer if it is unknown."""
        size = x.shape[axis]
        if size is not None:
            return size
        axis = axis % len(x.shape)
        return HostInt(self, self.graph.add("dim", [self.value_of(x)], {"axis": axis}))

    def host(self, fn: str, a: Any, b: Any) -> HostInt:
        """Integer arithmetic of host integers and ints."""
        values = [
            self.value_of(x) if isinstance(x, HostInt) else self.graph.scalar(x, "int64")
            for x in (a, b)
        ]
        return HostInt(self, self.graph.add("host", values, {"fn": fn}))

    # --- state ----------------------------------------------------------------------------------
    def _slot(self, variable: Variable) -> int:
        slot = self._slots.get(id(variable))
        if slot is None:
            slot = self.graph.add_slot(variable.path, variable.dtype, variable.shape)
            self._slots[id(variable)] = slot
            self.variables.append(variable)
        return slot

    def read(self, variable: Variable) -> Tensor:
        """The value of a Variable at this point of the program.

        No gradient flows through an assignment: a Variable that is read is where one ends.
        """
        tensor = self._current.get(id(variable))
        if tensor is None:
            assigned = self._assigned.get(id(variable))
            if assigned is None:
                tensor = self.tensor(self.graph.read(self._slot(variable)))
            else:
                tensor = self.add("stop_gradient", [assigned], {}, 1)
            self._current[id(variable)] = tensor
        for tape in state.tapes:
            tape.note(variable, tensor)
        return tensor

    def assign(self, variable: Variable, value: Tensor) -> None:
        """The Variable's value from here on, written when the run succeeds."""
        self.graph.assign(self._slot(variable), self.value_of(value))
        self._assigned[id(variable)] = value
        self._current.pop(id(variable), None)

    def random_state(self, generator: SeedGenerator) -> tuple[Tensor, int]:
        """The generator's state at the start of the run and the ordinal of this random call."""
        held = self._generators.get(id(generator))
        if held is None:
            held = self._generators[id(generator)] = (generator, self.read(generator.state))
        self._streams += 1
        return held[1], self._streams - 1

    def advance_generators(self) -> None:
        """Once at the end of a trace: every generator used moves one step."""
        for generator, start in self._generators.values():
            self.assign(generator.state, generator.advanced(start))

    def reaches(self, target: Tensor, sources: Sequence[Tensor]) -> list[bool]:
        """For each source whether the target depends on it by differentiable operations."""
        end = self.value_of(target)
        return [self.graph.depends_on(end, self.value_of(source)) for source in sources]
