"""Pooling over windows of steps, images and volumes.

The core pools images. Steps are images of one row; volumes are pooled plane by plane, then along
the depth: the largest of the largest, and the mean of means of windows of one size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float
from nnseq.ops.indexing import take
from nnseq.ops.layout import reshape
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
from nnseq.ops.reduction import max, sum


@operation
def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest element of each window; strides are the window's size by default.

    >>> max_pool(np.arange(4.0).reshape(1, 2, 2, 1), 2).item()
    3.0
    """
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format)


@operation
def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of each window; padding is not counted."""
    return _pool("avg_pool", inputs, pool_size, strides, padding, data_format)


def _pool(
    op: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None
) -> Tensor:
    check_padding(padding)

    def of_images(x: Tensor, window: list[int], stride: list[int]) -> Tensor:
        attrs = {"window": window, "strides": stride, "padding": padding, "pads": []}
        return apply(op, [x], attrs)

    def pooled(inputs: Tensor) -> Tensor:
        x, rank = positions_of(inputs, op)
        window = numbers(pool_size, rank, "pool_size")
        stride = window if strides is None else numbers(strides, rank, "strides")
        if rank == 1:
            return without_height(of_images(with_height(x), [1, *window], [1, *stride]))
        if rank == 2:
            return of_images(x, window, stride)
        y = as_volumes(of_images(as_planes(x), window[1:], stride[1:]), dims_of(x)[1])
        batch, depth, *plane, channels = dims_of(y)
        y = reshape(y, (batch, depth, plane[0] * plane[1], channels))
        y = of_images(y, [window[0], 1], [stride[0], 1])
        return reshape(y, (batch, dims_of(y)[1], *plane, channels))

    return in_channels_last(pooled, as_float(inputs), data_format)


@operation
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The largest element of each of `output_size` windows, an integer or one per dimension.

    Window i of m along n entries goes from floor(i * n / m) to ceil((i + 1) * n / m).

    >>> adaptive_max_pool(np.arange(5.0).reshape(1, 5, 1), 2).reshape(-1).tolist()
    [2.0, 4.0]
    """
    return _adaptive(lambda x, axis, _: max(x, axis), inputs, output_size, data_format)


@operation
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The mean of each of `output_size` windows, see `adaptive_max_pool`.

    >>> adaptive_average_pool(np.arange(5.0).reshape(1, 5, 1), 2).reshape(-1).tolist()
    [1.0, 3.0]
    """
    return _adaptive(
        lambda x, axis, weights: sum(x * weights, axis), inputs, output_size, data_format
    )


def _adaptive(
    reduced: Callable[[Tensor, int, np.ndarray], Tensor],
    inputs: Any,
    output_size: Any,
    data_format: str | None,
) -> Tensor:
    def pooled(inputs: Tensor) -> Tensor:
        x, rank = positions_of(inputs, "adaptive pooling")
        for axis, size in enumerate(numbers(output_size, rank, "output_size"), 1):
            places, weights = _windows(int(dims_of(x)[axis]), size)
            weights = weights.reshape(*weights.shape, *[1] * (rank + 1 - axis))
            x = reduced(take(x, places, axis), axis + 1, weights)
        return x

    return in_channels_last(pooled, as_float(inputs), data_format)


def _windows(entries: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The places (count, width) that each window sees, and their weights in its mean.

    A window below the width sees its last place again, with weight 0.
    """
    first = np.arange(count) * entries // count
    end = -(np.arange(1, count + 1) * -entries // count)
    places = first[:, None] + np.arange((end - first).max())
    inside = places < end[:, None]
    return np.minimum(places, end[:, None] - 1), (inside / (end - first)[:, None]).astype("float32")
