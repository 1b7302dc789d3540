"""Sums, means, extremes and what follows from them, over an axis, several or all."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, axes_of, axis_of, promoted
from nnseq.ops.elementwise import binary, unary

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "logsumexp",
    "max", "mean", "min", "prod", "std", "sum", "var",
]  # fmt: skip


def reduce(fn: str, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """One reduction of the core: sum, mean, max, min or prod."""
    axes = axes_of(axis, len(x.shape))
    return apply("reduce", [x], {"fn": fn, "axes": axes, "keepdims": bool(keepdims)})


def _number(x: Any) -> Tensor:
    """bool and uint8 are summed as int32."""
    x = to_tensor(x)
    return as_type(x, "int32") if x.dtype in ("bool", "uint8") else x


@operation
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over these axes.

    >>> sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    return reduce("sum", _number(x), axis, keepdims)


@operation
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over these axes, float32 for integers.

    >>> mean([1, 2]).item()
    1.5
    """
    return reduce("mean", as_float(x), axis, keepdims)


@operation
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The largest element over these axes, at least `initial`."""
    result = reduce("max", _number(x), axis, keepdims)
    return result if initial is None else binary("maximum", result, initial)


amax = max


@operation
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The smallest element over these axes, at most `initial`."""
    result = reduce("min", _number(x), axis, keepdims)
    return result if initial is None else binary("minimum", result, initial)


amin = min


@operation
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product over these axes."""
    result = reduce("prod", _number(x), axis, keepdims)
    return result if dtype is None else as_type(result, dtype)


@operation
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether some element over these axes is not 0, bool."""
    flags = as_type(as_type(x, "bool"), "int32")
    return as_type(reduce("max", flags, axis, keepdims), "bool")


@operation
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether no element over these axes is 0, bool."""
    flags = as_type(as_type(x, "bool"), "int32")
    return as_type(reduce("min", flags, axis, keepdims), "bool")


@operation
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The biased variance over these axes."""
    x = as_float(x)
    centred = binary("subtract", x, reduce("mean", x, axis, True))
    return reduce("mean", unary("square", centred), axis, keepdims)


@operation
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The square root of the biased variance."""
    return unary("sqrt", var(x, axis, keepdims))


@operation
def moments(
    x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """The mean and the biased variance over these axes."""
    x = as_float(x)
    return mean(x, axes, keepdims), var(x, axes, keepdims)


@operation
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the first largest element of an axis (of the flat x), int32.

    >>> argmax([[1, 3], [5, 2]], axis=1).tolist()
    [1, 0]
    """
    return _arg_reduce(x, axis, keepdims, True)


@operation
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the first smallest element of an axis (of the flat x), int32."""
    return _arg_reduce(x, axis, keepdims, False)


def _arg_reduce(x: Any, axis: int | None, keepdims: bool, is_max: bool) -> Tensor:
    x = _number(x)
    rank, dims = len(x.shape), list(dims_of(x))
    if axis is None:
        x, place = apply("reshape", [x], {"sizes": [-1]}), 0
    else:
        place = axis_of(axis, rank)
    result = apply("arg_reduce", [x], {"axis": place, "max": is_max})
    if not keepdims:
        return result
    sizes = [1] * rank if axis is None else [*dims[:place], 1, *dims[place + 1 :]]
    return apply("reshape", [result], {"sizes": sizes})


@operation
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over these axes without overflow."""
    x = as_float(x)
    top = apply("stop_gradient", [reduce("max", x, axis, True)])
    total = reduce("sum", unary("exp", binary("subtract", x, top)), axis, True)
    result = binary("add", unary("log", total), top)
    if keepdims:
        return result
    axes = axes_of(axis, len(x.shape))
    sizes = [size for i, size in enumerate(dims_of(x)) if i not in axes]
    return apply("reshape", [result], {"sizes": sizes})


@operation
def average(x: Any, axis: Any = None, weights: Any = None) -> Tensor:
    """The mean over these axes, weighted by `weights` (of the shape of x or of the axis)."""
    x = as_float(x)
    if weights is None:
        return reduce("mean", x, axis, False)
    x, w = promoted(x, weights)
    if len(w.shape) != len(x.shape):
        place = axis_of(axis, len(x.shape))
        sizes: list[Any] = [1] * len(x.shape)
        sizes[place] = -1
        w = apply("reshape", [w], {"sizes": sizes})
    w = apply("broadcast", [w], {"sizes": list(dims_of(x))})
    total = reduce("sum", binary("multiply", x, w), axis, False)
    return binary("divide", total, reduce("sum", w, axis, False))


@operation
def count_nonzero(x: Any, axis: Any = None) -> Tensor:
    """How many elements over these axes are not 0, int32."""
    return reduce("sum", as_type(as_type(x, "bool"), "int32"), axis, False)
