"""Parts of images and volumes: cut out, put into larger ones, and all windows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq.engine.dispatch import dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.image.axes import image_axes, known_size
from nnseq.ops.indexing import take
from nnseq.ops.layout import expand_dims, pad, reshape, squeeze, take_slice, transpose
from nnseq.ops.positions import channel_axis, check_padding, in_channels_last, numbers


def _three_of(what: str, sides: Sequence[tuple[str, int | None]], found: int) -> list[int]:
    """before, after and target along an axis, of which the caller left out one.

    Raises:
        ValueError: if it did not, or a number is negative.
    """
    names = ", ".join(name for name, _ in sides)
    values = [value for _, value in sides]
    if values.count(None) != 1:
        received = ", ".join(f"{name}={value}" for name, value in sides)
        raise ValueError(f"Must specify exactly two of {names}. Received: {received}")
    known = sum(value for value in values if value is not None)
    before, after, target = values
    if what == "padding":  # before + found + after = target
        rest = known + found if target is None else target - found - (known - target)
    else:  # before + target + after = found
        rest = found - known
    filled = [rest if value is None else value for value in (before, after, target)]
    for (name, _), value in zip(sides, filled, strict=True):
        if value < 0:
            raise ValueError(f"{name} must be >= 0. Received: {name}={value}")
    return filled


@operation
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Images (N, H, W, C), or one (H, W, C), less these many rows and columns at the sides; two of
    top, bottom and height, and two of left, right and width, say all.

    >>> x = np.arange(16.0).reshape(4, 4, 1)
    >>> crop_images(x, 1, 0, target_height=1, target_width=2).reshape(-1).tolist()
    [4.0, 5.0]
    """
    x = to_tensor(images)
    for axis, sides in zip(
        image_axes(x, data_format),
        (
            (("top_cropping", top_cropping), ("bottom_cropping", bottom_cropping),
             ("target_height", target_height)),
            (("left_cropping", left_cropping), ("right_cropping", right_cropping),
             ("target_width", target_width)),
        ),
        strict=True,
    ):  # fmt: skip
        before, _, size = _three_of("cropping", sides, known_size(x, axis))
        x = take_slice(x, axis, before, size)
    return x


@operation
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Images (N, H, W, C), or one (H, W, C), with rows and columns of zeros at the sides; two of
    top, bottom and height, and two of left, right and width, say all.

    >>> pad_images(np.ones((1, 1, 1)), 0, 1, 0, target_width=3).reshape(-1).tolist()
    [0.0, 1.0, 0.0]
    """
    x = to_tensor(images)
    widths = [[0, 0] for _ in x.shape]
    for axis, sides in zip(
        image_axes(x, data_format),
        (
            (("top_padding", top_padding), ("bottom_padding", bottom_padding),
             ("target_height", target_height)),
            (("left_padding", left_padding), ("right_padding", right_padding),
             ("target_width", target_width)),
        ),
        strict=True,
    ):  # fmt: skip
        before, after, _ = _three_of("padding", sides, known_size(x, axis))
        widths[axis] = [before, after]
    return pad(x, widths)


def _patches(
    x: Any, size: Sequence[int], strides: Any, dilation_rate: Any, padding: str, data_format: Any
) -> Tensor:
    """The windows over all axes but batch and channels, their elements in one axis."""
    rank = len(size)
    x = to_tensor(x)
    single = len(x.shape) == rank + 1
    if len(x.shape) != rank + 2 and not single:
        raise ValueError(
            f"extract_patches: expected rank {rank + 1} (a single one) or {rank + 2} (a batch). "
            f"Received input with shape: {x.shape}"
        )
    each = numbers(size if strides is None else strides, rank, "strides")
    steps = numbers(dilation_rate, rank, "dilation_rate")
    check_padding(padding)

    def windows(x: Tensor) -> Tensor:
        batch, channels = dims_of(x)[0], dims_of(x)[-1]
        counts = []
        for k in range(rank):
            axis = 1 + 2 * k  # those before have become two
            found, reach = known_size(x, axis), steps[k] * (size[k] - 1) + 1
            if padding == "same":
                missing = max((-(-found // each[k]) - 1) * each[k] + reach - found, 0)
                widths = [[0, 0] for _ in x.shape]
                widths[axis] = [missing // 2, missing - missing // 2]
                x, found = pad(x, widths), found + missing
            counts.append((found - reach) // each[k] + 1)
            starts = np.arange(counts[k])[:, np.newaxis] * each[k]
            x = take(x, (starts + np.arange(size[k]) * steps[k]).astype(np.int32), axis)
        order = [0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1]
        elements = int(np.prod(size)) * channels
        return reshape(transpose(x, order), [batch, *counts, elements])

    y = in_channels_last(windows, expand_dims(x, 0) if single else x, data_format)
    return squeeze(y, 0) if single else y


@operation
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The windows of images: (N, H, W, C) -> (N, H', W', height * width * C); of three sizes, those
    of volumes.

    Args:
        size: of a window: an int, two, or three.
        strides: between windows, by default `size`.
        dilation_rate: between the pixels of a window.
        padding: "valid" or "same".
        data_format: "channels_last", the default, or "channels_first".

    >>> extract_patches(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, 0, 1].tolist()
    [2.0, 3.0, 6.0, 7.0]
    """
    if not isinstance(size, int) and not isinstance(size, (tuple, list)):
        raise TypeError(
            "Invalid `size` argument. Expected an int or a tuple. "
            f"Received: size={size} of type {type(size).__name__}"
        )
    if not isinstance(size, int) and len(size) not in (2, 3):
        raise ValueError(
            "Invalid `size` argument. Expected a tuple of length 2 or 3. "
            f"Received: size={size} with length {len(size)}"
        )
    channel_axis(data_format)
    sizes = numbers(size, 2 if isinstance(size, int) else len(size), "size")
    return _patches(images, sizes, strides, dilation_rate, padding, data_format)


@operation
def extract_patches_3d(
    volumes: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The windows of volumes: (N, D, H, W, C) -> (N, D', H', W', depth * height * width * C);
    arguments as in `extract_patches`.
    """
    return _patches(volumes, numbers(size, 3, "size"), strides, dilation_rate, padding, data_format)
