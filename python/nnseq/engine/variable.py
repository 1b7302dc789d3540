"""Variable: a named array that is trained or updated, stored in the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nnseq import _core
from nnseq.engine.budget import charge
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.naming import auto_name, check_name, current_path
from nnseq.engine.operators import Operators, operators, refuse
from nnseq.engine.state import eager_scope, state
from nnseq.engine.tensor import Tensor, concrete, to_core


class Variable(Operators):
    """A mutable array.

    Args:
        initializer: a function of (shape, dtype), or the first value.
        shape: needed with a function.
        dtype: element type; None is the type of the value, float32 for a function.
        trainable: whether optimizers may change it.
        name: without "/"; None makes a name.
        regularizer, constraint: functions of the value that losses and optimizers apply.

    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign_add([1.0, 1.0])
    >>> v
    <Variable path=v, shape=(2,), dtype=float32, value=[2. 3.]>
    """

    def __init__(
        self,
        initializer: Any,
        shape: tuple[int, ...] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        regularizer: Callable[..., Any] | None = None,
        constraint: Callable[..., Any] | None = None,
    ) -> None:
        self.name = check_name(auto_name("variable") if name is None else name)
        path = current_path()
        self.path = f"{path}/{self.name}" if path else self.name
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        array = _initial_value(initializer, shape, dtype, self.path)
        self.shape: tuple[int, ...] = array.shape
        self.dtype: str = standardize_dtype(array.dtype)
        self.handle = _core.Variable(array, self.path)

    @classmethod
    def of_handle(cls, handle: _core.Variable, trainable: bool) -> Variable:
        """A Variable whose storage there is already."""
        variable = cls.__new__(cls)
        variable.path = handle.name
        variable.name = handle.name.rsplit("/", 1)[-1]
        variable.trainable = trainable
        variable.regularizer = variable.constraint = None
        variable.shape, variable.dtype = handle.shape, handle.dtype
        variable.handle = handle
        return variable

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def value(self) -> Tensor:
        """The value at this point: inside a trace, the last one assigned in it."""
        if state.trace is not None:
            return state.trace.read(self)
        if not state.tapes:
            return concrete(self.handle.value())
        return state.tapes[-1].read(self)

    def numpy(self) -> np.ndarray:
        """The numbers in a new array."""
        if state.trace is not None:
            refuse(f"the value of Variable {self.path}")
        return self.handle.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if state.trace is not None:
            refuse(f"the value of Variable {self.path}")
        array = self.handle.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def assign(self, value: Any) -> None:
        """Sets the value, converted to this dtype.

        Raises:
            ValueError: if the shapes differ.
        """
        shape = tuple(value.shape) if hasattr(value, "shape") else np.shape(value)
        if len(shape) != self.ndim or any(
            a is not None and a != b for a, b in zip(shape, self.shape, strict=True)
        ):
            raise ValueError(
                "The shape of the target variable and the shape of the target value in "
                f"`variable.assign(value)` must match. Variable {self.path} has shape "
                f"{self.shape}, the value has shape {shape}."
            )
        if state.trace is not None:
            state.trace.assign(self, operators["cast"](value, self.dtype))
        elif isinstance(value, np.ndarray) and value.dtype.name == self.dtype:
            self.handle.assign(value)
        else:
            if isinstance(value, Variable):
                value = concrete(value.handle.value())
            self.handle.assign(to_core(value, self.dtype))

    def assign_add(self, value: Any) -> None:
        """Adds to the value."""
        self.assign(self.value + value)

    def assign_sub(self, value: Any) -> None:
        """Subtracts from the value."""
        self.assign(self.value - value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __float__(self) -> float:
        return float(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return iter(self.value)

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, "
            f"value={self.handle.numpy()}>"
        )

    def __getstate__(self) -> dict[str, Any]:
        fields = dict(self.__dict__)
        fields["handle"] = self.handle.numpy()
        return fields

    def __setstate__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)
        self.handle = _core.Variable(fields["handle"], self.path)


def load_variables(owner: str, variables: Sequence[Variable], store: Mapping[str, Any]) -> None:
    """Assigns store["0"], store["1"] and so on.

    Raises:
        ValueError: naming `owner`, if their number, a shape or a type is wrong; nothing is changed
            then.
    """
    names = [v.name for v in variables]
    if len(store.keys()) != len(variables):
        raise ValueError(
            f"{owner} expected {len(variables)} variables {names}, but received "
            f"{len(store.keys())} during loading."
        )
    assign_stored(owner, variables, [store[str(index)] for index in range(len(variables))])


def assign_stored(owner: str, variables: Sequence[Variable], values: Sequence[Any]) -> None:
    """Assigns arrays, or what becomes one when it is read, if all of them fit."""
    for variable, value in zip(variables, values, strict=True):
        if variable.shape != tuple(value.shape):  # before the value is read
            raise ValueError(
                f"{owner}: the variable '{variable.name}' has shape {variable.shape}, the stored "
                f"value has shape {tuple(value.shape)}."
            )
        if _kind(np.dtype(value.dtype)) != _kind(np.dtype(variable.dtype)):
            raise ValueError(
                f"{owner}: the variable '{variable.name}' has the type {variable.dtype}, which the "
                f"stored values, of type {value.dtype}, do not fit."
            )
    checked = [  # what may not fit is read before anything is changed, the rest one by one
        _exactly(owner, variable, np.asarray(value)) if _is_narrower(variable, value) else value
        for variable, value in zip(variables, values, strict=True)
    ]
    for variable, value in zip(variables, checked, strict=True):
        variable.assign(np.asarray(value, variable.dtype))


def _kind(dtype: np.dtype) -> str:
    return "i" if dtype.kind == "u" else dtype.kind


def _is_narrower(variable: Variable, value: Any) -> bool:
    """Whether values of the stored type may be no values of the Variable's."""
    stored, own = np.dtype(value.dtype).newbyteorder("="), np.dtype(variable.dtype)
    return stored != own and own.itemsize <= stored.itemsize


def _exactly(owner: str, variable: Variable, array: np.ndarray) -> np.ndarray:
    """The array in the type of the Variable, if that changes no value."""
    with np.errstate(over="ignore"):
        converted = array.astype(variable.dtype, copy=False)
    if not np.array_equal(converted, array, equal_nan=array.dtype.kind == "f"):
        raise ValueError(
            f"{owner}: the values stored for '{variable.name}', of type {array.dtype}, are no "
            f"{variable.dtype} numbers; save them as {variable.dtype}."
        )
    return converted


def _initial_value(
    initializer: Any, shape: tuple[int, ...] | None, dtype: Any, path: str
) -> np.ndarray:
    with eager_scope():
        if callable(initializer):
            if shape is None:
                raise ValueError("a Variable made by an initializer function needs `shape`")
            dtype = standardize_dtype(dtype)
            charge(tuple(shape), dtype, f"the Variable '{path}'")
            initializer = initializer(tuple(shape), dtype=dtype)
        name = None if dtype is None else standardize_dtype(dtype)
        if isinstance(initializer, Variable):
            initializer = initializer.handle.numpy()
        if isinstance(initializer, np.ndarray) and initializer.dtype.name == name:
            array = np.asarray(initializer, order="C")
        else:
            array = to_core(initializer, name).numpy()
    if shape is not None and tuple(shape) != array.shape:
        raise ValueError(f"the initial value has shape {array.shape}, expected {tuple(shape)}")
    return array
