"""function: Python code on tensors, such as the step of a training loop, as one Program."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnseq import _core
from nnseq.engine import nest
from nnseq.engine.dispatch import with_mask
from nnseq.engine.operators import DataDependentError
from nnseq.engine.state import state
from nnseq.engine.tensor import KerasTensor, Shape, Tensor
from nnseq.engine.traced import Compiled, Traced, array_of, tensors_of
from nnseq.engine.variable import Variable
from nnseq.training.arrays import as_numpy

_MANY = 16  # traces of one function, from which on it is told that they cost time and memory
_MOST_PLAIN = 256
_ARRAYS = (np.ndarray, np.generic, Tensor, Variable, KerasTensor)
_SIMPLE = frozenset({int, float, bool, str, type(None)})


def function(python_function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a Python function run as one Program: a decorator, also of methods.

    The function is called with symbolic Tensors when it first meets arguments of a kind; what it
    computes, which Variables it assigns and what it returns becomes a Program, which runs from
    then on. So a training loop that is written by hand costs as much as `fit`.

    Arrays, Tensors and Variables among the arguments, also in lists, tuples and dicts, are inputs.
    Their kind is dtype and shape; the first dim of those with as many rows as the first one is
    left open, so that the last batch may be smaller. Everything else (numbers, strings, None,
    models) is a constant of the Program: for other values the function is traced again. So are
    arrays that are not arguments: state that changes belongs in a Variable.

    Python code that is no operation, such as `print`, runs while tracing only. Python that depends
    on the value of a Tensor is refused. Inside another function, a step of `fit`, or an eager
    GradientTape, and on KerasTensors, it is called as if it were not decorated.

    Args:
        python_function: takes and returns structures of Tensors and other values.
        options: `jit_compile`, `reduce_retracing` and `autograph` of TensorFlow are accepted and
            change nothing.

    Returns:
        A callable of the same arguments; the original is its `python_function`.

    >>> import nnseq
    >>> w, optimizer = nnseq.Variable([2.0, 1.0]), nnseq.optimizers.SGD(0.5)
    >>> @nnseq.function
    ... def step(x):
    ...     with nnseq.GradientTape() as tape:
    ...         loss = nnseq.ops.sum(w * x)
    ...     optimizer.apply_gradients([(tape.gradient(loss, w), w)])
    ...     return {"loss": loss}
    >>> float(step(np.float32([1.0, 2.0]))["loss"])
    4.0
    >>> w.numpy()
    array([1.5, 0. ], dtype=float32)
    """
    unknown = options.keys() - {"jit_compile", "reduce_retracing", "autograph"}
    if unknown:
        raise TypeError(f"nnseq.function takes no argument {', '.join(sorted(unknown))}")
    if python_function is None:
        return Function
    return Function(python_function)


