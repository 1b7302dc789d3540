"""Shapes and the order of elements."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.host import HostInt
from nnseq.engine.operation import operation
from nnseq.engine.operators import UnknownDimError, operators
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import axes_of, axis_of, promoted, sizes_of

__all__ = [
    "broadcast_to", "concatenate", "expand_dims", "flip", "hstack", "moveaxis", "pad", "ravel",
    "repeat", "reshape", "roll", "split", "squeeze", "stack", "swapaxes", "tile", "transpose",
    "unstack", "vstack",
]  # fmt: skip


@operation
def reshape(x: Any, newshape: Any) -> Tensor:
    """The same elements in another shape; one size may be -1.

    >>> reshape([1, 2, 3, 4], (2, -1)).tolist()
    [[1, 2], [3, 4]]
    """
    x = to_tensor(x)
    if isinstance(newshape, (list, tuple)) and None in newshape:
        newshape = [-1 if size is None else size for size in newshape]
    return apply("reshape", [x], {"sizes": sizes_of(newshape)})


@operation
def ravel(x: Any) -> Tensor:
    """All elements in one dimension."""
    return apply("reshape", [to_tensor(x)], {"sizes": [-1]})


@operation
def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order, reversed by default.

    >>> transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    x = to_tensor(x)
    rank = len(x.shape)
    order = list(range(rank))[::-1] if axes is None else [axis_of(a, rank) for a in axes]
    if sorted(order) != list(range(rank)):
        raise ValueError(f"transpose: axes {axes} are not an order of {rank} axes")
    return x if order == list(range(rank)) else apply("transpose", [x], {"axes": order})


@operation
def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places, the rest in order."""
    x = to_tensor(x)
    rank = len(x.shape)
    start = [axis_of(a, rank) for a in (source if isinstance(source, (list, tuple)) else [source])]
    ends = destination if isinstance(destination, (list, tuple)) else [destination]
    order = [a for a in range(rank) if a not in start]
    for end, axis in sorted(zip([axis_of(a, rank) for a in ends], start, strict=True)):
        order.insert(end, axis)
    return transpose(x, order)


@operation
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    x = to_tensor(x)
    order = list(range(len(x.shape)))
    a, b = axis_of(axis1, len(order)), axis_of(axis2, len(order))
    order[a], order[b] = b, a
    return transpose(x, order)


@operation
def expand_dims(x: Any, axis: Any) -> Tensor:
    """New axes of size 1 at these places of the result.

    >>> expand_dims([1, 2], -1).shape
    (2, 1)
    """
    x = to_tensor(x)
    new = axis if isinstance(axis, (list, tuple)) else [axis]
    places = axes_of(list(new), len(x.shape) + len(new))
    sizes: list[Any] = list(dims_of(x))
    for place in places:
        sizes.insert(place, 1)
    return apply("reshape", [x], {"sizes": sizes})


@operation
def squeeze(x: Any, axis: Any = None) -> Tensor:
    """Axes of size 1 removed: these, or all.

    Raises:
        ValueError: if an axis to remove is not of size 1.
    """
    x = to_tensor(x)
    if axis is None:
        axes = [i for i, size in enumerate(x.shape) if size == 1]
    else:
        axes = axes_of(axis, len(x.shape))
    wrong = [i for i in axes if x.shape[i] not in (1, None)]
    if wrong:
        raise ValueError(f"squeeze: axis {wrong[0]} of a Tensor of shape {x.shape} is not 1")
    sizes = [size for i, size in enumerate(dims_of(x)) if i not in axes]
    return apply("reshape", [x], {"sizes": sizes})


@operation
def concatenate(xs: Sequence[Any], axis: int = -1) -> Tensor:
    """Tensors joined along an axis they have; the other dims are equal.

    >>> concatenate([[1, 2], [3]], axis=0).tolist()
    [1, 2, 3]
    """
    tensors = promoted(*xs)
    axis = axis_of(axis, len(tensors[0].shape))
    return tensors[0] if len(tensors) == 1 else apply("concat", tensors, {"axis": axis})


@operation
def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    tensors = promoted(*x)
    return concatenate([expand_dims(t, axis) for t in tensors], axis)


def hstack(xs: Sequence[Any]) -> Tensor:
    """Joined along the second axis, the first for vectors."""
    first = xs[0] if hasattr(xs[0], "shape") else to_tensor(xs[0])
    return concatenate(xs, axis=0 if len(first.shape) == 1 else 1)


def vstack(xs: Sequence[Any]) -> Tensor:
    """Joined along the first axis; vectors are rows."""
    first = xs[0] if hasattr(xs[0], "shape") else to_tensor(xs[0])
    return stack(xs) if len(first.shape) == 1 else concatenate(xs, axis=0)


def take_slice(x: Tensor, axis: int, begin: Any, size: Any, step: int = 1) -> Tensor:
    """`size` entries of an axis from `begin` on, every `step`-th."""
    dims = list(dims_of(x))
    begins: list[Any] = [0] * len(dims)
    steps = [1] * len(dims)
    begins[axis], dims[axis], steps[axis] = begin, size, step
    return apply("slice", [x], {"begin": begins, "sizes": dims, "step": steps})


