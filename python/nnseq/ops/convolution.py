"""Convolution over steps, images and volumes.

The core convolves images. Steps are images of one row. In a volume, what a window sees along the
depth is taken for channels of its planes, which are images; so one product sums over the whole
window. The transposed convolution spreads along the depth what that takes together.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from nnseq.engine.dispatch import apply, dims_of
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, promoted, sizes_of
from nnseq.ops.elementwise import add
from nnseq.ops.layout import concatenate, pad, reshape, split, transpose
from nnseq.ops.positions import (
    as_planes,
    as_volumes,
    check_padding,
    in_channels_last,
    numbers,
    positions_of,
    with_height,
    without_height,
)


@operation
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Convolution in one to three dimensions, with groups where the kernel has fewer channels.

    Args:
        inputs: (N, T, C), (N, H, W, C) or (N, D, H, W, C).
        kernel: (k, C / groups, F), (kh, kw, C / groups, F) or (kd, kh, kw, C / groups, F).
        strides, dilation_rate: an int or one per dimension; only one of them above 1.
        padding: "valid", "same" or, in one dimension, "causal".
        data_format: "channels_last" or "channels_first"; None is that of `nnseq.config`.

    Returns:
        (N, T', F), (N, H', W', F) or (N, D', H', W', F).

    >>> from nnseq import ops
    >>> ops.conv(ops.ones((1, 4, 4, 1)), ops.ones((3, 3, 1, 2))).shape
    (1, 2, 2, 2)
    """

    def convolved(x: Tensor) -> Tensor:
        return _conv(x, kernel, strides, padding, dilation_rate)

    return in_channels_last(convolved, as_float(inputs), data_format)


def _conv(inputs: Tensor, kernel: Any, strides: Any, padding: str, dilation_rate: Any) -> Tensor:
    x, rank = positions_of(inputs, "conv")
    x, w = promoted(x, kernel)
    stride = numbers(strides, rank, "strides")
    dilation = numbers(dilation_rate, rank, "dilation_rate")
    if len(w.shape) != rank + 2:
        raise ValueError(f"conv: kernel {w.shape} must have {rank + 2} dimensions as {x.shape}")
    channels, per_group = x.shape[-1], w.shape[-2]
    if channels is None or per_group is None or channels % per_group:
        raise ValueError(
            f"conv: the kernel {w.shape} takes {per_group} channels, the input {x.shape} has "
            f"{channels}"
        )
    if max(stride) > 1 and max(dilation) > 1:
        raise ValueError(f"conv: strides {strides} and dilation_rate {dilation_rate} exceed 1")
    check_padding(padding, "causal")
    groups, pads = channels // per_group, []
    if padding == "causal":
        if rank != 1:
            raise ValueError("conv: padding 'causal' needs one dimension")
        padding, pads = "explicit", [0, 0, dilation[0] * (int(w.shape[0] or 0) - 1), 0]
    if rank == 1:
        x, w = with_height(x), reshape(w, (1, *dims_of(w)))
        stride, dilation = [1, *stride], [1, *dilation]
    if rank == 3:
        taps = int(w.shape[0] or 0)
        x = _depth_in_channels(x, taps, stride.pop(0), dilation.pop(0), padding, groups)
        w, depth = _flat_kernel(w), dims_of(x)[1]
        x = as_planes(x)
    attrs = {"strides": stride, "dilation": dilation, "padding": padding, "pads": pads}
    y = apply("conv2d", [x, w], {**attrs, "groups": groups})
    return without_height(y) if rank == 1 else as_volumes(y, depth) if rank == 3 else y


