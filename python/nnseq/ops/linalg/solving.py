"""Determinants, inverses and systems of linear equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_type, promoted, stop_gradient
from nnseq.ops.creation import eye
from nnseq.ops.elementwise import abs as absolute
from nnseq.ops.elementwise import log, logical_or, not_equal, sign, where
from nnseq.ops.layout import concatenate, expand_dims, flip, squeeze, swapaxes
from nnseq.ops.linalg.factors import eliminated
from nnseq.ops.linalg.matrices import largest, square_matrices
from nnseq.ops.linear import matmul
from nnseq.ops.reduction import sum as sum_of


def _pivots(x: Any) -> tuple[list[Tensor], Tensor]:
    """The pivots of square matrices, each (...), and -1 or 1 for the order of the rows."""
    x, _ = square_matrices(x)
    _, pivots, moves = eliminated(x)
    swaps = sum_of(as_type(not_equal(concatenate(moves, -1), 0), "int32"), -1)
    order = 1.0 - 2.0 * as_type(swaps % 2, x.dtype)
    return [squeeze(pivot, (-2, -1)) for pivot in pivots], order


@operation
def det(x: Any) -> Tensor:
    """The determinants of square matrices (..., N, N) -> (...), by elimination.

    >>> det([[2.0, 1.0], [0.0, 3.0]]).item()
    6.0
    """
    pivots, total = _pivots(x)
    for pivot in pivots:
        total = total * pivot
    return total


@operation
def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The signs of determinants, and the logarithms of their sizes, which do not overflow.

    >>> [part.item() for part in slogdet([[0.0, 1.0], [1.0, 0.0]])]
    [-1.0, 0.0]
    """
    pivots, total = _pivots(x)
    size: Any = 0.0
    for pivot in pivots:
        total = total * sign(pivot)
        size = size + log(absolute(pivot))
    return total, size


@operation
def logdet(x: Any) -> Tensor:
    """The logarithms of the determinants of positive definite matrices."""
    return slogdet(x)[1]


def _inverse(x: Tensor, size: int) -> Tensor:
    """The inverse by Gauss and Jordan's elimination in place, of each column the largest pivot."""
    order: list[Tensor] = []
    used: Any = None
    for k in range(size):
        column = x[..., k : k + 1]
        _, chosen = largest(column, used)
        is_row = not_equal(swapaxes(chosen, -1, -2), 0.0)
        x = where(np.arange(size) == k, as_type(is_row, x.dtype), x)
        row = matmul(chosen, x) / matmul(chosen, column)
        x = where(is_row, row, x - column * row)
        used = is_row if used is None else logical_or(used, is_row)
        order.append(chosen)
    turn = concatenate(order, -2)
    return matmul(matmul(turn, x), turn)


@operation
def inv(x: Any) -> Tensor:
    """The inverses of square matrices (..., N, N).

    Derivatives do not go through the elimination: they are those of two steps of Newton's method
    behind it, which are right up to the third and cost four products of matrices. Values stay those
    of the elimination, since the steps magnify the errors of nearly singular matrices.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x, size = square_matrices(x)
    values = stop_gradient(_inverse(stop_gradient(x), size))
    result = values
    for _ in range(2):
        result = result + matmul(result, eye(size) - matmul(x, result))
    return values + (result - stop_gradient(result))


def _system(a: Any, b: Any) -> tuple[Tensor, Tensor, int, bool]:
    """Matrices, right sides (..., N, K), N, and whether b was vectors.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    a, b = promoted(a, b, at_least_float=True)
    a, size = square_matrices(a)
    is_vector = len(b.shape) == len(a.shape) - 1
    if not b.shape or (len(b.shape) != len(a.shape) and not is_vector):
        raise ValueError(
            "Expected `b` to have the rank of `a` or one less. "
            f"Received: a.shape={a.shape}, b.shape={b.shape}"
        )
    b = expand_dims(b, -1) if is_vector else b
    if b.shape[-2] != size:
        raise ValueError(
            "Incompatible shapes between `a` and `b`: each matrix needs a right side of as many "
            f"rows. Received: a.shape={a.shape}, b.shape={b.shape}"
        )
    return a, b, size, is_vector


@operation
def solve(a: Any, b: Any) -> Tensor:
    """The x with a x = b: (..., N, N) and (..., N) or (..., N, K).

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    a, b, _, is_vector = _system(a, b)
    x = matmul(inv(a), b)
    return squeeze(x, -1) if is_vector else x


@operation
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """The x with a x = b for upper (or `lower`) triangular matrices; what is on the other side of
    their diagonal is not read.

    >>> solve_triangular([[2.0, 1.0], [0.0, 4.0]], [3.0, 4.0]).tolist()
    [1.0, 1.0]
    """
    a, rest, size, is_vector = _system(a, b)
    if not lower:
        a, rest = flip(a, [-2, -1]), flip(rest, -2)
    rows = []
    for k in range(size):
        row = rest[..., :1, :] / a[..., k : k + 1, k : k + 1]
        rows.append(row)
        rest = rest[..., 1:, :] - a[..., k + 1 :, k : k + 1] * row
    x = concatenate(rows if lower else rows[::-1], -2)
    return squeeze(x, -1) if is_vector else x


@operation
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of L L^T (of U^T U with `upper`) of triangular matrices as `cholesky` gives."""
    x, size = square_matrices(x)
    inverse = solve_triangular(x, eye(size) + x * 0.0, lower=not upper)
    turned = swapaxes(inverse, -1, -2)
    return matmul(inverse, turned) if upper else matmul(turned, inverse)
