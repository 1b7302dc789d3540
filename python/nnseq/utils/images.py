"""Image files and arrays, by Pillow, which is imported when it is needed."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

_CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def _pillow(name: str) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f"`{name}` needs Pillow: pip install 'nnseq[images]'") from None
    return Image


def _is_first(data_format: str | None) -> bool:
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(
            "`data_format` must be 'channels_last' or 'channels_first'. "
            f"Received: data_format={data_format}"
        )
    return data_format == "channels_first"


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """A Pillow image of an array (H, W, C) of 1, 3 or 4 channels.

    Args:
        scale: whether the least number becomes 0 and the largest 255.
        dtype: the type in which that is computed.

    Raises:
        ValueError: for another rank or number of channels.
    """
    pillow = _pillow("array_to_img")
    array = np.array(x, dtype=dtype or "float32")
    if array.ndim != 3:
        raise ValueError(
            "Expected image array to have rank 3 (single image). "
            f"Got array with shape: {array.shape}"
        )
    if _is_first(data_format):
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        most = array.max()
        array = array * (255 / most) if most else array
    channels = array.shape[2]
    if channels not in _CHANNELS:
        raise ValueError(f"Unsupported channel number: {channels}")
    if channels == 1:
        array = array[:, :, 0]
        if array.max() > 255:
            return pillow.fromarray(array.astype("int32"))
    return pillow.fromarray(array.astype("uint8"))


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """The array (H, W, C) of a Pillow image, float32 by default.

    >>> img_to_array(np.zeros((2, 3))).shape
    (2, 3, 1)
    """
    x = np.asarray(img, dtype=dtype or "float32")
    if x.ndim not in (2, 3):
        raise ValueError(f"Unsupported image shape: {x.shape}")
    x = x[:, :, np.newaxis] if x.ndim == 2 else x
    return x.transpose(2, 0, 1) if _is_first(data_format) else x


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array (H, W, C) into an image file.

    Args:
        file_format: by default told by the ending of the path.
        scale: see `array_to_img`.
        kwargs: arguments of Pillow's `save`.
    """
    if file_format is None and isinstance(path, str | os.PathLike):
        file_format = os.path.splitext(path)[1][1:].lower()
    file_format = "jpeg" if file_format and file_format.lower() == "jpg" else file_format
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn(
            "The JPEG format does not support RGBA images, converting to RGB.", stacklevel=2
        )
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """The Pillow image in a file.

    Args:
        path: a path or a BytesIO.
        color_mode: "rgb", "rgba" or "grayscale".
        target_size: (height, width) to which it is resized.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: whether the middle is used that has the proportions of `target_size`.
    """
    import io

    pillow = _pillow("load_img")
    if not isinstance(path, str | bytes | os.PathLike | io.BytesIO):
        raise TypeError(f"path should be path-like or io.BytesIO, not {type(path)}")
    if color_mode not in ("grayscale", "rgb", "rgba"):
        raise ValueError(
            f'color_mode must be "grayscale", "rgb", or "rgba". Received: color_mode={color_mode}'
        )
    image = pillow.open(path)
    image.load()  # closes the file
    mode = "L" if color_mode == "grayscale" else color_mode.upper()
    if image.mode != mode and not (mode == "L" and image.mode in ("I;16", "I")):
        image = image.convert(mode)
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(
            f"Invalid interpolation method {interpolation} specified. Supported methods are "
            f"{', '.join(_INTERPOLATIONS)}"
        )
    box = _middle(image.size, target_size) if keep_aspect_ratio else None
    method = getattr(pillow.Resampling, interpolation.upper())
    return image.resize((target_size[1], target_size[0]), method, box=box)


def _middle(size: tuple[int, int], target: Any) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the middle that has the proportions of the target."""
    (width, height), (rows, columns) = size, target
    inner_height = min(height, width * rows // columns)
    inner_width = min(width, height * columns // rows)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    return left, top, left + inner_width, top + inner_height
