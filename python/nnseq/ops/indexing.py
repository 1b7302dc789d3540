"""Indexing with numbers, slices and Tensors of indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.host import HostInt
from nnseq.engine.operation import operation
from nnseq.engine.operators import UnknownDimError, operators
from nnseq.engine.tensor import Tensor, is_tensor
from nnseq.ops.core import as_type, axis_of
from nnseq.ops.elementwise import where
from nnseq.ops.layout import reshape, transpose

__all__ = ["take", "take_along_axis"]


def _index_tensor(indices: Any) -> Tensor:
    x = to_tensor(indices)
    if x.dtype in ("float32", "float64", "bool"):
        raise TypeError(f"indices must be integers; got {x.dtype}")
    return x if x.dtype in ("int32", "int64") else as_type(x, "int32")


@operation
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Entries of an axis by index (of the flat x without axis); negative ones count from the end.

    Args:
        x: a Tensor.
        indices: integers of any shape; checked when the operation runs.
        axis: replaced in the result by the axes of `indices`.

    Raises:
        ValueError: if an index is out of range.

    >>> take([[1, 2], [3, 4]], [1, 0, 1], axis=0).tolist()
    [[3, 4], [1, 2], [3, 4]]
    """
    x = to_tensor(x)
    if axis is None:
        x, axis = reshape(x, [-1]), 0
    axis = axis_of(axis, len(x.shape))
    if isinstance(indices, (list, tuple, int)):
        indices = np.asarray(indices)
    if isinstance(indices, np.ndarray) and indices.size and indices.min() < 0:
        size = x.shape[axis]
        if size is None:
            raise UnknownDimError(f"take: negative indices of an axis of unknown size in {x.shape}")
        indices = np.where(indices < 0, indices + size, indices)
    return apply("gather", [x, _index_tensor(indices)], {"axis": axis})


@operation
def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Tensor:
    """result[i, j, k] = x[i, indices[i, j, k], k] for axis 1, and so on.

    The other dims of `indices` are those of x.
    """
    x, index = to_tensor(x), as_type(_index_tensor(indices), "int64")
    rank = len(x.shape)
    axis = axis_of(axis, rank)
    if len(index.shape) != rank:
        raise ValueError(f"take_along_axis: indices {index.shape} need the rank of x {x.shape}")
    order = [a for a in range(rank) if a != axis] + [axis]
    back = [order.index(a) for a in range(rank)]
    x, index = transpose(x, order), transpose(index, order)
    size, picks = dims_of(x)[-1], dims_of(index)
    rows: Any = 1
    for dim in picks[:-1]:
        rows = rows * dim
    start = apply("iota", [], {"sizes": [rows], "start": 0, "step": 1, "dtype": "int64"})
    start = reshape(start * size, [*picks[:-1], 1])
    index = where(index < 0, index + size, index) + start
    return transpose(apply("gather", [reshape(x, [-1]), index], {"axis": 0}), back)


