"""Lengths of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, axis_of
from nnseq.ops.elementwise import abs as absolute
from nnseq.ops.elementwise import not_equal, power, sqrt, square
from nnseq.ops.layout import expand_dims, moveaxis
from nnseq.ops.linalg.spectral import singular_values
from nnseq.ops.reduction import max as largest_of
from nnseq.ops.reduction import min as least_of
from nnseq.ops.reduction import sum as sum_of

_OF_MATRICES = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


@operation
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The lengths of vectors along one axis or of matrices in two; of all of x without `axis`.

    Args:
        ord: of vectors p of sum(|x|^p)^(1/p), by default 2, inf, -inf or 0 (how many are not 0);
            of matrices "fro" (the default), "nuc" (the sum of the singular values), 2 and -2 (the
            largest, the least), 1, -1, inf and -inf (of sums of columns, of rows).

    >>> norm([[3.0, 0.0], [0.0, 4.0]], ord=2).item(), norm([3.0, -4.0], ord=1).item()
    (4.0, 7.0)

    Raises:
        ValueError: for another `ord`, or one that needs vectors or matrices of a larger x.
    """
    x = as_float(x)
    rank = len(x.shape)
    if ord is None or (axis is None and rank == 1 and ord == 2):
        return sqrt(sum_of(square(x), axis=axis, keepdims=keepdims))
    if axis is None and rank > 2:
        raise ValueError(f"norm: with ord={ord!r}, {rank} dimensions need `axis`: one, or two")
    given = range(rank) if axis is None else axis if isinstance(axis, list | tuple) else [axis]
    axes = [axis_of(each, rank) for each in given]  # the first are rows
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if len(axes) != 2 or ord not in _OF_MATRICES:
        raise ValueError(f"norm: ord={ord!r} is not one of matrices: {_OF_MATRICES}")
    return _of_matrices(x, ord, (axes[0], axes[1]), keepdims)


def _of_vectors(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is not one of vectors, which have a number")
    size = absolute(x)
    if abs(ord) == np.inf:
        return (largest_of if ord > 0 else least_of)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return sum_of(as_type(not_equal(x, 0.0), x.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum_of(size, axis=axis, keepdims=keepdims)
    if ord == 2:
        return sqrt(sum_of(square(x), axis=axis, keepdims=keepdims))
    return power(sum_of(power(size, ord), axis=axis, keepdims=keepdims), 1.0 / ord)


def _of_matrices(x: Tensor, ord: Any, axes: tuple[int, int], keepdims: bool) -> Tensor:
    if ord == "fro":
        return sqrt(sum_of(square(x), axis=axes, keepdims=keepdims))
    x = moveaxis(x, axes, (-2, -1))
    extreme = least_of if ord in (-1, -2, -np.inf) else largest_of
    if ord in ("nuc", 2, -2):
        values = singular_values(x)
        found = (sum_of if ord == "nuc" else extreme)(values, axis=-1)
    else:
        found = extreme(sum_of(absolute(x), axis=-2 if abs(ord) == 1 else -1), axis=-1)
    return expand_dims(found, sorted(axes)) if keepdims else found
