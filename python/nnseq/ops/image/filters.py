"""Edges of images, and how alike two images are."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.convolution import conv, depthwise_conv
from nnseq.ops.core import as_float, as_type
from nnseq.ops.elementwise import square
from nnseq.ops.image.colors import gaussian_weights
from nnseq.ops.layout import expand_dims, moveaxis, reshape, squeeze, stack, transpose
from nnseq.ops.positions import channel_axis
from nnseq.ops.reduction import mean

_ACROSS = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)


@operation
def sobel_edges(images: Any, data_format: str | None = None) -> Tensor:
    """Sobel's slopes of images (N, H, W, C) in a new last axis: down and across."""
    x = as_float(images)
    if len(x.shape) != 4:
        raise ValueError(f"sobel_edges: expected images of rank 4. Received: shape {x.shape}")
    first = channel_axis(data_format) == 1
    x = transpose(x, (0, 2, 3, 1)) if first else x
    slopes = []
    for window in (_ACROSS.T, _ACROSS):
        kernel = np.repeat(window[:, :, np.newaxis, np.newaxis], x.shape[-1] or 1, axis=2)
        y = depthwise_conv(x, kernel, padding="same")
        slopes.append(transpose(y, (0, 3, 1, 2)) if first else y)
    return stack(slopes, -1)


@operation
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Tensor:
    """The structural similarity of images (Wang et al., 2004), 1 for equal ones.

    Args:
        image1, image2: (N, H, W, C), or (H, W, C).
        max_val: the largest value there may be.
        filter_size, filter_sigma: of the Gaussian windows that are compared.
        k1, k2: against division by 0, as parts of max_val.
        data_format: "channels_last", the default, or "channels_first".

    Returns:
        (N,), or a scalar for single images.
    """
    kind = to_tensor(image1).dtype
    x, y = as_float(image1), as_float(image2)
    for name, image in (("image1", x), ("image2", y)):
        if len(image.shape) not in (3, 4):
            raise ValueError(
                f"Invalid {name} rank: expected rank 3 (single image) or rank 4 (batch of images). "
                f"Received input with shape: {name}.shape={image.shape}"
            )
    single = len(x.shape) == 3
    if single:
        x, y = expand_dims(x, 0), expand_dims(y, 0)
    if channel_axis(data_format) == -1:
        x, y = moveaxis(x, -1, 1), moveaxis(y, -1, 1)
    batch, channels, height, width = dims_of(x)
    weights = gaussian_weights(filter_size, filter_sigma)
    kernel = reshape(reshape(weights, (-1, 1)) * weights, (filter_size, filter_size, 1, 1))
    x, y = reshape(x, (-1, height, width, 1)), reshape(y, (-1, height, width, 1))

    def smooth(image: Any) -> Any:
        return conv(image, kernel, data_format="channels_last")

    low, high = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean_x, mean_y = smooth(x), smooth(y)
    both = mean_x * mean_y
    squares = square(mean_x) + square(mean_y)
    spread = smooth(square(x)) + smooth(square(y)) - squares
    alike = (2.0 * both + low) * (2.0 * (smooth(x * y) - both) + high)
    alike = alike / ((squares + low) * (spread + high))
    result = mean(reshape(mean(alike, axis=(1, 2, 3)), (batch, channels)), axis=-1)
    return as_type(squeeze(result, 0) if single else result, kind)
