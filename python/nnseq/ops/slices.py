"""Parts of Tensors that are read, replaced or summed by their place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_type, axis_of, promoted, sizes_of
from nnseq.ops.creation import arange
from nnseq.ops.elementwise import where
from nnseq.ops.indexing import getitem, one_hot
from nnseq.ops.layout import reshape, transpose

__all__ = [
    "dtype", "get_item", "isin", "multi_hot", "ndim", "scatter", "scatter_update", "size",
    "slice", "slice_update",
]  # fmt: skip


def get_item(x: Any, key: Any) -> Tensor:
    """x[key], see Tensor; a list, as files hold it, is a tuple.

    >>> get_item([[1, 2], [3, 4]], (0, ...)).tolist()
    [1, 2]
    """
    return getitem(x, tuple(key) if isinstance(key, list) else key)


@operation
def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """The part of this shape that begins at `start_indices`; a size of -1 goes to the end.

    >>> slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
    [[2, 3], [5, 6]]
    """
    x = to_tensor(inputs)
    begin, sizes = sizes_of(start_indices), sizes_of(shape)
    if not len(begin) == len(sizes) == len(x.shape):
        raise ValueError(
            f"slice: `start_indices` {begin} and `shape` {sizes} need one number for each axis of "
            f"{x.shape}"
        )
    dims = dims_of(x)
    sizes = [d - b if isinstance(s, int) and s == -1 else s
             for s, b, d in zip(sizes, begin, dims, strict=True)]  # fmt: skip
    return apply("slice", [x], {"begin": begin, "sizes": sizes, "step": [1] * len(sizes)})


@operation
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """`inputs` with the part that begins at `start_indices` replaced by `updates`.

    >>> slice_update([1, 2, 3, 4], [1], [8, 9]).tolist()
    [1, 8, 9, 4]
    """
    x = to_tensor(inputs)
    new = as_type(to_tensor(updates), x.dtype)
    begin = sizes_of(start_indices)
    if not len(begin) == len(new.shape) == len(x.shape):
        raise ValueError(
            f"slice_update: `start_indices` {begin} and `updates` {new.shape} need one number for "
            f"each axis of {x.shape}"
        )
    low = [int(b) for b in begin]
    high = [d - b - s for d, b, s in zip(dims_of(x), low, dims_of(new), strict=True)]
    widths = {"low": low, "high": high, "interior": [0] * len(low), "value": 0.0}
    ones = apply("broadcast", [to_tensor(np.ones((), bool))], {"sizes": list(dims_of(new))})
    return where(apply("pad", [ones], widths), apply("pad", [new], widths), x)


def _flat_places(indices: Any, shape: Sequence[Any]) -> tuple[Tensor, int]:
    """The place of each row of `indices` (..., d) in the flat first d axes, and their number."""
    index = as_type(to_tensor(indices), "int64")
    depth = index.shape[-1]
    if depth is None or depth > len(shape):
        raise ValueError(f"indices {index.shape} have more columns than the {len(shape)} axes")
    strides = [math.prod(shape[k + 1 : depth]) for k in range(depth)]
    place = index[..., 0] * strides[0]
    for k in range(1, depth):
        place = place + index[..., k] * strides[k]
    return reshape(place, [-1]), depth


def sum_at(place: Tensor, rows: Tensor, size: int) -> Tensor:
    """Zeros of `size` rows with each of `rows` added at its place, in float32."""
    total = apply("scatter_add", [as_type(rows, "float32"), place], {"axis": 0, "size": size})
    return as_type(total, rows.dtype)


@operation
def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros of this shape with `values` added at `indices` (n, d), which count its first d axes.

    >>> scatter([[0], [2], [2]], [1.0, 2.0, 3.0], (4,)).tolist()
    [1.0, 0.0, 5.0, 0.0]
    """
    sizes = [int(n) for n in sizes_of(shape)]
    place, depth = _flat_places(indices, sizes)
    rows = reshape(to_tensor(values), [-1, *sizes[depth:]])
    return reshape(sum_at(place, rows, math.prod(sizes[:depth])), sizes)


@operation
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """`inputs` with `updates` put (or added, `reduction="add"`) at `indices` (n, d).

    An index that comes twice takes the last update.

    >>> scatter_update([1.0, 2.0, 3.0], [[1]], [9.0]).tolist()
    [1.0, 9.0, 3.0]

    Raises:
        NotImplementedError: for reductions other than None and "add".
    """
    x = to_tensor(inputs)
    sizes = [int(n) for n in dims_of(x)]
    place, depth = _flat_places(indices, sizes)
    count = math.prod(sizes[:depth])
    new = reshape(as_type(to_tensor(updates), x.dtype), [-1, *sizes[depth:]])
    if reduction == "add":
        return x + reshape(sum_at(place, new, count), sizes)
    if reduction is not None:
        raise NotImplementedError(
            f'scatter_update: reduction={reduction!r} is not supported; use None or "add"'
        )
    # For each place the number of the last update that goes there, -1 without one.
    hits = reshape(place, [-1, 1]) == arange(count, dtype="int64")
    numbers = reshape(arange(dims_of(new)[0]), [-1, 1])
    last = apply(
        "reduce", [where(hits, numbers, -1)], {"fn": "max", "axes": [0], "keepdims": False}
    )
    chosen = apply("gather", [new, where(last < 0, 0, last)], {"axis": 0})
    rows = reshape(x, [count, *sizes[depth:]])
    keep = reshape(last < 0, [count] + [1] * (len(sizes) - depth))
    return reshape(where(keep, rows, chosen), sizes)


@operation
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
) -> Tensor:
    """1 at each class that stands in a row of `inputs` (..., n), 0 elsewhere: (..., num_classes).

    >>> multi_hot([[0, 2]], num_classes=3).tolist()
    [[1.0, 0.0, 1.0]]
    """
    if num_classes is None:
        raise ValueError("Argument `num_classes` must be provided when using `multi_hot`.")
    hot = one_hot(inputs, num_classes, dtype=dtype, sparse=sparse)
    rank = len(to_tensor(inputs).shape)
    if rank > 0:
        hot = apply("reduce", [hot], {"fn": "max", "axes": [rank - 1], "keepdims": False})
    rank = len(hot.shape)
    place = axis_of(axis, rank)
    order = list(range(rank - 1))
    order.insert(place, rank - 1)
    return hot if place == rank - 1 else transpose(hot, order)


@operation
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of x1 is an element of x2, bool; each is compared with each.

    >>> isin([1, 2, 3], [3, 1]).tolist()
    [True, False, True]
    """
    a, b = promoted(x1, x2)
    found = reshape(a, [*dims_of(a), 1]) == reshape(b, [-1])
    flags = apply(
        "reduce",
        [as_type(found, "int32")],
        {"fn": "max", "axes": [len(a.shape)], "keepdims": False},
    )
    return flags == 0 if invert else flags > 0


def size(x: Any) -> Any:
    """How many elements x has; a host integer in a trace with unknown dims."""
    count: Any = 1
    for dim in dims_of(to_tensor(x)):
        count = count * dim
    return count


def ndim(x: Any) -> int:
    """How many axes x has."""
    return len(to_tensor(x).shape)


def dtype(x: Any) -> str:
    """The name of the type of x's elements."""
    return to_tensor(x).dtype
