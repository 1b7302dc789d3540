"""The operators of everything that stands for an array, and what symbolic values refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

# Filled by nnseq.ops, which defines what the operators do.
operators: dict[str, Callable[..., Any]] = {}
# The functions of NumPy that stand for an operator, whose left operand was an array.
_OF_NUMPY = {
    getattr(np, name): name
    for name in (
        "add", "subtract", "multiply", "divide", "floor_divide", "mod", "power", "matmul",
        "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
        "logical_and", "logical_or",
    )
} | {np.bitwise_and: "logical_and", np.bitwise_or: "logical_or"}  # fmt: skip


class DataDependentError(TypeError):
    """Python code asked for the value of a symbolic Tensor."""


class UnknownDimError(TypeError):
    """Python code needs a dimension that is unknown in this trace; concrete shapes may help."""


class Operators:
    """Arithmetic, comparisons and indexing of everything that stands for an array."""

    __slots__ = ()
    __array_priority__ = 100.0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """ndarray + Tensor is a Tensor; other functions of NumPy compute with the numbers."""
        in_place = options.keys() == {"out"} and options["out"][0] is inputs[0]
        if method == "__call__" and ufunc in _OF_NUMPY and (in_place or not options):
            return operators[_OF_NUMPY[ufunc]](*inputs)
        values = [np.asarray(x) if isinstance(x, Operators) else x for x in inputs]
        return getattr(ufunc, method)(*values, **options)

    def __add__(self, other: Any) -> Any:
        return operators["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return operators["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return operators["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return operators["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return operators["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return operators["multiply"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return operators["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return operators["divide"](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return operators["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return operators["floor_divide"](other, self)

    def __mod__(self, other: Any) -> Any:
        return operators["mod"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return operators["mod"](other, self)

    def __pow__(self, other: Any) -> Any:
        return operators["power"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return operators["power"](other, self)

    def __matmul__(self, other: Any) -> Any:
        return operators["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return operators["matmul"](other, self)

    def __neg__(self) -> Any:
        return operators["negative"](self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return operators["absolute"](self)

    def __invert__(self) -> Any:
        return operators["logical_not"](self)

    def __and__(self, other: Any) -> Any:
        return operators["logical_and"](self, other)

    def __rand__(self, other: Any) -> Any:
        return operators["logical_and"](other, self)

    def __or__(self, other: Any) -> Any:
        return operators["logical_or"](self, other)

    def __ror__(self, other: Any) -> Any:
        return operators["logical_or"](other, self)

    def __eq__(self, other: Any) -> Any:
        return NotImplemented if other is None else operators["equal"](self, other)

    def __ne__(self, other: Any) -> Any:
        return NotImplemented if other is None else operators["not_equal"](self, other)

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Any:
        return operators["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return operators["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return operators["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return operators["greater_equal"](self, other)

    def __getitem__(self, key: Any) -> Any:
        return operators["getitem"](self, key)


def refuse(what: str) -> NoReturn:
    """Raises the error for Python code that asks for the value of a symbolic Tensor."""
    raise DataDependentError(
        f"{what} of a symbolic Tensor is not known while a function is traced. Use nnseq.ops "
        "(for example ops.where) instead of Python on values, or run it op by op: without "
        "nnseq.function, a model with compile(run_eagerly=True)."
    )
