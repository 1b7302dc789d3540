"""Images in other sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, axis_of, convert_to_numpy
from nnseq.ops.image.axes import check_choice, image_axes, known_size
from nnseq.ops.indexing import getitem, take
from nnseq.ops.layout import moveaxis, pad
from nnseq.ops.linear import tensordot

RESIZE_INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


@operation
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images (N, H, W, C) or one image (H, W, C) in another size.

    Args:
        images: integers become float32, except with "nearest".
        size: (height, width).
        interpolation: "nearest", "bilinear", "bicubic" (Keys, a = -0.5), "lanczos3", "lanczos5".
        antialias: whether images that get smaller are smoothed.
        crop_to_aspect_ratio: whether the middle of the image is used that has the new proportions.
        pad_to_aspect_ratio: whether the image is first filled up with `fill_value` to them.
        fill_mode: "constant".
        data_format: "channels_last", the default, or "channels_first".

    >>> resize(np.arange(4.0).reshape(1, 4, 1), (1, 2)).reshape(-1).tolist()
    [0.5, 2.5]
    """
    x = to_tensor(images)
    check_choice("interpolation", interpolation, RESIZE_INTERPOLATIONS)
    check_choice("fill_mode", fill_mode, ("constant",))
    if pad_to_aspect_ratio and crop_to_aspect_ratio:
        raise ValueError(
            "Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`."
        )
    if len(size) != 2 or not all(int(n) > 0 for n in size):
        raise ValueError(
            "Argument `size` must be a tuple of two positive elements (height, width). "
            f"Received: size={size}"
        )
    axes = image_axes(x, data_format)
    target = int(size[0]), int(size[1])
    found = known_size(x, axes[0]), known_size(x, axes[1])
    if crop_to_aspect_ratio:
        x = _cropped(x, axes, found, proportional(found, target, np.minimum))
    elif pad_to_aspect_ratio:
        x = _padded(x, axes, found, proportional(found, target, np.maximum), fill_value)
    for axis, length in zip(axes, target, strict=True):
        x = _resampled(x, axis, length, interpolation, antialias)
    return x


def proportional(
    found: tuple[int, int], target: tuple[int, int], limit: Callable[..., Any]
) -> tuple[int, int]:
    """The largest size within the image, or the smallest around it, of the target's proportions."""
    (height, width), (rows, columns) = found, target
    fitting = int(width * rows / columns), int(height * columns / rows)
    return max(int(limit(height, fitting[0])), 1), max(int(limit(width, fitting[1])), 1)


def _cropped(x: Tensor, axes: Any, found: Any, size: Any) -> Tensor:
    key: list[Any] = [slice(None)] * len(x.shape)
    for axis, have, want in zip(axes, found, size, strict=True):
        begin = int((have - want) / 2)
        key[axis] = slice(begin, begin + want)
    return getitem(x, tuple(key))


def _padded(x: Tensor, axes: Any, found: Any, size: Any, value: float) -> Tensor:
    widths = [[0, 0] for _ in x.shape]
    for axis, have, want in zip(axes, found, size, strict=True):
        widths[axis] = [int((want - have) / 2)] * 2
    return pad(x, widths, constant_values=value)


def _resampled(x: Tensor, axis: int, size: int, interpolation: str, antialias: bool) -> Tensor:
    length = known_size(x, axis)
    if size == length:
        return x if interpolation == "nearest" else as_float(x)
    if interpolation == "nearest":
        places = np.floor((np.arange(size, dtype=np.float32) + 0.5) * length / size)
        return take(x, places.astype(np.int32), axis)
    x = as_float(x)
    indices, weights = _taps(interpolation_weights(length, size, interpolation, antialias))
    shape = [size if a == axis else 1 for a in range(len(x.shape))]
    total = None
    for index, weight in zip(indices, weights, strict=True):
        part = take(x, index, axis) * weight.reshape(shape)
        total = part if total is None else total + part
    assert total is not None
    return total


def interpolation_weights(
    length: int, size: int, interpolation: str, antialias: bool
) -> np.ndarray:
    """The matrix (size, length) that maps entries of an axis to those of the resized one."""
    return _weights(length, size, length / size, 0.0, interpolation, antialias)


def _weights(
    length: int, size: int, step: float, move: float, interpolation: str, antialias: bool
) -> np.ndarray:
    """Those of entries `step` apart, moved by `move` of the result's; 0 for places outside."""
    radius, kernel = _KERNELS[interpolation]
    stretch = max(step, 1.0) if antialias else 1.0
    places = (np.arange(size) + 0.5 - move) * step - 0.5
    distance = np.abs(places[:, np.newaxis] - np.arange(length)) / stretch
    weights = np.where(distance < radius, kernel(np.minimum(distance, radius)), 0.0)
    total = weights.sum(axis=1, keepdims=True)
    inside = (places >= -0.5) & (places <= length - 0.5) & (np.abs(total[:, 0]) > 1.2e-4)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=inside[:, np.newaxis])
    return weights.astype(np.float32)


def _triangle(x: np.ndarray) -> np.ndarray:
    return 1 - x


def _keys_cubic(x: np.ndarray) -> np.ndarray:
    inner = ((1.5 * x - 2.5) * x) * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, inner, outer)


def _lanczos(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.sinc(x) * np.sinc(x / radius)


_KERNELS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _keys_cubic),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
}


def _taps(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The entries of each row from its first to its last that is not 0: (K, size) indices and
    weights."""
    used = matrix != 0
    first = used.argmax(axis=1)
    count = int((matrix.shape[1] - used[:, ::-1].argmax(axis=1) - first).max())
    first = np.minimum(first, matrix.shape[1] - count)
    indices = (first + np.arange(count)[:, np.newaxis]).astype(np.int32)
    return indices, np.take_along_axis(matrix, indices.T, axis=1).T


_METHODS = {
    **dict.fromkeys(("linear", "bilinear", "trilinear"), "bilinear"),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), "bicubic"),
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
}


@operation
def scale_and_translate(
    images: Any,
    output_shape: Any,
    scale: Any,
    translation: Any,
    spatial_dims: Any,
    method: str,
    antialias: bool = True,
) -> Tensor:
    """Images drawn larger and moved: what lies at x comes to lie at scale x + translation.

    Args:
        images: a Tensor of any rank.
        output_shape: all sizes of the result; those of the other axes stay.
        scale, translation: a number for each of `spatial_dims`, which may not be symbolic.
        spatial_dims: the axes that are scaled.
        method: "linear" (or "bilinear", "trilinear"), "cubic" (or "bicubic", "tricubic"),
            "lanczos3" or "lanczos5".
        antialias: whether images that get smaller are smoothed.
    """
    check_choice("method", method, tuple(_METHODS))
    x = as_float(images)
    factors, moves = (np.asarray(convert_to_numpy(v), np.float64) for v in (scale, translation))
    for axis, factor, move in zip(spatial_dims, factors, moves, strict=True):
        place = axis_of(axis, len(x.shape))
        weights = _weights(
            known_size(x, place), int(output_shape[place]), 1.0 / factor, move, _METHODS[method],
            antialias,
        )  # fmt: skip
        x = moveaxis(tensordot(x, weights.T, [[place], [0]]), -1, place)
    return x
