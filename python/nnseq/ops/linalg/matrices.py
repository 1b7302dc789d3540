"""What functions of matrices check, and the steps that they share."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import apply
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float
from nnseq.ops.elementwise import abs as absolute
from nnseq.ops.elementwise import where
from nnseq.ops.reduction import argmax
from nnseq.ops.running import size_of


def matrices(x: Any) -> tuple[Tensor, int, int]:
    """x as floats, and its numbers of rows and columns.

    Raises:
        ValueError: if x has less than two axes.
    """
    x = as_float(x)
    rank = len(x.shape)
    if rank < 2:
        raise ValueError(f"Expected input to have rank >= 2. Received input with shape {x.shape}.")
    return x, size_of("linalg", x, rank - 2), size_of("linalg", x, rank - 1)


def square_matrices(x: Any) -> tuple[Tensor, int]:
    """x as floats, and its number of rows.

    Raises:
        ValueError: if the last two sizes of x differ.
    """
    x, rows, columns = matrices(x)
    if rows != columns:
        raise ValueError(
            f"Expected a square matrix. Received non-square input with shape {x.shape}"
        )
    return x, rows


def largest(column: Tensor, used: Any = None) -> tuple[Tensor, Tensor]:
    """The row of the largest element of columns (..., n, 1) by size, among those that are not
    `used`: its index (..., 1) and 1 there in zeros (..., 1, n).
    """
    size = absolute(column)
    place = argmax(size if used is None else where(used, -1.0, size), axis=-2)
    depth = column.shape[-2]
    return place, apply("one_hot", [place], {"depth": depth})
