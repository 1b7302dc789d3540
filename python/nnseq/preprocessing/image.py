"""Images in files and arrays."""

from typing import Any

import numpy as np

from nnseq import ops
from nnseq.utils import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last"
) -> Any:
    """The middle of images that has the proportions of `size`, resized to it.

    Args:
        x: (H, W, C) or (N, H, W, C); for an array an array is returned.

    >>> smart_resize(np.ones((4, 8, 3)), (2, 2)).shape
    (2, 2, 3)
    """
    resized = ops.image.resize(
        x, size, interpolation, crop_to_aspect_ratio=True, data_format=data_format
    )
    return np.array(resized) if isinstance(x, np.ndarray) else resized
