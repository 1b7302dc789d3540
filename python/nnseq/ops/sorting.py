"""Order and running sums along an axis."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_type, axis_of
from nnseq.ops.elementwise import greater, isnan, less_equal, where
from nnseq.ops.indexing import take_along_axis
from nnseq.ops.layout import expand_dims, reshape, swapaxes
from nnseq.ops.reduction import sum

__all__ = ["argsort", "cumsum", "in_top_k", "sort", "top_k"]


def _order(x: Tensor, axis: int, descending: bool = False) -> Tensor:
    last = len(x.shape) - 1
    order = apply("arg_sort", [swapaxes(x, axis, last)], {"descending": descending})
    return swapaxes(order, axis, last)


def _along(x: Any, axis: int | None) -> tuple[Tensor, int]:
    """x, flat without an axis, and the axis."""
    x = to_tensor(x)
    if axis is None:
        return reshape(x, [-1]), 0
    return x, axis_of(axis, len(x.shape))


@operation
def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The indices that sort x (flat without axis), int32; equal elements keep their order.

    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    return _order(*_along(x, axis))


@operation
def sort(x: Any, axis: int | None = -1) -> Tensor:
    """x (flat without axis) from the smallest to the largest along an axis, NaN last.

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    x, place = _along(x, axis)
    return take_along_axis(x, _order(x, place), place)


@operation
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest elements of the last axis, largest first, and their indices; `sorted` has no
    effect. Of equal elements the first ones are taken.

    >>> values, indices = top_k([1.0, 3.0, 2.0], 2)
    >>> values.tolist(), indices.tolist()
    ([3.0, 2.0], [1, 2])
    """
    x = to_tensor(x)
    size = x.shape[-1] if x.shape else 0
    if k < 0 or (size is not None and k > size):
        raise ValueError(f"top_k: k={k} elements of the last axis of {x.shape}")
    indices = _order(x, len(x.shape) - 1, descending=True)[..., :k]
    return take_along_axis(x, indices, -1), indices


@operation
def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether predictions (N, C) at targets (N,) are among the k largest of their row, bool.

    >>> in_top_k([2, 0], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], 1).tolist()
    [True, False]
    """
    scores = to_tensor(predictions)
    own = take_along_axis(scores, expand_dims(to_tensor(targets), -1), -1)
    own = where(isnan(own), float("-inf"), own)
    return less_equal(sum(as_type(greater(scores, own), "int32"), -1), k - 1)


@operation
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The sums of each element and those before it along an axis, of the flat x without one.

    >>> cumsum([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [3, 7]]
    """
    x, place = _along(x, axis)
    given = "int32" if x.dtype == "bool" else x.dtype
    summed = as_type(x, dtype) if dtype is not None else x
    summed = as_type(summed, "int32") if summed.dtype in ("bool", "uint8") else summed
    return as_type(apply("cumsum", [summed], {"axis": place}), given if dtype is None else dtype)
