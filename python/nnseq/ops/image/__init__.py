"""Images in other sizes, positions and colours; names and signatures are keras.ops.image's."""

from nnseq.ops.image.colors import gaussian_blur, hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from nnseq.ops.image.filters import sobel_edges, ssim
from nnseq.ops.image.patches import (
    crop_images,
    extract_patches,
    extract_patches_3d,
    pad_images,
)
from nnseq.ops.image.resizing import resize, scale_and_translate
from nnseq.ops.image.sampling import affine_transform, map_coordinates, perspective_transform

__all__ = [
    "affine_transform",
    "crop_images",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