class Function:
    """A Python function and its traces; made by `nnseq.function`."""

    def __init__(self, python_function: Callable[..., Any]) -> None:
        if not callable(python_function):
            raise TypeError(
                f"nnseq.function is for functions; got a {type(python_function).__name__}"
            )
        self.python_function = python_function
        functools.update_wrapper(self, python_function)
        self._traces = _Traces()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._traces.call(self.python_function, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else _Method(self.python_function, instance)


class _Method:
    """A Function that was looked up on an object, which holds its traces."""

    def __init__(self, python_function: Callable[..., Any], instance: Any) -> None:
        self.python_function = self.__wrapped__ = python_function.__get__(instance)
        of_object = instance.__dict__.setdefault("_nnseq_traces", _OfObject())
        self._traces = of_object.traces.setdefault(python_function, _Traces())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._traces.call(self.python_function, args, kwargs)


class _OfObject:
    """The traces of an object's methods; a copy of the object has none."""

    def __init__(self) -> None:
        self.traces: dict[Callable[..., Any], _Traces] = {}

    def __reduce__(self) -> Any:
        return _OfObject, ()


class _Traces:
    """The traces of a function by the mode of the layer in whose call it was called."""

    def __init__(self) -> None:
        self._traced: dict[bool | None, Traced] = {}
        # What was made ready to run, with the revisions of its optimizers.
        self._prepared: weakref.WeakKeyDictionary[Compiled, list[int]]
        self._prepared = weakref.WeakKeyDictionary()
        self._plain: dict[Any, Compiled] = {}  # by the dtypes and shapes of nothing but arrays

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Calls the function on these arguments, by its trace."""
        if state.trace is not None or state.tapes:
            return function(*args, **kwargs)
        key = None if kwargs else _key_of_arrays(args)
        if key is None:
            return self._call_general(function, args, kwargs)
        compiled = self._plain.get(key)
        if compiled is None or not self._is_ready(compiled):
            compiled = self._compiled_plain(function, args, key)
        return _run(compiled, [x if x.__class__ is np.ndarray else x._core for x in args])

    def _compiled_plain(self, function: Callable[..., Any], args: Any, key: Any) -> Compiled:
        compiled = self._compiled(function, (args, {}, None), _shapes(args))
        if len(self._plain) < _MOST_PLAIN:
            self._plain[key] = compiled
        return compiled

    def _call_general(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        given = nest.flatten((args, kwargs))
        if any(isinstance(x, KerasTensor) for x in given):
            return function(*args, **kwargs)
        args, kwargs = nest.map_structure(lambda x: _argument(function, x), (args, kwargs))
        masks = None
        if any(getattr(x, "_keras_mask", None) is not None for x in given):
            masks = nest.map_structure(lambda x: getattr(x, "_keras_mask", None), (args, kwargs))
        leaves = tensors_of((args, kwargs, masks))
        compiled = self._compiled(function, (args, kwargs, masks), _shapes(leaves))
        return _run(compiled, [array_of(x) for x in leaves])

    def _is_ready(self, compiled: Compiled) -> bool:
        """Whether it can run: not stale, and with the kinds of learning rates it was made for."""
        return not compiled.is_stale and self._prepared.get(compiled) == _revisions(compiled)

    def _compiled(self, function: Callable[..., Any], args: Any, shapes: list[Shape]) -> Compiled:
        traced = self._traced.get(state.training)
        if traced is None:
            traced = self._traced[state.training] = Traced(
                functools.partial(_call_masked, function),
                training=state.training,
                side_outputs=True,
            )
        try:
            compiled = traced.get(*args, shapes=shapes)
            if compiled in self._prepared and not self._is_ready(compiled):
                traced.clear()
                compiled = traced.get(*args, shapes=shapes)
        except DataDependentError as error:
            raise DataDependentError(f"nnseq.function '{_name(function)}': {error}") from None
        if compiled not in self._prepared:
            self._prepared[compiled] = _revisions(compiled)
            _group_variables(compiled)
            if traced.count == _MANY:
                _tell_of_many(function)
        return compiled


def _run(compiled: Compiled, arrays: list[Any]) -> Any:
    for optimizer in compiled.optimizers:
        optimizer.refresh_learning_rate()
    return compiled(arrays)


def _revisions(compiled: Compiled) -> list[int]:
    return [optimizer.revision for optimizer in compiled.optimizers]


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "function")


def _key_of_arrays(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """A key of arguments that are arrays and Tensors without masks; None for others."""
    key: list[Any] = [state.training]
    for x in args:
        if type(x) is not np.ndarray and (
            type(x) is not Tensor or x._keras_mask is not None or x._core is None
        ):
            return None
        key.append(x.dtype)
        key.append(x.shape)
    return tuple(key)


def _argument(function: Callable[..., Any], x: Any) -> Any:
    """A leaf of arguments: an array, or what can be the key of a trace."""
    if isinstance(x, Tensor) and x._core is None:
        raise ValueError(
            f"nnseq.function '{_name(function)}' was given a symbolic Tensor of shape {x.shape} "
            "that was kept from an earlier trace; return it from there, or store it in a Variable"
        )
    if type(x) in _SIMPLE or isinstance(x, _ARRAYS):
        return x
    if hasattr(x, "__array__"):
        return as_numpy(x)
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            f"nnseq.function '{_name(function)}' was given a {type(x).__name__}, which can be "
            "neither an input nor a constant of its Program; pass arrays, or lists, tuples and "
            "dicts of them"
        ) from None
    return x


def _shapes(leaves: Sequence[Any]) -> list[Shape]:
    """The shapes of a trace: the first dim is open where it is that of the first argument."""
    shapes = [tuple(x.shape) for x in leaves]
    rows = next((shape[0] for shape in shapes if shape), None)
    return [(None, *shape[1:]) if shape and shape[0] == rows else shape for shape in shapes]


def _call_masked(function: Callable[..., Any], args: Any, kwargs: Any, masks: Any) -> Any:
    if masks is not None:
        args, kwargs = nest.map_structure(with_mask, (args, kwargs), masks)
    return function(*args, **kwargs)


def _group_variables(compiled: Compiled) -> None:
    """Puts the storage of what a step trains side by side, as `fit` does."""
    if not compiled.optimizers:
        return
    trained = {id(v): v for o in compiled.optimizers for v in o._trainable_variables}
    others = [v.handle for v in compiled.variables if id(v) not in trained]
    _core.group_variables([v.handle for v in trained.values()], others)


def _tell_of_many(function: Callable[..., Any]) -> None:
    warnings.warn(
        f"nnseq.function '{_name(function)}' was traced {_MANY} times, "
        "which costs time and memory: numbers among its arguments are constants of a trace, so "
        "pass those that change as arrays, np.float32(x), and keep shapes the same",
        stacklevel=6,
    )
