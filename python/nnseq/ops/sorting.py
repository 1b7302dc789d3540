"""Order along an axis."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_type
from nnseq.ops.elementwise import greater, isnan, less_equal, where
from nnseq.ops.indexing import take_along_axis
from nnseq.ops.layout import expand_dims, swapaxes
from nnseq.ops.reduction import sum
from nnseq.ops.running import along

__all__ = ["argpartition", "argsort", "in_top_k", "sort", "top_k"]


def _order(x: Tensor, axis: int, descending: bool = False) -> Tensor:
    last = len(x.shape) - 1
    order = apply("arg_sort", [swapaxes(x, axis, last)], {"descending": descending})
    return swapaxes(order, axis, last)


@operation
def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The indices that sort x (flat without axis), int32; equal elements keep their order.

    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    return _order(*along(x, axis))


@operation
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Indices that put the kth smallest element in its place, none larger before it and none
    smaller behind it: those of argsort.
    """
    x, place = along(x, axis)
    return _order(x, place)


@operation
def sort(x: Any, axis: int | None = -1) -> Tensor:
    """x (flat without axis) from the smallest to the largest along an axis, NaN last.

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    x, place = along(x, axis)
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
