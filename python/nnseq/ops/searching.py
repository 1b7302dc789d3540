"""Places in sorted sequences, and how often values occur."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import dims_of, to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, convert_to_numpy, promoted
from nnseq.ops.creation import arange, ones_like, zeros
from nnseq.ops.elementwise import (
    equal,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    minimum,
    where,
)
from nnseq.ops.indexing import take
from nnseq.ops.layout import concatenate, expand_dims, ravel, reshape, take_slice
from nnseq.ops.reduction import max as max_of
from nnseq.ops.reduction import min as min_of
from nnseq.ops.running import size_of
from nnseq.ops.slices import sum_at

__all__ = [
    "bincount", "digitize", "histogram", "nonzero", "searchsorted", "unique", "unravel_index",
]  # fmt: skip


@operation
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """How many elements of a sorted vector lie below each value (`side="right"`: or are equal to
    it), int32; NaN is the largest number. Bisection: log2 of the vector's size steps.

    >>> searchsorted([1, 3, 5], [0, 3, 9]).tolist()
    [0, 1, 3]
    """
    if side not in ("left", "right"):
        raise ValueError(f"`side` must be 'left' or 'right'. Received: side={side!r}")
    sequence, wanted = promoted(sorted_sequence, values)
    if len(sequence.shape) != 1:
        raise ValueError(
            "`searchsorted` only supports 1-D sorted sequences. You can use "
            "`nnseq.ops.vectorized_map` to extend it to N-D sequences. Received: "
            f"sorted_sequence.shape={sequence.shape}"
        )
    size = size_of("searchsorted", sequence, 0)
    at_end = isnan(wanted) if is_float(wanted.dtype) else None

    def is_before(x: Tensor) -> Tensor:
        before = less(x, wanted) if side == "left" else less_equal(x, wanted)
        if at_end is None:
            return before
        also = logical_and(at_end, logical_not(isnan(x))) if side == "left" else at_end
        return logical_or(before, also)

    count = zeros(dims_of(wanted), "int32")
    for bit in reversed(range(size.bit_length())):
        more = count + 2**bit
        passed = is_before(take(sequence, minimum(more - 1, size - 1), 0))
        count = where(logical_and(more <= size, passed), more, count)
    return count


@operation
def digitize(x: Any, bins: Any) -> Tensor:
    """The number of the bin of each element, int32: how many of the increasing `bins` are not
    above it.

    >>> digitize([0.0, 1.0, 3.0, 1.6], [0.0, 3.0, 4.5, 7.0]).tolist()
    [1, 1, 2, 1]
    """
    edges = to_tensor(bins)
    if len(edges.shape) != 1:
        raise ValueError(f"`bins` must be a 1D array. Received: bins.shape={edges.shape}")
    return searchsorted(edges, x, side="right")


@operation
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each of 0, 1, 2, ... occurs in a vector (in each row of a matrix), or the sums of
    the `weights` there, in float32. The result has max(x) + 1 entries, at least `minlength`, so
    x may not be symbolic.

    >>> bincount([0, 2, 2]).tolist()
    [1, 0, 2]
    """
    if sparse:
        raise NotImplementedError("bincount: sparse Tensors are not supported")
    index = to_tensor(x)
    if is_float(index.dtype) or len(index.shape) not in (1, 2):
        raise ValueError(
            "bincount: `x` must be a vector or matrix of integers. Received: "
            f"x.shape={index.shape}, x.dtype={index.dtype}"
        )
    found = convert_to_numpy(index)
    if found.size and found.min() < 0:
        raise ValueError(f"bincount: `x` must not be negative. Received: {found.min()}")
    count = max(int(found.max(initial=-1)) + 1, int(minlength))
    rows = found.shape[0] if found.ndim == 2 else 1
    starts = np.arange(rows).reshape([-1] + [1] * (found.ndim - 1)) * count
    each = ones_like(index, "int32") if weights is None else to_tensor(weights)
    total = sum_at(ravel(as_type(index, "int64") + starts), ravel(each), rows * count)
    return reshape(total, [rows, count] if found.ndim == 2 else [count])


