"""Medians, quantiles and percentiles: places in the sorted order."""

from __future__ import annotations

import math
from typing import Any

from nnseq.engine.dispatch import dims_of
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, axes_of
from nnseq.ops.elementwise import ceil, equal, floor, isnan, maximum, where
from nnseq.ops.indexing import take, take_along_axis
from nnseq.ops.layout import moveaxis, reshape, transpose
from nnseq.ops.reduction import sum as sum_of
from nnseq.ops.sorting import sort

__all__ = [
    "median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile",
]  # fmt: skip

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantiles(
    x: Any, q: Any, axis: Any, method: str, keepdims: bool, without_nan: bool = False
) -> Tensor:
    if method not in _METHODS:
        raise ValueError(f"`method` must be one of {', '.join(_METHODS)}. Received: {method!r}")
    x, q = as_float(x), as_float(q)
    if len(q.shape) > 1:
        raise ValueError(f"`q` must be a number or a vector. Received: q.shape={q.shape}")
    dims = list(dims_of(x))
    gone = axes_of(axis, len(dims))
    kept = [a for a in range(len(dims)) if a not in gone]
    size: Any = 1
    for a in gone:
        size = size * dims[a]
    outer = [dims[a] for a in kept]
    rows = sort(reshape(transpose(x, [*kept, *gone]), [*outer, size]))  # NaN last
    if without_nan:
        count = sum_of(as_type(~isnan(rows), "int32"), -1, keepdims=True)
        at = maximum(reshape(q, [-1]) * as_float(count - 1), 0.0)
    else:
        at = reshape(q, [-1]) * as_float(size - 1)

    def entries(place: Tensor) -> Tensor:
        index = as_type(place, "int32")
        return take_along_axis(rows, index, -1) if without_nan else take(rows, index, -1)

    low, part = entries(floor(at)), at - floor(at)
    if method == "lower":
        result = low
    else:
        high = entries(ceil(at))
        if method == "higher":
            result = high
        elif method == "nearest":
            result = where(part <= 0.5, low, high)
        else:
            share = 0.5 if method == "midpoint" else part
            # An infinite element times 0 would be NaN.
            result = where(equal(part, 0.0), low, low * (1.0 - share) + high * share)
    if not without_nan:
        result = where(isnan(rows[..., -1:]), math.nan, result)
    result = moveaxis(result, -1, 0)
    if keepdims:
        outer = [1 if a in gone else dims[a] for a in range(len(dims))]
    return reshape(result, [*dims_of(q), *outer])


@operation
def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The numbers below which the fraction q (0 to 1) of the elements over these axes lies; NaN
    if one of them is NaN.

    Args:
        x: a Tensor; integers become float32.
        q: a number or a vector, whose axis comes first in the result.
        axis: an axis, several, or all.
        method: what is taken between two elements: "linear", "lower", "higher", "midpoint" or
            "nearest".
        keepdims: whether the axes stay, with size 1.

    >>> quantile([1.0, 2.0, 4.0], [0.5, 0.75]).tolist()
    [2.0, 3.0]
    """
    return _quantiles(x, q, axis, method, keepdims)


@operation
def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """quantile with q in percent."""
    return _quantiles(x, as_float(q) / 100.0, axis, method, keepdims)


@operation
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The middle element over these axes, or the mean of the two in the middle.

    >>> median([5, 1, 2, 3]).item()
    2.5
    """
    return _quantiles(x, 0.5, axis, "midpoint", keepdims)


@operation
def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """quantile of the numbers among the elements, NaN if there is none."""
    return _quantiles(x, q, axis, method, keepdims, without_nan=True)


@operation
def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """percentile of the numbers among the elements, NaN if there is none."""
    return _quantiles(x, as_float(q) / 100.0, axis, method, keepdims, without_nan=True)


@operation
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """median of the numbers among the elements, NaN if there is none."""
    return _quantiles(x, 0.5, axis, "midpoint", keepdims, without_nan=True)
