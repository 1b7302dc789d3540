"""Resizing and CenterCrop: images of one size."""

from typing import Any

import numpy as np

from nnseq import ops
from nnseq.engine.dtypes import is_float
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import choice, positive
from nnseq.layers.serialized import data_format as check_format
from nnseq.ops.image.axes import image_axes, known_size
from nnseq.ops.image.resizing import RESIZE_INTERPOLATIONS
from nnseq.ops.image.sampling import FILL_MODES


class ImageLayer(Layer):
    """The base of layers of images (N, H, W, C), or of one image (H, W, C).

    A subclass defines `transform`, which gets a batch.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = check_format(data_format)

    def axes(self, x: Any) -> tuple[int, int]:
        """The axes of height and width."""
        return image_axes(x, self.data_format)

    @property
    def channels(self) -> int:
        """The axis of the channels of a batch."""
        return 3 if self.data_format == "channels_last" else 1

    def sizes(self, x: Any) -> tuple[int, int]:
        """Height and width."""
        rows, columns = self.axes(x)
        return known_size(x, rows), known_size(x, columns)

    def call(self, data: Any, training: bool = True) -> Any:
        if isinstance(data, dict):
            more = sorted(set(data) - {"images", "labels"})
            if more or "images" not in data:
                raise NotImplementedError(
                    f"{type(self).__name__} takes images, or a dict of `images` and `labels`; "
                    f"`bounding_boxes` and `segmentation_masks` are not supported. Got {more}"
                )
            return {**data, "images": self.call(data["images"], training)}
        self.axes(data)
        if len(data.shape) == 4:
            return self.transform(data, training)
        return ops.squeeze(self.transform(ops.expand_dims(data, 0), training), 0)

    def transform(self, images: Any, training: bool) -> Any:
        """The result for a batch of images."""
        raise NotImplementedError(f"{type(self).__name__} must implement transform()")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Resizing(ImageLayer):
    """Images in another size; the type of their numbers stays, whole numbers are rounded.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: whether the middle is used that has the proportions of the new size.
        pad_to_aspect_ratio: whether the image is first filled up with `fill_value` to them.
        fill_mode: "constant".
        antialias: whether images that get smaller are smoothed.

    >>> Resizing(1, 2)(np.arange(4.0).reshape(1, 1, 4, 1)).reshape(-1).tolist()
    [0.5, 2.5]
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)
        self.interpolation = choice("interpolation", interpolation, RESIZE_INTERPOLATIONS)
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = choice("fill_mode", fill_mode, FILL_MODES)
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def transform(self, images: Any, training: bool) -> Any:
        resized = ops.image.resize(
            images,
            (self.height, self.width),
            self.interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )
        if resized.dtype == images.dtype or is_float(images.dtype):
            return ops.cast(resized, images.dtype)
        limits = np.iinfo(images.dtype)  # of wide types the last float32 inside
        most = np.nextafter(np.float32(limits.max), np.float32(0))
        return ops.cast(
            ops.clip(ops.round(resized), limits.min, limits.max if limits.bits < 24 else most),
            images.dtype,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }


class CenterCrop(ImageLayer):
    """The middle of images; smaller images are enlarged, as `Resizing(crop_to_aspect_ratio=True)`.

    >>> CenterCrop(1, 2)(np.arange(4.0).reshape(1, 1, 4, 1)).reshape(-1).tolist()
    [1.0, 2.0]
    """

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)

    def transform(self, images: Any, training: bool) -> Any:
        x = ops.cast(images, self.dtype)
        key = [slice(None)] * 4
        for axis, have, want in zip(
            self.axes(x), self.sizes(x), (self.height, self.width), strict=True
        ):
            if have < want:
                return resized_middle(x, self)
            begin = (have - want) // 2
            key[axis] = slice(begin, begin + want)
        return x[tuple(key)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


def resized_middle(images: Any, layer: Any) -> Any:
    """The largest middle of the layer's proportions, in the layer's size."""
    return ops.image.resize(
        images,
        (layer.height, layer.width),
        crop_to_aspect_ratio=True,
        data_format=layer.data_format,
    )