@operation
def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """How many elements of a vector lie in each of `bins` equal parts of `range` (of what lies
    between the smallest and the largest one), as floats, and the bins + 1 edges of the parts.

    >>> counts, edges = histogram([1.0, 2.0, 1.5, 5.0], bins=2)
    >>> counts.tolist(), edges.tolist()
    ([3.0, 1.0], [1.0, 3.0, 5.0])
    """
    if not isinstance(bins, int):
        raise TypeError(f"Argument `bins` must be of type `int`. Received: bins={bins}")
    if bins < 0:
        raise ValueError(f"Argument `bins` should be a non-negative integer. Received: bins={bins}")
    if range and (len(range) < 2 or not isinstance(range, tuple)):
        raise ValueError(
            f"Argument `range` must be a tuple of two elements. Received: range={range}"
        )
    if range and range[1] < range[0]:
        raise ValueError(
            f"The second element of `range` must be greater than the first. Received: range={range}"
        )
    values = as_float(x)
    if len(values.shape) > 1:
        raise ValueError(f"Input tensor must be 1-dimensional. Received: x.shape={values.shape}")
    low, high = range or (min_of(values), max_of(values))
    low, high = as_float(low), as_float(high)
    same = equal(low, high)
    low, high = where(same, low - 0.5, low), where(same, high + 0.5, high)
    parts = as_float(arange(bins)) / float(max(bins, 1))
    edges = concatenate([low * (1.0 - parts) + high * parts, expand_dims(high, 0)], 0)
    place = searchsorted(edges, values, side="right")
    place = where(equal(values, high), bins, place)
    total = sum_at(as_type(place, "int64"), ones_like(values), bins + 2)
    return take_slice(total, 0, 1, bins), edges


@operation
def nonzero(x: Any) -> tuple[Tensor, ...]:
    """The places of the elements that are not 0: of each axis the indices, int32. How many there
    are depends on the data, so x may not be symbolic.

    >>> [places.tolist() for places in nonzero([[0, 7], [8, 0]])]
    [[0, 1], [1, 0]]
    """
    places = np.nonzero(convert_to_numpy(x))
    return tuple(to_tensor(place.astype("int32")) for place in places)


@operation
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements of x (or parts along an axis), sorted, and as asked the index of the
    first of each, the place of each element of x among them, and how often each occurs. How many
    there are depends on the data, so x may not be symbolic.

    Args:
        x: a Tensor with values.
        sorted: has no effect.
        size: how many to return; what is missing is `fill_value`, by default the first, with count
            0 and the index of the first.

    >>> unique([3, 1, 3]).tolist()
    [1, 3]
    """
    array = convert_to_numpy(x)
    found = np.unique(array, True, True, True, axis, equal_nan=False)
    values, index, inverse, counts = (np.moveaxis(found[0], axis or 0, 0), *found[1:])
    if size is not None and size != len(values):
        missing = max(0, size - len(values))
        fill = values[:1] if fill_value is None else np.full_like(values[:1], fill_value)
        values = np.concatenate([values, *[fill] * missing])[:size]
        index = np.concatenate([index, *[index[:1]] * missing])[:size]
        counts = np.concatenate([counts, np.zeros(missing, counts.dtype)])[:size]
    asked = [
        (np.moveaxis(values, 0, axis or 0), True),
        (index.astype("int32"), return_index),
        (inverse.astype("int32"), return_inverse),
        (counts.astype("int32"), return_counts),
    ]
    results = tuple(to_tensor(result) for result, wanted in asked if wanted)
    return results if len(results) > 1 else results[0]


@operation
def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """The index along each axis of a Tensor of this shape for indices of its flat elements;
    negative ones count from the end.

    >>> [index.tolist() for index in unravel_index([1, 5], (2, 3))]
    [[0, 1], [1, 2]]
    """
    sizes = [int(n) for n in ([shape] if isinstance(shape, int) else shape)]
    index = to_tensor(indices)
    total = int(np.prod(sizes))
    index = minimum(where(index < -total, -total, index), total - 1)
    index = where(index < 0, index + total, index)
    parts = []
    for n in reversed(sizes):
        parts.append(index % n)
        index = index // n
    return tuple(reversed(parts))