def _depth_in_channels(
    x: Tensor, taps: int, stride: int, dilation: int, padding: str, groups: int
) -> Tensor:
    """(N, D, H, W, C) -> (N, D', H, W, taps * C): in each group its channels at tap 0, tap 1..."""
    extent = (taps - 1) * dilation + 1
    depth = dims_of(x)[1]
    if padding == "same":
        missing = extent - 1 if stride == 1 else max(0, extent - 1 - (depth - 1) % stride)
        x = pad(x, ((0, 0), (missing // 2, missing - missing // 2), (0, 0), (0, 0), (0, 0)))
        depth = depth + missing
    if isinstance(depth, int) and depth < extent:
        raise ValueError(
            f"Computed output size would be zero or negative: size {depth} on axis 1, window "
            f"{extent}"
        )
    batch, _, *plane, channels = dims_of(x)
    sizes = (batch, (depth - extent) // stride + 1, *plane)
    seen = []
    for tap in range(taps):
        places = {"begin": [0, tap * dilation, 0, 0, 0], "step": [1, stride, 1, 1, 1]}
        row = apply("slice", [x], {"sizes": sizes_of((*sizes, channels)), **places})
        seen.append(reshape(row, (*sizes, groups, channels // groups)))
    return reshape(concatenate(seen, -1), (*sizes, taps * channels))


def _flat_kernel(w: Tensor) -> Tensor:
    """(kd, kh, kw, I, O) -> (kh, kw, kd * I, O)."""
    taps, *window, inputs, outputs = dims_of(w)
    return reshape(transpose(w, (1, 2, 0, 3, 4)), (*window, taps * inputs, outputs))


@operation
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Each channel convolved on its own: kernel (kh, kw, C, M) gives C * M channels."""
    w = as_float(kernel)
    *window, channels, multiplier = w.shape
    w = reshape(w, (*window, 1, int(channels or 0) * int(multiplier or 0)))
    return conv(inputs, w, strides, padding, data_format, dilation_rate)


@operation
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A depthwise convolution followed by one with a (1, 1, C * M, F) kernel."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, data_format=data_format)


@operation
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """The gradient of a convolution by its input: (N, H, W, C) -> (N, H', W', F).

    Args:
        inputs: (N, T, C), (N, H, W, C) or (N, D, H, W, C).
        kernel: (k, F, C), (kh, kw, F, C) or (kd, kh, kw, F, C).
        strides, dilation_rate: an int or one per dimension; only one of them above 1.
        padding: "valid": H' = (H - 1) * stride + max(extent, stride), where extent is
            (kh - 1) * dilation + 1; "same": H' = H * stride.
        output_padding: sets H' instead: (H - 1) * stride + output_padding, plus extent for
            "valid", extent % 2 for "same".
        data_format: "channels_last" or "channels_first"; None is that of `nnseq.config`.

    >>> from nnseq import ops
    >>> ops.conv_transpose(ops.ones((1, 2, 2, 1)), ops.ones((3, 3, 4, 1)), 2, "same").shape
    (1, 4, 4, 4)
    """

    def convolved(x: Tensor) -> Tensor:
        return _conv_transpose(x, kernel, strides, padding, output_padding, dilation_rate)

    return in_channels_last(convolved, as_float(inputs), data_format)


class _Axis(NamedTuple):
    """A window along an axis of a transposed convolution. Of n entries it makes
    (n - 1) * stride + added, the input of a convolution with zeros before and after it."""

    taps: int = 1
    stride: int = 1
    dilation: int = 1
    added: int = 1
    before: int = 0
    after: int = 0


def _transposed_axis(
    taps: int, stride: int, dilation: int, padding: str, extra: int | None
) -> _Axis:
    extent = (taps - 1) * dilation + 1
    if padding == "valid":
        added = max(extent, stride) if extra is None else extent + extra
        return _Axis(taps, stride, dilation, added)
    added = stride if extra is None else extent % 2 + extra
    total = added + extent - 2  # zeros around x with stride - 1 zeros between its rows
    left = min((total + 1) // 2, extent - 1)
    after = max(extent - 1 - (total - left), 0)
    return _Axis(taps, stride, dilation, added, extent - 1 - left, after)


def _conv_transpose(
    inputs: Tensor, kernel: Any, strides: Any, padding: str, output_padding: Any, dilation_rate: Any
) -> Tensor:
    check_padding(padding)
    x, rank = positions_of(inputs, "conv_transpose")
    x, w = promoted(x, kernel)
    if len(w.shape) != rank + 2 or x.shape[-1] != w.shape[-1]:
        raise ValueError(f"conv_transpose: kernel {w.shape} does not fit the input {x.shape}")
    stride = numbers(strides, rank, "strides")
    dilation = numbers(dilation_rate, rank, "dilation_rate")
    if max(stride) > 1 and max(dilation) > 1:
        raise ValueError(f"conv_transpose: strides {strides}, dilation {dilation} exceed 1")
    more = output_padding if isinstance(output_padding, (list, tuple)) else [output_padding] * rank
    axes = [
        _transposed_axis(int(taps or 0), s, d, padding, extra)
        for taps, s, d, extra in zip(w.shape[:rank], stride, dilation, more, strict=True)
    ]
    if rank == 1:
        axes = [_Axis(), *axes]
        return without_height(_images_by_data(with_height(x), reshape(w, (1, *dims_of(w))), axes))
    if rank == 2:
        return _images_by_data(x, w, axes)
    y = _images_by_data(as_planes(x), _flat_kernel(w), axes[1:])
    return _spread_in_depth(as_volumes(y, dims_of(x)[1]), axes[0])


def _images_by_data(x: Tensor, w: Tensor, axes: Sequence[_Axis]) -> Tensor:
    """(N, H, W, C) -> (N, H', W', F) with a kernel (kh, kw, F, C)."""
    sizes = [(n - 1) * a.stride + a.added for n, a in zip(dims_of(x)[1:3], axes, strict=True)]
    attrs = {
        "strides": [a.stride for a in axes],
        "dilation": [a.dilation for a in axes],
        "padding": "explicit",
        "pads": [n for a in axes for n in (a.before, a.after)],
        "groups": 1,
        "sizes": sizes_of(sizes),
    }
    return apply("conv2d_by_data", [x, w], attrs)


def _spread_in_depth(y: Tensor, axis: _Axis) -> Tensor:
    """(N, D, H, W, taps * F) -> (N, D', H, W, F): the sum of each tap's part, put in its place."""
    placed = []
    for tap, part in enumerate(split(y, axis.taps, -1)):
        low = tap * axis.dilation - axis.before
        widths = {
            "low": [0, low, 0, 0, 0],
            "high": [0, axis.added - 1 - low, 0, 0, 0],
            "interior": [0, axis.stride - 1, 0, 0, 0],
        }
        placed.append(apply("pad", [part], {**widths, "value": 0.0}))
    return functools.reduce(add, placed)
