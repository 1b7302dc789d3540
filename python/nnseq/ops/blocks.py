"""Positions moved into channels and back, windows into columns, and axes by name."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.layout import pad, reshape, stack, take_slice, transpose
from nnseq.ops.positions import channel_axis

__all__ = ["rearrange"]  # the others come with nn


def _block(x: Any, block_size: int, name: str) -> Tensor:
    if block_size < 2:
        raise ValueError(f"`block_size` must be at least 2. Received: block_size={block_size}")
    x = to_tensor(x)
    if len(x.shape) != 4:
        raise ValueError(f"{name}: `x` must have 4 axes. Received: x.shape={x.shape}")
    return x


@operation
def depth_to_space(x: Any, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Channels as blocks of positions: (N, H, W, C) -> (N, H b, W b, C / b^2).

    >>> depth_to_space([[[[0, 1, 2, 3]]]], 2).tolist()
    [[[[0], [1]], [[2], [3]]]]
    """
    x, b = _block(x, block_size, "depth_to_space"), block_size
    if channel_axis(data_format) == -1:
        n, h, w, c = dims_of(x)
        parts = reshape(x, [n, h, w, b, b, c // b**2])
        return reshape(transpose(parts, [0, 1, 3, 2, 4, 5]), [n, h * b, w * b, c // b**2])
    n, c, h, w = dims_of(x)
    parts = reshape(x, [n, c // b**2, b, b, h, w])
    return reshape(transpose(parts, [0, 1, 4, 2, 5, 3]), [n, c // b**2, h * b, w * b])


@operation
def space_to_depth(x: Any, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Blocks of positions as channels: (N, H, W, C) -> (N, H / b, W / b, C b^2)."""
    x, b = _block(x, block_size, "space_to_depth"), block_size
    if channel_axis(data_format) == -1:
        n, h, w, c = dims_of(x)
        parts = reshape(x, [n, h // b, b, w // b, b, c])
        return reshape(transpose(parts, [0, 1, 3, 2, 4, 5]), [n, h // b, w // b, c * b**2])
    n, c, h, w = dims_of(x)
    parts = reshape(x, [n, c, h // b, b, w // b, b])
    return reshape(transpose(parts, [0, 1, 3, 5, 2, 4]), [n, c * b**2, h // b, w // b])


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _windows(size: Any, kernel: int, dilation: int, padding: int, stride: int) -> Any:
    """How many windows there are along an axis."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@operation
def unfold(
    x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The windows of images as columns: (N, C, H, W) -> (N, C kh kw, windows); each argument is a
    number or one for the height and one for the width.
    """
    x = to_tensor(x)
    if len(x.shape) != 4:
        raise ValueError(f"Input must be a 4D tensor. Received: input.shape={x.shape}")
    kernel, steps, each = _pair(kernel_size), _pair(dilation), _pair(stride)
    around = _pair(padding)
    n, c, *sizes = dims_of(x)
    count = [_windows(*given) for given in zip(sizes, kernel, steps, around, each, strict=True)]
    x = pad(x, [[0, 0], [0, 0], [around[0]] * 2, [around[1]] * 2])
    parts = []
    for i, j in itertools.product(range(kernel[0]), range(kernel[1])):
        rows = take_slice(x, 2, i * steps[0], count[0], each[0])
        parts.append(take_slice(rows, 3, j * steps[1], count[1], each[1]))
    return reshape(stack(parts, 2), [n, c * len(parts), count[0] * count[1]])


@operation
def fold(
    x: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """The sums of windows put back in their places, the transpose of `unfold`:
    (N, C kh kw, windows) -> (N, C, H, W) with (H, W) = `output_size`.
    """
    x = to_tensor(x)
    if len(x.shape) != 3:
        raise ValueError(f"Input must be a 3D tensor. Received: input.shape={x.shape}")
    size, kernel, steps = _pair(output_size), _pair(kernel_size), _pair(dilation)
    around, each = _pair(padding), _pair(stride)
    count = [_windows(*given) for given in zip(size, kernel, steps, around, each, strict=True)]
    n, columns, _ = dims_of(x)
    parts = reshape(x, [n, columns // math.prod(kernel), math.prod(kernel), *count])
    total: Any = None
    for k, (i, j) in enumerate(itertools.product(range(kernel[0]), range(kernel[1]))):
        part = take_slice(parts, 2, k, 1)
        part = reshape(part, [n, columns // math.prod(kernel), *count])
        low = [i * steps[0], j * steps[1]]
        high = [
            s + 2 * p - first - (m - 1) * e - 1
            for s, p, first, m, e in zip(size, around, low, count, each, strict=True)
        ]
        attrs = {"low": [0, 0, *low], "high": [0, 0, *high], "value": 0.0,
                 "interior": [0, 0, each[0] - 1, each[1] - 1]}  # fmt: skip
        placed = apply("pad", [part], attrs)
        total = placed if total is None else total + placed
    total = take_slice(total, 2, around[0], size[0])
    return take_slice(total, 3, around[1], size[1])


def _groups(side: str, pattern: str) -> list[list[str]]:
    """The axes of one side of a pattern: "b (h w)" is [["b"], ["h", "w"]]."""
    words = re.findall(r"\([^()]*\)|[^\s()]+", side)
    groups = [word.strip("()").split() for word in words]
    names = [name for group in groups for name in group]
    if len(set(names)) != len(names) or not all(name.isidentifier() for name in names):
        raise ValueError(f"rearrange: each axis of {side!r} in {pattern!r} needs a name of its own")
    return groups


@operation
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """The axes in another order, cut up and joined as a pattern of names says.

    Args:
        tensor: a Tensor.
        pattern: the axes before and after, as in "b (h p) w -> b h (w p)"; those in parentheses
            are one axis of the Tensor.
        axes_lengths: sizes of the names; of each parenthesis one may be left out.

    >>> rearrange([0, 1, 2, 3, 4, 5], "(a b) -> b a", a=2).tolist()
    [[0, 3], [1, 4], [2, 5]]

    Raises:
        ValueError: if the pattern does not fit the Tensor.
    """
    x = to_tensor(tensor)
    left, arrow, right = pattern.partition("->")
    before, after = _groups(left, pattern), _groups(right, pattern)
    names = [name for group in before for name in group]
    if not arrow or sorted(names) != sorted(name for group in after for name in group):
        raise ValueError(f"rearrange: both sides of {pattern!r} must name the same axes")
    if len(before) != len(x.shape):
        raise ValueError(f"rearrange: {pattern!r} has {len(before)} axes, the Tensor {x.shape}")
    sizes: dict[str, Any] = dict(axes_lengths)
    for group, dim in zip(before, dims_of(x), strict=True):
        unknown = [name for name in group if name not in sizes]
        known = math.prod(sizes[name] for name in group if name in sizes)
        if len(unknown) > 1 or (isinstance(dim, int) and known and dim % known):
            raise ValueError(
                f"rearrange: {' '.join(group)} in {pattern!r} does not give the axis of size {dim}"
            )
        if unknown:
            sizes[unknown[0]] = dim // known
    order = [names.index(name) for group in after for name in group]
    x = transpose(reshape(x, [sizes[name] for name in names]), order)
    return reshape(x, [math.prod((sizes[name] for name in group), start=1) for group in after])
