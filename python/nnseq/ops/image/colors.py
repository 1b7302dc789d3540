"""The colours of images: other spaces, grey, and smoothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.convolution import depthwise_conv
from nnseq.ops.core import as_float, as_type
from nnseq.ops.elementwise import abs as absolute
from nnseq.ops.elementwise import clip, equal, exp, maximum, minimum, mod, square, where
from nnseq.ops.image.axes import image_axes
from nnseq.ops.layout import expand_dims, reshape, squeeze, stack, tile, transpose, unstack
from nnseq.ops.reduction import sum as sum_of

_GREY = (0.2989, 0.587, 0.114)  # of red, green and blue, as Keras has them


def channels_of(x: Any, data_format: str | None) -> int:
    """The axis of the channels of images, or of one image, counted from the start."""
    rows, columns = image_axes(x, data_format)
    return rows - 1 if data_format == "channels_first" else columns + 1


def _three(images: Any, data_format: str | None, name: str) -> tuple[list[Tensor], int]:
    """The channels and their axis."""
    x = to_tensor(images)
    axis = channels_of(x, data_format)
    if x.shape[axis] != 3:
        raise ValueError(
            f"{name} takes images of 3 channels. Received: images of shape {tuple(x.shape)} "
            f"with data_format={data_format!r}"
        )
    return unstack(x, 3, axis), axis


def _floats(images: Any, data_format: str | None, name: str) -> tuple[list[Tensor], int]:
    parts, axis = _three(images, data_format, name)
    if not is_float(parts[0].dtype):
        raise ValueError(
            f"{name} takes images of floats. Received: images.dtype={parts[0].dtype}; "
            "use ops.cast(images, 'float32')"
        )
    return parts, axis


@operation
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """0.2989 red + 0.587 green + 0.114 blue: 3 channels become 1.

    >>> rgb_to_grayscale(np.ones((1, 1, 3), "float32")).numpy().round(3).tolist()
    [[[1.0]]]
    """
    parts, axis = _three(images, data_format, "rgb_to_grayscale")
    grey = sum(as_float(part) * weight for part, weight in zip(parts, _GREY, strict=True))
    return expand_dims(as_type(grey, parts[0].dtype), axis)


@operation
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Tensor:
    """Red, green and blue as hue and saturation in [0, 1] and value, which is the largest of them.

    >>> rgb_to_hsv(np.float32([[[0, 4, 4]]])).tolist()
    [[[0.5, 1.0, 4.0]]]
    """
    parts, axis = _floats(images, data_format, "rgb_to_hsv")
    least = float(np.finfo(np.float32).eps)
    red, green, blue = (where(absolute(part) < least, 0.0, part) for part in parts)
    value = maximum(maximum(red, green), blue)
    spread = value - minimum(minimum(red, green), blue)
    sixth = 1.0 / (6.0 * where(spread > 0, spread, 1.0))
    hue = where(equal(value, green), sixth * (blue - red) + 2 / 6, sixth * (red - green) + 4 / 6)
    hue = where(equal(value, red), sixth * (green - blue), hue)
    hue = where(spread > 0, hue, 0.0) + as_type(hue < 0, hue.dtype)
    saturation = where(value > 0, spread / where(value > 0, value, 1.0), 0.0)
    return stack([hue, saturation, value], axis)


@operation
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Tensor:
    """The inverse of `rgb_to_hsv`; a hue is taken modulo 1.

    >>> hsv_to_rgb(np.float32([[[0, 0.5, 4]]])).tolist()
    [[[4.0, 2.0, 2.0]]]
    """
    (hue, saturation, value), axis = _floats(images, data_format, "hsv_to_rgb")
    turn = mod(hue, 1.0) * 6.0
    parts = absolute(turn - 3.0) - 1.0, 2.0 - absolute(turn - 2.0), 2.0 - absolute(turn - 4.0)
    colours = [value * (1.0 - saturation + saturation * clip(p, 0.0, 1.0)) for p in parts]
    return stack(colours, axis)


@operation
def gaussian_blur(
    images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: str | None = None
) -> Tensor:
    """Images smoothed by a Gaussian window; around them is 0.

    Args:
        images: (N, H, W, C) or (H, W, C).
        kernel_size: the width and the height of the window, in this order, as in Keras.
        sigma: the standard deviation along each in pixels: two numbers, or a Tensor (2,).
        data_format: "channels_last", the default, or "channels_first".

    >>> gaussian_blur(np.ones((3, 3, 1), "float32"))[1, 1].numpy().round(3).tolist()
    [1.0]
    """
    x = as_float(images)
    channels = channels_of(x, data_format)
    count = x.shape[channels]
    sigma = as_float(sigma)
    across, down = (gaussian_weights(int(kernel_size[k]), sigma[k]) for k in range(2))
    window = reshape(down, (-1, 1, 1, 1)) * reshape(across, (1, -1, 1, 1))
    single = len(x.shape) == 3
    x = expand_dims(x, 0) if single else x
    first = data_format == "channels_first"
    x = transpose(x, (0, 2, 3, 1)) if first else x
    y = depthwise_conv(x, tile(window, (1, 1, count, 1)), padding="same")
    y = transpose(y, (0, 3, 1, 2)) if first else y
    return squeeze(y, 0) if single else y


def gaussian_weights(size: int, sigma: Any) -> Any:
    """The weights of `size` places around the middle; they sum up to 1."""
    places = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    weights = exp(-0.5 * square(places / sigma))
    return weights / sum_of(weights)
