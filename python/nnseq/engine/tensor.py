"""Tensor, a value that is symbolic or concrete, and KerasTensor, a shape and a dtype."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from nnseq import _core
from nnseq.engine.dtypes import (
    converted,
    input_dtype,
    is_float,
    numpy_dtype,
    standardize_dtype,
)
from nnseq.engine.naming import auto_name
from nnseq.engine.operators import Operators, UnknownDimError, operators, refuse

if TYPE_CHECKING:
    from nnseq.engine.operation import Node, Operation
    from nnseq.engine.trace import Trace

Shape = tuple[int | None, ...]


class Tensor(Operators):
    """An immutable array. Concrete: holds numbers. Symbolic: a value of the graph being traced.

    Made from an array, a list, a number or another Tensor; float64 arrays become float32 unless
    `dtype` asks for float64.

    Attributes:
        shape: tuple of int, with None for dims unknown in a trace.
        dtype: "float32", "float64", "int32", "int64", "uint8" or "bool".

    >>> x = Tensor([[1, 2], [3, 4]], dtype="float32")
    >>> (x @ x).numpy().tolist()
    [[7.0, 10.0], [15.0, 22.0]]
    """

    __slots__ = (
        "__weakref__",
        "_core",
        "_keras_mask",
        "_producer",
        "_trace",
        "_value",
        "dtype",
        "shape",
    )

    shape: Shape
    dtype: str
    _core: _core.Tensor | None
    _trace: Trace | None
    _value: int
    _keras_mask: Tensor | None
    _producer: tuple[str, Tensor] | None

    def __init__(self, value: Any, dtype: Any = None) -> None:
        core = to_core(value, None if dtype is None else standardize_dtype(dtype))
        _set_concrete(self, core)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements.

        Raises:
            UnknownDimError: if a dim is unknown.
        """
        count = 1
        for dim in self.shape:
            if dim is None:
                raise UnknownDimError(f"the size of a Tensor of shape {self.shape} is not known")
            count *= dim
        return count

    def numpy(self) -> np.ndarray:
        """The numbers in a new array."""
        if self._core is None:
            refuse("the value")
        return self._core.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self._core is None:
            refuse("the value")
        array = self._core.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def item(self) -> Any:
        """The only element as a Python number."""
        if self._core is None:
            refuse("the value")
        return self._core.numpy().item()

    def tolist(self) -> Any:
        """The numbers in nested lists."""
        return self.numpy().tolist()

    def astype(self, dtype: Any) -> Tensor:
        """The same values as another type."""
        return operators["cast"](self, dtype)

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape."""
        return operators["reshape"](self, shape[0] if len(shape) == 1 else shape)

    @property
    def T(self) -> Tensor:
        """The transpose: all axes reversed."""
        return operators["transpose"](self)

    def __bool__(self) -> bool:
        if self._core is None:
            refuse("the truth value")
        return bool(self._core.numpy())

    def __int__(self) -> int:
        if self._core is None:
            refuse("the integer value")
        return int(self._core.numpy())

    def __index__(self) -> int:
        if self._core is None:
            refuse("the integer value")
        return self._core.numpy().__index__()

    def __float__(self) -> float:
        if self._core is None:
            refuse("the float value")
        return float(self._core.numpy())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.ndim == 0 else repr(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a Tensor of rank 0 has no len()")
        if self.shape[0] is None:
            raise UnknownDimError(f"len() of a Tensor of shape {self.shape} is not known")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._core is None:
            refuse("iteration over the elements")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        if self._core is None:
            return f"<Tensor shape={self.shape}, dtype={self.dtype}, symbolic>"
        return f"<Tensor shape={self.shape}, dtype={self.dtype}, value={self.numpy()}>"

    def __reduce__(self) -> Any:
        return Tensor, (self.numpy(), self.dtype)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self


def _set_concrete(t: Tensor, core: _core.Tensor) -> None:
    t._core = core
    t._trace = None
    t._value = -1
    t.shape = core.shape
    t.dtype = core.dtype
    t._keras_mask = None
    t._producer = None


_new = object.__new__


def concrete(core: _core.Tensor) -> Tensor:
    """The Tensor that holds a core tensor."""
    t = _new(Tensor)
    _set_concrete(t, core)
    return t


def symbolic(trace: Trace, value: int, shape: Shape, dtype: str) -> Tensor:
    """The Tensor that stands for a value of a graph."""
    t = _new(Tensor)
    t._core = None
    t._trace = trace
    t._value = value
    t.shape = shape
    t.dtype = dtype
    t._keras_mask = None
    t._producer = None
    return t


def to_array(value: Any, dtype: str | None = None) -> np.ndarray:
    """An array of a core type from a number, list, array, Tensor or Variable.

    Raises:
        TypeError: if there are no numbers in it.
    """
    array = value if isinstance(value, np.ndarray) else _as_array(value)
    if dtype is None:
        from_python = not hasattr(value, "dtype")
        small_int = from_python and array.dtype == np.int64 and _fits_int32(array)
        dtype = "int32" if small_int else converted(array.dtype)
    return array.astype(numpy_dtype(dtype), copy=False)


def _fits_int32(array: np.ndarray) -> bool:
    return array.size == 0 or (array.min() >= -(2**31) and array.max() < 2**31)


def _as_array(value: Any) -> np.ndarray:
    if isinstance(value, KerasTensor):
        raise TypeError(
            f"{value!r} is the description of an input, not a value; use it with layers and "
            "nnseq.ops to define a functional model"
        )
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"this cannot become an array: {error}") from None


def to_core(value: Any, dtype: str | None = None) -> _core.Tensor:
    """A core tensor from anything that holds numbers."""
    if isinstance(value, Tensor) and value._core is not None and dtype in (None, value.dtype):
        return value._core
    return _core.Tensor(to_array(value, dtype))


class KerasTensor(Operators):
    """The shape and dtype of a value in a functional model; operations on it are recorded.

    >>> KerasTensor((None, 3), name="a")
    <KerasTensor shape=(None, 3), dtype=float32, name=a>
    """

    _keras_mask: KerasTensor | None

    def __init__(
        self,
        shape: Shape,
        dtype: str = "float32",
        name: str | None = None,
        history: tuple[Operation, Node, int] | None = None,
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = input_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self.history = history
        self._keras_mask = None
        self._output_of: Operation | None = None  # the model last asked for it as its output

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def T(self) -> KerasTensor:
        """The transpose: all axes reversed."""
        return operators["transpose"](self)

    def reshape(self, *shape: Any) -> KerasTensor:
        """The same elements in another shape."""
        return operators["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"{self!r} has a shape and a dtype but no value: it describes an input or an "
            "intermediate result of a functional model. Use nnseq.ops or layers on it."
        )

    __bool__ = __int__ = __index__ = __float__ = __array__ = __iter__ = __len__ = numpy = _refuse

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def is_tensor(value: Any) -> bool:
    """Whether this is a Tensor, a KerasTensor or a Variable."""
    return isinstance(value, Operators)


def is_float_tensor(value: Any) -> bool:
    """Whether this is an array-like value of a float type."""
    return isinstance(value, Operators) and is_float(value.dtype)  # type: ignore[attr-defined]
