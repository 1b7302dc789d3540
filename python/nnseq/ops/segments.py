"""Reductions of the rows with the same id."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_type, convert_to_numpy
from nnseq.ops.creation import arange
from nnseq.ops.elementwise import logical_or, maximum, minimum, multiply, not_equal, where
from nnseq.ops.indexing import take
from nnseq.ops.layout import pad, reshape, take_slice
from nnseq.ops.running import associative_scan, size_of
from nnseq.ops.searching import searchsorted
from nnseq.ops.slices import sum_at
from nnseq.ops.sorting import argsort

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def _checked(data: Any, segment_ids: Any, num_segments: int | None) -> tuple[Tensor, Tensor, int]:
    rows, ids = to_tensor(data), to_tensor(segment_ids)
    if len(ids.shape) != 1 or not rows.shape:
        raise ValueError(
            "Argument `segment_ids` should be an 1-D vector with an id for each row of `data`, got "
            f"shapes {ids.shape} and {rows.shape}"
        )
    if None not in (ids.shape[0], rows.shape[0]) and ids.shape[0] != rows.shape[0]:
        raise ValueError(
            "Argument `segment_ids` and `data` should have same leading dimension. Got "
            f"{ids.shape} v.s. {rows.shape}."
        )
    if num_segments is None:
        num_segments = int(convert_to_numpy(ids).max(initial=-1)) + 1
    return rows, ids, int(num_segments)


@operation
def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sums of the rows of `data` with the same id; `num_segments` is needed in a trace.

    >>> segment_sum([1.0, 2.0, 4.0], [0, 0, 1]).tolist()
    [3.0, 4.0]
    """
    rows, ids, count = _checked(data, segment_ids, num_segments)
    return sum_at(as_type(ids, "int64"), rows, count)


def _reduced(
    f: Callable[[Any, Any], Tensor],
    empty: Any,
    data: Any,
    segment_ids: Any,
    num_segments: int | None,
    in_order: bool,
) -> Tensor:
    """The rows in the order of their ids, f over each run of one id, its last result taken."""
    rows, ids, count = _checked(data, segment_ids, num_segments)
    size = size_of("segment", rows, 0)
    if not in_order:
        order = argsort(ids)
        rows, ids = take(rows, order, 0), take(ids, order, 0)
    starts = pad(not_equal(take_slice(ids, 0, 1, size - 1), take_slice(ids, 0, 0, size - 1)),
                 [[1, 0]], constant_values=1)  # fmt: skip
    wide = [1] * (len(rows.shape) - 1)

    def until(a: Any, b: Any) -> Any:
        return logical_or(a[0], b[0]), where(b[0], b[1], f(a[1], b[1]))

    _, running = associative_scan(until, (reshape(starts, [-1, *wide]), rows))
    segments = as_type(arange(count), ids.dtype)
    end = searchsorted(ids, segments, side="right")
    found = end > searchsorted(ids, segments)
    return where(reshape(found, [-1, *wide]), take(running, maximum(end - 1, 0), 0), empty)


def _limit(data: Any, of_floats: float, of_integers: str) -> Any:
    name = to_tensor(data).dtype
    return of_floats if is_float(name) else int(getattr(np.iinfo(name), of_integers))


@operation
def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The largest of the rows of `data` with the same id, the least number there is without one.

    >>> segment_max([1.0, 2.0, 4.0], [0, 0, 1]).tolist()
    [2.0, 4.0]
    """
    empty = _limit(data, -math.inf, "min")
    return _reduced(maximum, empty, data, segment_ids, num_segments, sorted)


@operation
def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The smallest of the rows of `data` with the same id, the largest number without one."""
    empty = _limit(data, math.inf, "max")
    return _reduced(minimum, empty, data, segment_ids, num_segments, sorted)


@operation
def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The products of the rows of `data` with the same id, 1 without one."""
    return _reduced(multiply, 1, data, segment_ids, num_segments, sorted)
