"""Diagonals of matrices."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import axis_of
from nnseq.ops.creation import arange
from nnseq.ops.elementwise import where
from nnseq.ops.indexing import take
from nnseq.ops.layout import moveaxis, pad, reshape
from nnseq.ops.reduction import sum as sum_of

__all__ = ["diag", "diagflat", "diagonal", "trace"]


@operation
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal x[i, i + offset] of two axes, as the last axis.

    >>> diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    x = to_tensor(x)
    rank = len(x.shape)
    first, second = axis_of(axis1, rank), axis_of(axis2, rank)
    x = moveaxis(x, [first, second], [-2, -1])
    *outer, rows, columns = dims_of(x)
    row, column = max(0, -offset), max(0, offset)
    count = max(0, min(rows - row, columns - column))
    places = arange(count) * (columns + 1) + (row * columns + column)
    return take(reshape(x, [*outer, rows * columns]), places, axis=-1)


@operation
def diag(x: Any, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix, or a matrix with a vector on it.

    >>> diag([1, 2]).tolist()
    [[1, 0], [0, 2]]

    Raises:
        ValueError: for a Tensor of another rank.
    """
    x = to_tensor(x)
    if len(x.shape) == 2:
        return diagonal(x, offset=k)
    if len(x.shape) != 1:
        raise ValueError(f"`x` must be 1-D or 2-D. Received: x.shape={x.shape}")
    row, column = max(0, -k), max(0, k)
    size = dims_of(x)[0] + abs(k)
    padded = pad(x, [[column, row]])  # its place is the column
    on = arange(size).reshape(-1, 1) + k
    return where(on == arange(size), padded, 0)


@operation
def diagflat(x: Any, k: int = 0) -> Tensor:
    """A matrix with all elements of x on its k-th diagonal."""
    return diag(reshape(x, [-1]), k)


@operation
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal of two axes."""
    return sum_of(diagonal(x, offset, axis1, axis2), axis=-1)
