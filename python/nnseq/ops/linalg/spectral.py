"""Eigenvalues and singular values, by Jacobi's rotations.

Derivatives do not go through the rotations: they are those of two steps of a method behind them
that doubles the number of right digits (Ogita, Aishima 2018, 2020), so they are right up to the
third. Vectors whose values are equal up to rounding are not unique; nothing is taken to turn them
among each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_type, stop_gradient
from nnseq.ops.creation import eye
from nnseq.ops.diagonals import diagonal
from nnseq.ops.elementwise import abs as absolute
from nnseq.ops.elementwise import equal, less_equal, logical_or, sqrt, square, where
from nnseq.ops.indexing import take_along_axis
from nnseq.ops.layout import concatenate, expand_dims, pad, squeeze, swapaxes
from nnseq.ops.linalg.factors import qr
from nnseq.ops.linalg.matrices import matrices, square_matrices
from nnseq.ops.linear import matmul
from nnseq.ops.reduction import max as largest_of
from nnseq.ops.reduction import sum as sum_of
from nnseq.ops.sorting import argsort

_EPSILON = float(np.finfo(np.float32).eps)
# Values nearer to each other than this part of the largest are taken for equal.
_NEAR = 1e-6


def _transposed(x: Tensor) -> Tensor:
    return swapaxes(x, -1, -2)


def _in_order(columns: Tensor, keys: Tensor) -> Tensor:
    """The columns (..., M, N) in the order of rising keys (..., N)."""
    places = expand_dims(argsort(keys, axis=-1), -2)
    _, rows, _ = matrices(columns)
    return take_along_axis(columns, places + np.zeros((rows, 1), np.int32), axis=-1)


def _turned(pair: Tensor, rows: int, half: int) -> Tensor:
    """Turns column k and column half + k, for each k, so that their first `rows` rows become
    orthogonal; then every column but the first moves on to its next partner."""
    left, right = pair[..., :half], pair[..., half:]
    a, b = left[..., :rows, :], right[..., :rows, :]
    product = sum_of(a * b, axis=-2, keepdims=True)
    are_done = equal(product, 0.0)
    difference = sum_of(square(b), axis=-2, keepdims=True) - sum_of(
        square(a), axis=-2, keepdims=True
    )
    slope = difference / (2.0 * where(are_done, 1.0, product))
    tangent = where(slope < 0.0, -1.0, 1.0) / (absolute(slope) + sqrt(1.0 + square(slope)))
    tangent = where(are_done, 0.0, tangent)
    cosine = 1.0 / sqrt(1.0 + square(tangent))
    sine = cosine * tangent
    left, right = cosine * left - sine * right, sine * left + cosine * right
    if half == 1:
        return concatenate([left, right], -1)
    ring = [left[..., :1], right[..., :1], left[..., 1:-1], right[..., 1:], left[..., -1:]]
    return concatenate(ring, -1)


def _orthogonal_columns(x: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """x v with orthogonal columns, the longest first, and the orthogonal v (..., N, N)."""
    wide = columns + columns % 2  # a column of zeros is turned with none
    batch = [[0, 0]] * (len(x.shape) - 2)
    x = pad(x, [*batch, [0, 0], [0, wide - columns]])
    identity = eye(wide) + sum_of(x, axis=-2, keepdims=True) * 0.0
    pair = concatenate([x, identity], -2)
    for _ in range((4 + wide.bit_length()) * (wide - 1)):
        pair = _turned(pair, rows, wide // 2)
    pair = pair[..., : rows + columns, :columns]
    lengths = sum_of(square(pair[..., :rows, :]), axis=-2)
    pair = _in_order(pair, -lengths)
    return pair[..., :rows, :], pair[..., rows:, :]


def _with_derivatives(values: Tensor, derived: Tensor) -> Tensor:
    """The values, with the derivatives of something equal but for rounding."""
    return values + (derived - stop_gradient(derived))


def _gaps(values: Tensor) -> tuple[Tensor, Tensor]:
    """values_j - values_i (..., N, N), 1 where they are near, and where that is."""
    gaps = expand_dims(values, -2) - expand_dims(values, -1)
    scale = expand_dims(largest_of(absolute(values), axis=-1, keepdims=True), -1)
    are_near = logical_or(absolute(gaps) <= _NEAR * scale, equal(scale, 0.0))
    return where(are_near, 1.0, gaps), are_near


def _better_eigenvectors(x: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and vectors with twice as many right digits."""
    _, _, size = matrices(vectors)
    rest = eye(size) - matmul(_transposed(vectors), vectors)
    turned = matmul(_transposed(vectors), matmul(x, vectors))
    values = diagonal(turned, 0, -2, -1) / (1.0 - diagonal(rest, 0, -2, -1))
    gaps, are_near = _gaps(values)
    change = where(are_near, 0.5 * rest, (turned + rest * expand_dims(values, -2)) / gaps)
    return values, vectors + matmul(vectors, change)


