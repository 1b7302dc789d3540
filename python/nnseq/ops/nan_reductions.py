"""Reductions and running sums that leave out what is not a number."""

from __future__ import annotations

import math
from typing import Any

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, cast
from nnseq.ops.elementwise import isnan, sqrt, square, where
from nnseq.ops.reduction import all as all_of
from nnseq.ops.reduction import argmax, argmin
from nnseq.ops.reduction import max as max_of
from nnseq.ops.reduction import min as min_of
from nnseq.ops.reduction import prod as prod_of
from nnseq.ops.reduction import sum as sum_of
from nnseq.ops.running import cumprod, cumsum

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod",
    "nanstd", "nansum", "nanvar", "ptp",
]  # fmt: skip


def _filled(x: Any, value: float) -> Tensor:
    x = to_tensor(x)
    return where(isnan(x), value, x) if is_float(x.dtype) else x


@operation
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum of the numbers over these axes."""
    return sum_of(_filled(x, 0.0), axis, keepdims)


@operation
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product of the numbers over these axes."""
    return prod_of(_filled(x, 1.0), axis, keepdims)


def _extreme(x: Any, axis: Any, keepdims: bool, reduce: Any, worst: float) -> Tensor:
    x = to_tensor(x)
    result = reduce(_filled(x, worst), axis, keepdims)
    if not is_float(x.dtype):
        return result
    return where(all_of(isnan(x), axis, keepdims), math.nan, result)


@operation
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest number over these axes, NaN if there is none.

    >>> nanmax([1.0, float("nan")]).item()
    1.0
    """
    return _extreme(x, axis, keepdims, max_of, -math.inf)


@operation
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest number over these axes, NaN if there is none."""
    return _extreme(x, axis, keepdims, min_of, math.inf)


@operation
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean of the numbers over these axes."""
    x = as_float(x)
    count = sum_of(cast(x == x, x.dtype), axis, keepdims)
    return nansum(x, axis, keepdims) / count


@operation
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The biased variance of the numbers over these axes."""
    x = as_float(x)
    return nanmean(square(x - nanmean(x, axis, True)), axis, keepdims)


@operation
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The square root of nanvar."""
    return sqrt(nanvar(x, axis, keepdims))


@operation
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest element minus the smallest over these axes."""
    return max_of(x, axis, keepdims) - min_of(x, axis, keepdims)


def _place(x: Any, axis: int | None, keepdims: bool, find: Any, worst: float) -> Tensor:
    x = to_tensor(x)
    place = find(_filled(x, worst), axis, keepdims)
    return where(all_of(isnan(x), axis, keepdims), -1, place) if is_float(x.dtype) else place


@operation
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the first largest number of an axis (of the flat x), -1 if there is none.

    >>> nanargmax([1.0, float("nan"), 3.0]).item()
    2
    """
    return _place(x, axis, keepdims, argmax, -math.inf)


@operation
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the first smallest number of an axis (of the flat x), -1 if there is none."""
    return _place(x, axis, keepdims, argmin, math.inf)


@operation
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """cumsum with 0 in place of NaN."""
    return cumsum(_filled(x, 0.0), axis, dtype)


@operation
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """cumprod with 1 in place of NaN."""
    return cumprod(_filled(x, 1.0), axis, dtype)
