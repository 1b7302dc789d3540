"""Traced: a Python function of tensors, traced once per kind of input into a core Function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnseq import _core
from nnseq.engine import nest
from nnseq.engine.dispatch import to_tensor
from nnseq.engine.dtypes import converted
from nnseq.engine.operators import DataDependentError
from nnseq.engine.state import state
from nnseq.engine.tensor import KerasTensor, Shape, Tensor, concrete, to_array
from nnseq.engine.trace import Trace
from nnseq.engine.variable import Variable

_lock = threading.RLock()  # tracing builds layers, so it is done by one thread at a time


@dataclass(frozen=True)
class Spec:
    """The shape and dtype of an argument that is not there yet."""

    shape: Shape
    dtype: str = "float32"


class Compiled:
    """One trace of a function.

    Attributes:
        function: takes the arrays of all tensor arguments, in the order of `nest.flatten`.
        batch_free: whether it is right for every size of the first axis (else for one shape).
        is_stale: whether it is forgotten: what it was made of has changed since.
        variables: what it reads and assigns. optimizers: those that take a step in it.
    """

    def __init__(
        self,
        function: _core.Function,
        graph: _core.Graph,
        batch_free: bool,
        structure: Any,
        masked: list[int],
        losses: list[Any],
        variables: Sequence[Variable] = (),
        optimizers: Sequence[Any] = (),
    ) -> None:
        self.function = function
        self.graph = graph
        self.batch_free = batch_free
        self.is_stale = False
        self._structure = structure
        self._masked = masked
        self._losses = losses
        self.variables = variables
        self.optimizers = optimizers
        self.is_plain = isinstance(structure, _Leaf) and not masked and not losses

    def __call__(self, arrays: Sequence[Any]) -> Any:
        """Runs once on the arrays of the tensor arguments."""
        return self.unpack(self.function(*arrays))

    @property
    def results(self) -> Any:
        """The result of the Python function with (shape, dtype) Specs for its tensors."""
        outputs = [Spec(shape, dtype) for _, dtype, shape in self.function.outputs]
        return nest.map_structure(
            lambda x: outputs[x.index] if isinstance(x, _Leaf) else x, self._structure
        )

    @classmethod
    def of_file(cls, function: _core.Function, named: bool) -> Compiled:
        """A step whose results are those of a Function: by name, or in order."""
        leaves = [_Leaf(i) for i in range(len(function.outputs))]
        structure: Any = leaves if len(leaves) > 1 else leaves[0]
        if named:
            names = (name for name, _, _ in function.outputs)
            structure = dict(zip(names, leaves, strict=True))
        return cls(function, function.graph, True, structure, [], [])

    def unpack(self, cores: Sequence[_core.Tensor]) -> Any:
        """The result of the Python function, with Tensors made of the core's outputs."""
        outputs = [concrete(core) for core in cores]
        count = len(outputs) - len(self._masked) - len(self._losses)
        for k, index in enumerate(self._masked):
            outputs[index]._keras_mask = outputs[count + k]
        for loss, (layer, index) in zip(
            outputs[len(outputs) - len(self._losses) :], self._losses, strict=True
        ):
            layer._losses[index] = loss
        return nest.map_structure(
            lambda x: outputs[x.index] if isinstance(x, _Leaf) else x, self._structure
        )


@dataclass(frozen=True)
class _Leaf:
    index: int


def _is_tensor_leaf(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, Tensor, Variable, Spec))


