"""Images in other sizes and positions, with the names and signatures of keras.ops.image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.operators import UnknownDimError
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type
from nnseq.ops.elementwise import abs as absolute
from nnseq.ops.elementwise import clip, floor, floor_divide, mod, where
from nnseq.ops.indexing import getitem, take
from nnseq.ops.layout import expand_dims, pad, reshape, squeeze, transpose

RESIZE_INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected of one {choices}. Received: "
            f"{name}={value}"
        )


def image_axes(x: Any, data_format: str | None) -> tuple[int, int]:
    """The axes of height and width, counted from the start.

    Raises:
        ValueError: if x is neither an image nor a batch of images, or the format is unknown.
    """
    rank = len(x.shape)
    if rank not in (3, 4):
        raise ValueError(
            "Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). "
            f"Received input with shape: images.shape={x.shape}"
        )
    check_choice("data_format", data_format, (None, "channels_last", "channels_first"))  # type: ignore[arg-type]
    first = rank - 2 if data_format == "channels_first" else rank - 3
    return first, first + 1


def known_size(x: Any, axis: int) -> int:
    """The size of an axis, which has to be known: the trace is then made for known shapes."""
    size = x.shape[axis]
    if size is None:
        raise UnknownDimError(f"the height and width of images must be known; got shape {x.shape}")
    return size


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
    radius, kernel = _KERNELS[interpolation]
    step = length / size
    stretch = max(step, 1.0) if antialias else 1.0
    places = (np.arange(size) + 0.5) * step - 0.5
    distance = np.abs(places[:, np.newaxis] - np.arange(length)) / stretch
    weights = np.where(distance < radius, kernel(np.minimum(distance, radius)), 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


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


@operation
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """The pixel (x, y) of the result is that at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        images: (N, H, W, C) or (H, W, C).
        transform: (N, 8) or (8,): a0, a1, a2, b0, b1, b2 and two numbers that are not used.
        interpolation: "nearest" or "bilinear".
        fill_mode: what is outside of the image: "constant" is `fill_value`; "nearest" the border;
            "wrap" the image again; "mirror" and "reflect" the image backwards, without and with
            the border twice.
        data_format: "channels_last", the default, or "channels_first".

    >>> shift = np.float32([1, 0, 1, 0, 1, 0, 0, 0])
    >>> affine_transform(np.float32([[[1], [2], [3]]]), shift).reshape(-1).tolist()
    [2.0, 3.0, 0.0]
    """
    x, t = to_tensor(images), as_float(transform)
    check_choice("interpolation", interpolation, ("nearest", "bilinear"))
    check_choice("fill_mode", fill_mode, FILL_MODES)
    image_axes(x, data_format)
    if len(t.shape) not in (1, 2):
        raise ValueError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of "
            f"transforms). Received input with shape: transform.shape={t.shape}"
        )
    single = len(x.shape) == 3
    x = expand_dims(x, 0) if single else x
    t = expand_dims(t, 0) if len(t.shape) == 1 else t
    if data_format == "channels_first":
        x = transpose(x, (0, 2, 3, 1))
    height, width = known_size(x, 1), known_size(x, 2)
    a0, a1, a2, b0, b1, b2 = (reshape(getitem(t, (slice(None), i)), (-1, 1, 1)) for i in range(6))
    column = np.arange(width, dtype=np.float32).reshape(1, 1, -1)
    row = np.arange(height, dtype=np.float32).reshape(1, -1, 1)
    places = b0 * column + b1 * row + b2, a0 * column + a1 * row + a2
    y = _sampled(x, places, interpolation, fill_mode, fill_value)
    y = transpose(y, (0, 3, 1, 2)) if data_format == "channels_first" else y
    return squeeze(y, 0) if single else y


def _sampled(x: Tensor, places: Any, interpolation: str, fill_mode: str, fill: float) -> Tensor:
    """x (N, H, W, C) at rows and columns (N, H', W')."""
    batch, height, width, channels = dims_of(x)
    edge = 1 if fill_mode == "constant" else 0  # pixels around the image, where all outside lies
    if edge:
        x = pad(x, [[0, 0], [edge, edge], [edge, edge], [0, 0]], constant_values=fill)
    flat, line = reshape(x, (-1, channels)), width + 2 * edge
    attrs = {"sizes": [batch], "start": 0, "step": (height + 2 * edge) * line, "dtype": "int32"}
    start = reshape(apply("iota", [], attrs), (-1, 1, 1))

    def at(row: Any, column: Any) -> Any:
        r, c = _index(row, height, fill_mode), _index(column, width, fill_mode)
        return take(flat, start + r * line + c, axis=0)

    rows, columns = places
    if interpolation == "nearest":
        return as_type(at(_rounded(rows), _rounded(columns)), x.dtype)
    top, left = floor(rows), floor(columns)
    down, right = expand_dims(rows - top, -1), expand_dims(columns - left, -1)
    upper = at(top, left) * (1 - right) + at(top, left + 1) * right
    lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return upper * (1 - down) + lower * down


def _rounded(x: Any) -> Any:
    """The nearest whole number, of two the one farther from 0."""
    return where(x < 0, -floor(0.5 - x), floor(x + 0.5))


def _index(place: Any, size: int, fill_mode: str) -> Any:
    """int32 indices of whole places; with "constant" there is a pixel more on both sides."""
    if fill_mode == "constant":
        return as_type(clip(place, -1, size) + 1, "int32")
    if fill_mode == "wrap":
        place = mod(place, size)
    elif fill_mode == "mirror":
        place = _mirrored(place, size)
    elif fill_mode == "reflect":  # in half steps, between which the border is
        place = floor_divide(_mirrored(2 * place + 1, 2 * size + 1) - 1, 2)
    return as_type(clip(place, 0, size - 1), "int32")


def _mirrored(place: Any, size: int) -> Any:
    turn = size - 1
    return place * 0 if turn == 0 else absolute(mod(place + turn, 2 * turn) - turn)
