"""Operations on KerasTensors: recorded as nodes of a functional model instead of being run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from nnseq.engine import nest
from nnseq.engine.naming import auto_name, check_name, class_name, uniquify
from nnseq.engine.operators import DataDependentError
from nnseq.engine.state import state
from nnseq.engine.tensor import KerasTensor, Shape, Tensor
from nnseq.engine.trace import Trace

P = ParamSpec("P")
R = TypeVar("R")


class Operation:
    """Something that can be called on KerasTensors: a layer or a function of nnseq.ops.

    Attributes:
        name: its name in a model.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = uniquify(class_name(type(self))) if name is None else check_name(name)
        self._inbound_nodes: list[Node] = []

    def run_node(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls the operation again with values in place of the KerasTensors of a node."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is run")

    @property
    def output(self) -> Any:
        """The KerasTensors that the first call gave."""
        return self._first_node("output").outputs

    @property
    def input(self) -> Any:
        """The KerasTensors of the first call."""
        inputs = self._first_node("input").input_tensors
        return inputs[0] if len(inputs) == 1 else list(inputs)

    def _first_node(self, what: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {what}."
            )
        return self._inbound_nodes[0]


class Node:
    """One call of an operation on KerasTensors.

    Attributes:
        operation, args, kwargs: the call, with KerasTensors inside the arguments.
        input_tensors: the KerasTensors of the arguments, in order.
        outputs: the structure of KerasTensors it gave.
    """

    def __init__(
        self, operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        leaves = [*nest.flatten(args), *nest.flatten(kwargs)]
        self.input_tensors = [x for x in leaves if isinstance(x, KerasTensor)]
        self.outputs = outputs
        self.output_tensors: list[KerasTensor] = []
        for index, x in enumerate(nest.flatten(outputs)):
            if isinstance(x, KerasTensor):
                x.history = (operation, self, index)
                self.output_tensors.append(x)
        operation._inbound_nodes.append(self)

    @property
    def parents(self) -> list[Node]:
        """The nodes that made the inputs, once each."""
        found: dict[int, Node] = {}
        for x in self.input_tensors:
            if x.history is not None and x.history[1] is not self:
                found[id(x.history[1])] = x.history[1]
        return list(found.values())


class FunctionOperation(Operation):
    """A call of a function of nnseq.ops."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(auto_name(function.__name__))
        self.function = function

    def run_node(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.function(*args, **kwargs)


def has_keras_tensor(structure: Any) -> bool:
    """Whether there is a KerasTensor in nested arguments."""
    if isinstance(structure, KerasTensor):
        return True
    if isinstance(structure, (list, tuple)):
        return any(has_keras_tensor(x) for x in structure)
    if isinstance(structure, dict):
        return any(has_keras_tensor(x) for x in structure.values())
    return False


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a public function of nnseq.ops accept KerasTensors."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for x in args:
            kind = type(x)
            if kind is KerasTensor or (kind in (list, tuple, dict) and has_keras_tensor(x)):
                return record(FunctionOperation(wrapper), function, args, kwargs)
        if kwargs and has_keras_tensor(kwargs):
            return record(FunctionOperation(wrapper), function, args, kwargs)
        return function(*args, **kwargs)

    return wrapper


def record(
    op: Operation, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Adds a node to `op`; the outputs' shapes are those of `function` run on symbolic values."""
    for x in [*nest.flatten(args), *nest.flatten(kwargs)]:
        if isinstance(x, KerasTensor) and x.dtype == "string":
            raise TypeError(
                f"{op.name} takes numbers, not strings; begin with TextVectorization, StringLookup "
                "or Hashing, which make numbers of them"
            )
    outputs = output_spec(function, args, kwargs)
    Node(op, args, kwargs, outputs)
    return outputs


def output_spec(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """New KerasTensors of the shapes and dtypes that `function` gives for these KerasTensors.

    Code that fails because a dim is unknown is run for two sizes of the unknown dims instead;
    dims of the results that differ between the two are unknown.
    """
    try:
        return _spec(function, args, kwargs, None)
    except DataDependentError:
        raise
    except TypeError as error:
        leaves = [*nest.flatten(args), *nest.flatten(kwargs)]
        if not any(isinstance(x, KerasTensor) and None in x.shape for x in leaves):
            raise
        try:
            first, second = (_spec(function, args, kwargs, size) for size in (83, 89))
        except (TypeError, ValueError):
            raise error from None
        return nest.map_structure(_common, first, second)


def _common(a: Any, b: Any) -> Any:
    if isinstance(a, KerasTensor):
        a.shape = tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))
    return a


def _spec(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], fill: int | None
) -> Any:
    trace = Trace(training=state.training)
    made: dict[int, Tensor] = {}

    def stand_in(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        if id(x) not in made:
            shape: Shape = tuple(fill if d is None else d for d in x.shape)
            made[id(x)] = trace.input(x.name, x.dtype, shape)
            if x._keras_mask is not None:
                made[id(x)]._keras_mask = stand_in(x._keras_mask)
        return made[id(x)]

    def describe() -> Any:
        state.tapes = ()  # outer tapes see nothing of this
        outputs = function(
            *nest.map_structure(stand_in, tuple(args)), **nest.map_structure(stand_in, kwargs)
        )
        return nest.map_structure(_described, outputs)

    return trace.run(describe)


def _described(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x
    described = KerasTensor(x.shape, x.dtype)
    if x._keras_mask is not None:
        described._keras_mask = KerasTensor(x._keras_mask.shape, "bool")
    return described