@operation
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """1 at the place of each index of a new axis of size `num_classes`, 0 elsewhere.

    An index that is not one of the classes gives zeros.

    >>> one_hot([0, 2], 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if sparse:
        raise NotImplementedError("one_hot: sparse Tensors are not supported")
    index = _index_tensor(x)
    result = apply("one_hot", [index], {"depth": int(num_classes)})
    rank = len(result.shape)
    axis = axis_of(axis, rank)
    if axis != rank - 1:
        order = list(range(rank - 1))
        order.insert(axis, rank - 1)
        result = transpose(result, order)
    return as_type(result, standardize_dtype(dtype))


def _bounds(piece: slice, size: Any) -> tuple[Any, Any, int]:
    """begin, count and step of a slice of an axis; a HostInt size only with simple bounds."""
    if not isinstance(size, HostInt) and not any(
        isinstance(b, HostInt) for b in (piece.start, piece.stop)
    ):
        begin, end, step = slice(
            *(None if b is None else int(b) for b in (piece.start, piece.stop, piece.step))
        ).indices(size)
        return begin, len(range(begin, end, step)), step
    step = 1 if piece.step is None else int(piece.step)
    if step < 0:
        if piece.start is None and piece.stop is None:
            return size - 1, (size - 1) // -step + 1, step
        raise UnknownDimError("a backward slice with bounds of an axis whose size is unknown")
    begin, end = piece.start, piece.stop
    begin = 0 if begin is None else begin
    end = size if end is None else end
    begin = size + begin if isinstance(begin, int) and begin < 0 else begin
    end = size + end if isinstance(end, int) and end < 0 else end
    return begin, (end - begin + (step - 1)) // step, step


@operation
def getitem(x: Any, key: Any) -> Tensor:
    """x[key] for ints, slices, Ellipsis, None and one Tensor of indices.

    >>> getitem(np.arange(4.0), slice(None, None, -1)).tolist()
    [3.0, 2.0, 1.0, 0.0]
    """
    x = to_tensor(x)
    pieces = list(key) if isinstance(key, tuple) else [key]
    given = sum(1 for p in pieces if p is not None and p is not Ellipsis)
    if given > len(x.shape):
        raise IndexError(f"{given} indices for a Tensor of {len(x.shape)} dimensions")
    fill: list[Any] = [slice(None)] * (len(x.shape) - given)
    where_dots = [i for i, p in enumerate(pieces) if p is Ellipsis]
    at = where_dots[0] if where_dots else len(pieces)
    pieces[at : at + 1] = fill
    return _indexed(x, pieces)


def _indexed(x: Tensor, pieces: list[Any]) -> Tensor:
    dims = list(dims_of(x))
    begins, sizes, steps = [], [], []
    shape: list[Any] = []  # of the result, before gathering
    backwards: list[int] = []
    gathers: list[tuple[int, Any]] = []
    axis = 0
    for piece in pieces:
        if piece is None:
            shape.append(1)
            continue
        size = dims[axis]
        if isinstance(piece, slice):
            begin, count, step = _bounds(piece, size)
            if step < 0:
                # The forward slice that ends where the backward one begins.
                begin, step = begin + (count - 1) * step, -step
                backwards.append(axis)
            begins.append(0 if isinstance(count, int) and count == 0 else begin)
            sizes.append(count)
            steps.append(step)
            shape.append(count)
        elif _is_single(piece):
            begins.append(_single(piece, size, axis, x))
            sizes.append(1)
            steps.append(1)
        else:
            begins.append(0)
            sizes.append(size)
            steps.append(1)
            gathers.append((len(shape), piece))
            shape.append(size)
        axis += 1
    if any(not _same(a, b) for a, b in zip(sizes, dims, strict=True)) or any(s != 1 for s in steps):
        x = apply("slice", [x], {"begin": begins, "sizes": sizes, "step": steps})
    if backwards:
        x = apply("reverse", [x], {"axes": backwards})
    if len(shape) != len(dims) or any(p is None for p in pieces):
        x = apply("reshape", [x], {"sizes": shape})
    if len(gathers) > 1:
        raise NotImplementedError("indexing with more than one Tensor; use ops.take_along_axis")
    for place, index in gathers:
        x = take(x, index, axis=place)
    return x


def _same(a: Any, b: Any) -> bool:
    return a is b if isinstance(a, HostInt) or isinstance(b, HostInt) else a == b


def _is_single(piece: Any) -> bool:
    if isinstance(piece, (bool, np.bool_)):
        raise NotImplementedError("boolean masks as indices have data-dependent shapes")
    return isinstance(piece, (int, np.integer, HostInt)) or (
        isinstance(piece, Tensor) and piece._core is not None and piece.shape == ()
    )


def _single(piece: Any, size: Any, axis: int, x: Tensor) -> Any:
    if isinstance(piece, HostInt):
        return piece
    index = int(piece)
    if isinstance(size, HostInt):
        return size + index if index < 0 else index
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for axis {axis} of shape {x.shape}")
    return index % size


def _getitem(x: Any, key: Any) -> Any:
    if not isinstance(key, tuple) and is_tensor(key) and getattr(key, "dtype", "") == "bool":
        raise NotImplementedError("boolean masks as indices have data-dependent shapes; use where")
    return getitem(x, key)


operators["getitem"] = _getitem