@operation
def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """The eigenvalues (..., N) of symmetric matrices (x + x^T) / 2 (..., N, N), the lowest first,
    and their eigenvectors in the columns of (..., N, N), with any sign.

    >>> values, vectors = eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> values.tolist()
    [1.0, 2.0]
    """
    x, size = square_matrices(x)
    x = (x + _transposed(x)) * 0.5
    known = stop_gradient(x)
    # Shifted so that none is negative, eigenvalues are the lengths of the columns.
    shift = largest_of(sum_of(absolute(known), axis=-1, keepdims=True), axis=-2, keepdims=True)
    scale = where(equal(shift, 0.0), 1.0, shift)
    _, vectors = _orthogonal_columns(eye(size) - known / scale, size, size)
    found = _better_eigenvectors(known, vectors)[0]
    values = squeeze(_in_order(expand_dims(found, -2), found), -2)
    vectors = stop_gradient(_in_order(vectors, found))
    _, better = _better_eigenvectors(x, vectors)
    _, best = _better_eigenvectors(x, better)
    last, _ = _better_eigenvectors(x, best)
    return _with_derivatives(stop_gradient(values), last), _with_derivatives(vectors, best)


def _better_factors(x: Tensor, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Factors (..., M, K), (..., K), (..., N, K) of x with twice as many right digits."""
    _, _, size = matrices(right)
    on_right = matmul(x, right)
    turned = matmul(_transposed(left), on_right)
    rest_left = eye(size) - matmul(_transposed(left), left)
    rest_right = eye(size) - matmul(_transposed(right), right)
    shrunk = 0.5 * (diagonal(rest_left, 0, -2, -1) + diagonal(rest_right, 0, -2, -1))
    values = diagonal(turned, 0, -2, -1) / (1.0 - shrunk)
    across, down = expand_dims(values, -2), expand_dims(values, -1)
    a = turned + across * rest_left
    b = _transposed(turned) + across * rest_right
    gaps, are_near = _gaps(values)
    sums = across + down
    both = gaps * where(are_near, 1.0, sums)
    more_left = where(are_near, 0.5 * rest_left, (a * across + b * down) / both)
    more_right = where(are_near, 0.5 * rest_right, (b * across + a * down) / both)
    are_zero = less_equal(across, _NEAR * largest_of(across, axis=-1, keepdims=True))
    outside = (on_right - matmul(left, turned)) / where(are_zero, 1.0, across)
    left = left + matmul(left, more_left) + where(are_zero, 0.0, outside)
    return left, values, right + matmul(right, more_right)


def _tall_svd(x: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """U (..., M, M), the singular values (..., N) and V (..., N, N) for M >= N."""
    known = stop_gradient(x)
    scale = largest_of(absolute(known), axis=(-2, -1), keepdims=True)
    scale = where(equal(scale, 0.0), 1.0, scale)
    turned, right = _orthogonal_columns(known / scale, rows, columns)
    lengths = sqrt(sum_of(square(turned), axis=-2, keepdims=True))
    left, signs = qr(turned / where(equal(lengths, 0.0), 1.0, lengths), mode="complete")
    flipped = where(expand_dims(diagonal(signs, 0, -2, -1), -2) < 0.0, -1.0, 1.0)
    near = stop_gradient(left[..., :columns] * flipped)
    free, right = stop_gradient(left[..., columns:]), stop_gradient(right)
    values = stop_gradient(squeeze(lengths * scale, -2))
    better = _better_factors(x, near, right)
    best = _better_factors(x, better[0], better[2])
    last = _better_factors(x, best[0], best[2])[1]
    u = _with_derivatives(near, best[0])
    others = _with_derivatives(free, free - matmul(u, matmul(_transposed(u), free)))
    full = concatenate([u, others], -1) if rows > columns else u
    return full, _with_derivatives(values, last), _with_derivatives(right, best[2])


@operation
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """x = U diag(values) V^T with orthonormal columns in U and V; values are not negative, the
    largest first, and the columns have any sign.

    Args:
        x: (..., M, N).
        full_matrices: whether U is (..., M, M) and V^T (..., N, N), or both have min(M, N) columns
            and rows.
        compute_uv: whether to return (U, values, V^T), or the values (..., min(M, N)) alone.

    >>> svd([[3.0, 0.0], [0.0, -4.0]], compute_uv=False).tolist()
    [4.0, 3.0]
    """
    x, rows, columns = matrices(x)
    is_tall = rows >= columns
    few = columns if is_tall else rows
    u, values, v = _tall_svd(x if is_tall else _transposed(x), max(rows, columns), few)
    if not compute_uv:
        return values
    u, v = (u, v) if is_tall else (v, u)
    if not full_matrices:
        u, v = u[..., :few], v[..., :few]
    return u, values, _transposed(v)


def singular_values(x: Any) -> Tensor:
    """(..., M, N) -> (..., min(M, N)), the largest first."""
    return svd(x, compute_uv=False)


@operation
def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """The pseudoinverses (..., N, M) of matrices (..., M, N) (Moore, Penrose). First derivatives
    are right as long as the rank does not change; there are no second ones.

    Args:
        rcond: singular values up to this part of the largest are taken for 0; by default ten times
            the larger size times 1.2e-7.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    x, rows, columns = matrices(x)
    known = stop_gradient(x)
    u, values, turned = svd(known, full_matrices=False)
    least = 10 * max(rows, columns) * _EPSILON if rcond is None else rcond
    are_zero = values <= least * largest_of(values, axis=-1, keepdims=True)
    inverse = where(are_zero, 0.0, 1.0 / where(are_zero, 1.0, values))
    found = matmul(_transposed(turned) * expand_dims(inverse, -2), _transposed(u))
    y, z = found, _transposed(found)
    change = x - known
    derived = (
        matmul(matmul(y, z), matmul(_transposed(change), eye(rows) - matmul(known, y)))
        + matmul(eye(columns) - matmul(y, known), matmul(_transposed(change), matmul(z, y)))
        - matmul(y, matmul(change, y))
    )
    return found + derived


@operation
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The shortest x with the least |a x - b|: (M, N), (M,) or (M, K) -> (N,) or (N, K).

    Args:
        rcond: singular values up to this part of the largest are taken for 0; by default the
            larger size times 1.2e-7.

    >>> lstsq([[1.0], [1.0]], [1.0, 3.0]).tolist()
    [2.0]
    """
    a, rows, columns = matrices(a)
    b = as_type(b, a.dtype)
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or b.shape[0] != rows:
        raise ValueError(
            "lstsq takes a matrix `a` (M, N) and a right side `b` (M,) or (M, K). "
            f"Received: a.shape={a.shape}, b.shape={b.shape}"
        )
    least = max(rows, columns) * _EPSILON if rcond is None else rcond
    inverse = pinv(a, least)
    return matmul(inverse, b) if len(b.shape) == 2 else squeeze(matmul(inverse, b[:, None]), -1)


@operation
def matrix_rank(x: Any, tol: float | None = None) -> Tensor:
    """How many singular values of each matrix are above `tol`, (..., M, N) -> (...) int32; by
    default above the larger size times 1.2e-7 times the largest.

    >>> matrix_rank([[1.0, 2.0], [2.0, 4.0]]).item()
    1
    """
    x, rows, columns = matrices(x)
    values = singular_values(x)
    least: Any = tol
    if tol is None:
        part = max(rows, columns) * _EPSILON
        least = part * largest_of(values, axis=-1, keepdims=True)
    return sum_of(as_type(values > least, "int32"), axis=-1)
