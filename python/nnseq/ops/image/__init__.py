"""Images in other sizes, positions and colours; names and signatures are keras.ops.image's."""

from nnseq.ops.image.colors import gaussian_blur, hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from nnseq.ops.image.resizing import resize
from nnseq.ops.image.sampling import affine_transform

__all__ = [
    "affine_transform",
    "gaussian_blur",
    "hsv_to_rgb",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
]
