"""Matrices as products of triangular and orthogonal ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.operation import operation
from nnseq.engine.state import state
from nnseq.engine.tensor import KerasTensor, Tensor
from nnseq.ops.core import convert_to_numpy
from nnseq.ops.creation import eye, triu
from nnseq.ops.elementwise import equal, sqrt, square, where
from nnseq.ops.layout import concatenate, pad, swapaxes
from nnseq.ops.linalg.matrices import largest, matrices, square_matrices
from nnseq.ops.linear import matmul
from nnseq.ops.reduction import sum as sum_of


def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The lower triangular L with L L^T = (x + x^T) / 2 for positive definite matrices, or, with
    `upper`, its transpose.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
    [[2.0, 0.0], [1.0, 2.0]]

    Raises:
        ValueError: if x is not square or not positive definite; where its values are not known
            yet, the result is NaN then.
    """
    result = _cholesky(x, upper)
    is_known = state.trace is None and not isinstance(result, KerasTensor)
    if is_known and np.isnan(convert_to_numpy(result)).any():
        raise ValueError(
            "Cholesky decomposition failed. The input might not be a valid positive definite "
            "matrix."
        )
    return result


@operation
def _cholesky(x: Any, upper: bool) -> Tensor:
    x, size = square_matrices(x)
    rest = (x + swapaxes(x, -1, -2)) * 0.5
    columns = []
    for k in range(size):
        root = sqrt(rest[..., :1, :1])
        column = concatenate([root, rest[..., 1:, :1] / root], -2)
        columns.append(pad(column, [[0, 0]] * (len(x.shape) - 2) + [[k, 0], [0, 0]]))
        below = column[..., 1:, :]
        rest = rest[..., 1:, 1:] - below * swapaxes(below, -1, -2)
    lower = concatenate(columns, -1)
    return swapaxes(lower, -1, -2) if upper else lower


def eliminated(x: Any) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Gauss' elimination with the largest pivot of each column.

    Returns:
        L without its diagonal of ones and U in one (..., M, N), the pivots (..., 1, 1), and of each
        step how many rows further down the row was that came up, (..., 1).
    """
    x, rows, columns = matrices(x)
    done, pivots, moves = [], [], []
    rest = x
    for k in range(min(rows, columns)):
        place, chosen = largest(rest[..., k : k + 1])
        first = matmul(chosen, rest)
        pivot = first[..., k : k + 1]
        done.append(first)
        pivots.append(pivot)
        moves.append(place)
        if k == rows - 1:
            break
        # The row that was first goes where the chosen one was.
        away = swapaxes(chosen, -1, -2)[..., 1:, :]
        below = where(away, rest[..., :1, :], rest[..., 1:, :])
        factor = below[..., k : k + 1] / where(equal(pivot, 0.0), 1.0, pivot)
        parts = [below[..., :k], factor, below[..., k + 1 :] - factor * first[..., k + 1 :]]
        rest = concatenate(parts, -1)
    if rows > columns:
        done.append(rest)
    return concatenate(done, -2), pivots, moves


@operation
def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """P x = L U with the largest pivots: (..., M, N).

    Returns:
        L below the diagonal, whose ones are left out, and U above in one Tensor (..., M, N); and of
        each row the one that it was exchanged with, (..., min(M, N)) int32.

    >>> lu, pivots = lu_factor([[1.0, 2.0], [4.0, 4.0]])
    >>> lu.tolist(), pivots.tolist()
    ([[4.0, 4.0], [0.25, 1.0]], [1, 1])
    """
    lu, _, moves = eliminated(x)
    return lu, concatenate([move + k for k, move in enumerate(moves)], -1)


@operation
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """x = Q R with orthonormal columns in Q and an upper triangular R, by Householder's
    reflections; signs are LAPACK's.

    Args:
        x: (..., M, N).
        mode: "reduced" for Q (..., M, min(M, N)), "complete" for Q (..., M, M).

    >>> q, r = qr([[3.0], [4.0]])
    >>> q.shape, r.tolist()
    ((2, 1), [[-5.0]])
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(
            "`mode` argument value not supported. Expected one of {'reduced', 'complete'}. "
            f"Received: mode={mode}"
        )
    rest, rows, columns = matrices(x)
    reflections = []
    for k in range(min(rows - 1, columns)):
        under = np.arange(rows).reshape(-1, 1) > k
        column = rest[..., k : k + 1]
        alpha = column[..., k : k + 1, :]
        tail = where(under, column, 0.0)
        length = sum_of(square(tail), axis=-2, keepdims=True)
        is_done = equal(length, 0.0)
        norm = sqrt(square(alpha) + where(is_done, 1.0, length))
        beta = where(alpha < 0.0, norm, -norm)
        vector = tail / (alpha - beta) + (np.arange(rows).reshape(-1, 1) == k)
        factor = where(is_done, 0.0, (beta - alpha) / beta) * vector
        reflections.append((vector, factor))
        rest = rest - factor * matmul(swapaxes(vector, -1, -2), rest)
    wide = rows if mode == "complete" else min(rows, columns)
    q = eye(rows, wide) + rest[..., :1] * 0.0
    for vector, factor in reversed(reflections):
        q = q - factor * matmul(swapaxes(vector, -1, -2), q)
    return q, triu(rest[..., :wide, :])