class Traced:
    """Calls `function` through cached traces.

    The key of a trace is the structure of the arguments, the dtypes and ranks of the tensors in
    them, all dims but the first, and the values of other arguments. Code that fails, perhaps
    because the first dim is unknown, is traced once more for the concrete shapes.

    Args:
        function: takes Tensors in any structure; other arguments are constants of the trace.
        training: the mode that layers see.
        trainable: id(layer) -> bool as compile() saw it; None: layers' own flags.
        side_outputs: whether masks of the results, and `layer.losses` of the call, come back too.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        training: bool | None = None,
        trainable: dict[int, bool] | None = None,
        side_outputs: bool = False,
    ) -> None:
        self.function = function
        self.side_outputs = side_outputs
        self.training = training
        self.trainable = trainable
        # By dtype and dims but the first: calls with one array and one result, ready to run.
        self.plain: dict[Any, _core.Function] = {}
        self._cache: dict[Any, Compiled | None] = {}

    def clear(self) -> None:
        """Forgets all traces."""
        self.plain.clear()
        for compiled in self._cache.values():
            if compiled is not None:
                compiled.is_stale = True
        self._cache.clear()

    @property
    def count(self) -> int:
        """The number of traces."""
        return sum(compiled is not None for compiled in self._cache.values())

    def last_arguments(self) -> tuple[Any, ...] | None:
        """Specs of the arguments it was last traced for, None where it was not for any batch."""
        for (signature, shapes), compiled in reversed(self._cache.items()):
            if compiled is not None and compiled.batch_free:
                return tuple(_specs(signature, iter(shapes)))
        return None

    def __call__(self, *args: Any) -> Any:
        """Runs the function on arrays, tracing it first if need be."""
        compiled = self.get(*args)
        leaves = tensors_of(args)
        if len(args) == 1 and args[0] is leaves[0]:
            self.keep_ready(leaves[0], compiled)
        return compiled([array_of(x) for x in leaves])

    def ready(self, x: Any) -> _core.Function | None:
        """What gives the one result for the one array (or Tensor) x, if that is at hand."""
        return self.plain.get((x.dtype, x.shape[1:]))

    def keep_ready(self, x: Any, compiled: Compiled) -> None:
        """The trace for the only argument x is what `ready` returns, if it is as simple as that."""
        if compiled.is_plain and compiled.batch_free:
            self.plain[(x.dtype, x.shape[1:])] = compiled.function

    def get(self, *args: Any, shapes: Sequence[Shape] | None = None) -> Compiled:
        """The trace for arguments like these; a `Spec` may stand for any array.

        Args:
            shapes: for each tensor argument the shape it has in the trace, None for any size;
                without it the first dim of each is None.
        """
        leaves = tensors_of(args)
        if shapes is None:
            shapes = [(None, *x.shape[1:]) if len(x.shape) else () for x in leaves]
        key = (_signature(args), tuple(shapes))
        found = self._cache.get(key, _missing)
        if found is None:  # known to need concrete shapes
            key = (key[0], tuple(tuple(x.shape) for x in leaves))
            found = self._cache.get(key, _missing)
        if isinstance(found, Compiled):
            return found
        with _lock:
            return self._cache.get(key) or self._make(args, leaves, key)

    def _make(self, args: Any, leaves: list[Any], key: Any) -> Compiled:
        full = tuple(tuple(x.shape) for x in leaves)
        try:
            compiled = self._trace(args, key[1])
        except DataDependentError:
            raise
        except (TypeError, ValueError):
            if key[1] == full or any(None in shape for shape in full):
                raise
            compiled = self._trace(args, full)
            self._cache[key] = None
            key = (key[0], full)
        self._cache[key] = compiled
        return compiled

    def _trace(self, args: Any, shapes: Sequence[Shape]) -> Compiled:
        trace = Trace(self.training, self.trainable)

        def make() -> Compiled:
            state.tapes = ()
            remaining = iter(shapes)

            def stand_in(x: Any) -> Any:
                if not _is_tensor_leaf(x):
                    return x
                name = f"input_{len(inputs)}"
                inputs.append(trace.input(name, _dtype_of(x), next(remaining)))
                return inputs[-1]

            inputs: list[Tensor] = []
            result = self.function(*nest.map_structure(stand_in, tuple(args)))
            trace.advance_generators()
            return self._finished(trace, result, shapes)

        return trace.run(make)

    def _finished(self, trace: Trace, result: Any, shapes: Sequence[Shape]) -> Compiled:
        outputs: list[Tensor] = []

        def leaf(x: Any) -> Any:
            if isinstance(x, KerasTensor) or not hasattr(x, "dtype"):
                return x
            outputs.append(to_tensor(x))
            return _Leaf(len(outputs) - 1)

        structure = nest.map_structure(leaf, result)
        masked = [
            i for i, x in enumerate(outputs) if self.side_outputs and x._keras_mask is not None
        ]
        losses = [
            (layer, index, loss)
            for layer in trace.layers.values()
            for index, loss in enumerate(layer._losses)
            if self.side_outputs and isinstance(loss, Tensor) and loss._trace is trace
        ]
        outputs += [outputs[i]._keras_mask for i in masked]  # type: ignore[misc]
        outputs += [loss for _, _, loss in losses]
        for output in outputs:
            trace.graph.add_output(trace.value_of(output))
        for layer in trace.layers.values():
            layer._used_by.add(self)
            if not self.side_outputs:
                layer._losses = []
        function = _core.Function(trace.graph, [v.handle for v in trace.variables])
        batch_free = all(not shape or shape[0] is None for shape in shapes)
        where = [(layer, index) for layer, index, _ in losses]
        optimizers = list(trace.optimizers.values())
        state_of = (trace.variables, optimizers)
        return Compiled(function, trace.graph, batch_free, structure, masked, where, *state_of)


_missing: Any = object()


def tensors_of(args: Any) -> list[Any]:
    """The leaves of arguments that are tensors, in the order in which a Function takes them."""
    return [x for x in nest.flatten(args) if _is_tensor_leaf(x)]


def _dtype_of(x: Any) -> str:
    return x.dtype if isinstance(x, (Tensor, Variable, Spec)) else converted(x.dtype)


def array_of(x: Any) -> Any:
    """What the core takes for a leaf of arguments."""
    if isinstance(x, Tensor) and x._core is not None:
        return x._core
    return to_array(x.handle.numpy() if isinstance(x, Variable) else x)


def _specs(signature: Any, shapes: Iterator[Shape]) -> Any:
    """The structure of which `_signature` made this."""
    if isinstance(signature, str):
        return Spec(next(shapes), signature)
    kind, *rest = signature
    if kind is dict:
        return {key: _specs(value, shapes) for key, value in rest}
    if kind in (list, tuple):
        return kind(_specs(value, shapes) for value in rest)
    return rest[0]


def _signature(structure: Any) -> Any:
    """A hashable description of arguments: kinds of tensors, values of everything else."""
    if isinstance(structure, (list, tuple)):
        return (type(structure), *(_signature(x) for x in structure))
    if isinstance(structure, dict):
        return (dict, *((key, _signature(structure[key])) for key in sorted(structure)))
    if _is_tensor_leaf(structure):
        return _dtype_of(structure)
    return (type(structure), structure)