@operation
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Parts along an axis: this many equal ones, or cut at these indices.

    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]

    Raises:
        ValueError: if the axis cannot be divided equally.
    """
    x = to_tensor(x)
    axis = axis_of(axis, len(x.shape))
    size = dims_of(x)[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        if isinstance(size, int) and size % count:
            raise ValueError(
                f"split: axis {axis} of a Tensor of shape {x.shape} cannot be cut into {count} "
                "equal parts"
            )
        part = size // count
        return [take_slice(x, axis, i * part, part) for i in range(count)]
    cuts = [0, *(int(i) for i in indices_or_sections), size]
    return [take_slice(x, axis, a, b - a) for a, b in itertools.pairwise(cuts)]


@operation
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The entries of an axis as a list."""
    x = to_tensor(x)
    axis = axis_of(axis, len(x.shape))
    count = num if num is not None else x.shape[axis]
    if count is None:
        raise UnknownDimError(f"unstack: axis {axis} of shape {x.shape} is unknown")
    return [squeeze(take_slice(x, axis, i, 1), axis) for i in range(count)]


@operation
def broadcast_to(x: Any, shape: Any) -> Tensor:
    """x repeated along new axes and axes of size 1 to this shape."""
    return apply("broadcast", [to_tensor(x)], {"sizes": sizes_of(shape)})


@operation
def tile(x: Any, repeats: Any) -> Tensor:
    """The whole of x side by side `repeats[i]` times along each axis.

    >>> tile([1, 2], 2).tolist()
    [1, 2, 1, 2]
    """
    x = to_tensor(x)
    counts = sizes_of(repeats)
    dims = list(dims_of(x))
    counts = [1] * (len(dims) - len(counts)) + counts
    dims = [1] * (len(counts) - len(dims)) + dims
    # (a, b) -> (1, a, 1, b) -> (m, a, n, b) -> (m a, n b)
    apart = [size for dim in dims for size in (1, dim)]
    wide = [size for pair in zip(counts, dims, strict=True) for size in pair]
    joined = [count * dim for count, dim in zip(counts, dims, strict=True)]
    return reshape(broadcast_to(reshape(x, apart), wide), joined)


@operation
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each entry of an axis `repeats` times in a row; the elements of the flat x without axis.

    >>> repeat([1, 2], 2).tolist()
    [1, 1, 2, 2]
    """
    x = to_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(axis, len(x.shape))
    if not isinstance(repeats, (int, np.integer, HostInt)):
        counts = sizes_of(repeats)
        if len(counts) > 1:
            index = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
            return apply("gather", [x, to_tensor(index)], {"axis": axis})
        repeats = counts[0]
    dims = list(dims_of(x))
    apart, wide, joined = [*dims], [*dims], [*dims]
    apart.insert(axis + 1, 1)
    wide.insert(axis + 1, repeats)
    joined[axis] = dims[axis] * repeats
    return reshape(broadcast_to(reshape(x, apart), wide), joined)


@operation
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    """x with `pad_width[i] = (before, after)` entries added along axis i.

    Args:
        x: a Tensor.
        pad_width: an int for all sides, a pair for all axes, or a pair per axis.
        mode: "constant", "reflect", "symmetric" or "edge".
        constant_values: what to fill in with "constant", 0 by default.

    >>> pad([1, 2], 1).tolist()
    [0, 1, 2, 0]
    """
    x = to_tensor(x)
    rank = len(x.shape)
    widths = np.broadcast_to(np.asarray(pad_width, np.int64), (rank, 2)).tolist()
    if mode != "constant":
        return _pad_by_index(x, widths, mode)
    attrs = {
        "low": [w[0] for w in widths],
        "high": [w[1] for w in widths],
        "interior": [0] * rank,
        "value": float(0 if constant_values is None else constant_values),
    }
    return apply("pad", [x], attrs)


def _pad_by_index(x: Tensor, widths: list[list[int]], mode: str) -> Tensor:
    if mode not in ("reflect", "symmetric", "edge"):
        raise ValueError(f"pad: unknown mode {mode!r}; use constant, reflect, symmetric or edge")
    for axis, (low, high) in enumerate(widths):
        if low == high == 0:
            continue
        size = x.shape[axis]
        if size is None:
            raise UnknownDimError(f"pad: mode {mode!r} needs to know axis {axis} of {x.shape}")
        index = np.pad(np.arange(size, dtype=np.int32), (low, high), mode=mode)  # type: ignore[call-overload]
        x = apply("gather", [x, to_tensor(index)], {"axis": axis})
    return x


@operation
def flip(x: Any, axis: Any = None) -> Tensor:
    """The entries of these axes (all by default) in reverse order."""
    x = to_tensor(x)
    return apply("reverse", [x], {"axes": axes_of(axis, len(x.shape))})


@operation
def roll(x: Any, shift: int, axis: int | None = None) -> Tensor:
    """Entries moved by `shift` along an axis; those that fall off come in at the other end."""
    x = to_tensor(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), dims_of(x))
    axis = axis_of(axis, len(x.shape))
    size = dims_of(x)[axis]
    cut = (-shift) % size
    if isinstance(cut, int) and cut == 0:
        return x
    parts = [take_slice(x, axis, cut, size - cut), take_slice(x, axis, 0, cut)]
    return concatenate(parts, axis)


operators.update(reshape=reshape, transpose=transpose)
