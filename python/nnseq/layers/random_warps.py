"""Augmentation: images that are sheared, seen in perspective, warped and smoothed at random."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq import ops
from nnseq import random as nnrandom
from nnseq.layers.random_colors import ChangedWithChance
from nnseq.layers.random_images import Factor, MovedImageLayer, check_moves, factor_range
from nnseq.layers.random_tones import Range
from nnseq.layers.serialized import between_0_and_1, positive
from nnseq.ops.image.sampling import FILL_MODES, sampled


class RandomShear(MovedImageLayer):
    """Moves each row of an image by a part of its height, each column by a part of its width.

    Args:
        x_factor, y_factor: the largest part both ways, or two that it is drawn from; a coin says
            in which direction.
        interpolation, fill_mode, fill_value: as in RandomRotation.

    >>> RandomShear(0.2, (0, 0.1))(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    def __init__(
        self,
        x_factor: Factor = 0.0,
        y_factor: Factor = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = x_factor  # as given: Keras does not read the range that it writes
        self.y_factor = y_factor
        self._columns, self._rows = (
            factor_range(name, factor, -1, 1)
            for name, factor in (("x_factor", x_factor), ("y_factor", y_factor))
        )

    def coefficients(self, images: Any) -> Sequence[Any]:
        sign = self.sign(images)
        y = self.uniform(images, *self._rows) * sign
        x = self.uniform(images, *self._columns) * sign
        return 1.0, x, 0.0, y, 1.0, 0.0

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}


class RandomPerspective(ChangedWithChance):
    """Moves the corners of an image, but for the first, as if it were seen from the side.

    Args:
        factor: of the probability that an image is changed.
        scale: corners move by up to half this part of the image.
        interpolation: "bilinear" or "nearest".
        fill_value: what is outside of the image.

    >>> RandomPerspective(scale=0.3)(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, data_format=data_format, seed=seed, **kwargs)
        check_moves(interpolation=interpolation)
        self.scale = between_0_and_1("scale", scale)
        self.interpolation = interpolation
        self.fill_value = fill_value

    def changed(self, images: Any) -> Any:
        chosen = self.chosen(images)
        shape = (ops.shape(images)[0], 4, 2)
        moves = 1.0 + self.drawn(shape, -0.5 * self.scale, 0.5 * self.scale)
        height, width = (max(size - 1, 1) for size in self.sizes(images))
        (x1, _), (_, y2), (x3, y3) = (
            [
                ops.reshape(moves[:, k, a] * size, (-1, 1, 1))
                for a, size in ((0, width), (1, height))
            ]
            for k in (1, 2, 3)
        )
        # Corners (0, 0), (x1, 0), (0, y2), (x3, y3) of the result show those of the image. The map
        # of the unit square to them is (a u, e v) / (g u + h v + 1); this is its inverse.
        p, q = x3 / x1, y3 / y2
        scale = 1.0 / (p + q - 1.0)
        a, e, g, h = x3 * scale, y3 * scale, p * scale - 1.0, q * scale - 1.0

        def places(row: Any, column: Any) -> tuple[Any, Any]:
            u, v = column / a, row / e
            depth = 1.0 - g * u - h * v
            return height * v / depth, width * u / depth

        seen = sampled(
            images, places, self.interpolation, "constant", self.fill_value, self.data_format
        )
        return ops.where(chosen, seen, images)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["value_range"]
        more = {name: getattr(self, name) for name in ("scale", "interpolation", "fill_value")}
        return {**config, **more}


class RandomElasticTransform(ChangedWithChance):
    """Moves each pixel by smooth random fields, as if the image were of rubber.

    There is a field for each axis; in Keras both axes have the same one.

    Args:
        factor: of the probability that an image is changed.
        scale: how far and how smoothly, drawn once for a batch; one number f is (0, f).
        interpolation: "bilinear" or "nearest".
        fill_mode: what comes in, as in RandomRotation, or "mirror".
        value_range: what the result is cut off to.

    >>> RandomElasticTransform(scale=0.3)(ops.ones((2, 8, 8, 1))).shape
    (2, 8, 8, 1)
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        scale: Factor = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Range = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        check_moves(FILL_MODES, interpolation=interpolation, fill_mode=fill_mode)
        self.scale = factor_range("scale", scale, 0, 1)
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def changed(self, images: Any) -> Any:
        chosen, scale = self.chosen(images), self.drawn((), *self.scale)
        height, width = self.sizes(images)
        sigma = ops.maximum(0.05 * min(height, width) * scale, 1e-6)
        across, down = (0.1 * max(height, width) * scale * self._field(images, sigma) for _ in "xy")

        def places(row: Any, column: Any) -> tuple[Any, Any]:
            return row + down, column + across

        moved = sampled(
            images, places, self.interpolation, self.fill_mode, self.fill_value, self.data_format
        )
        return ops.clip(ops.where(chosen, moved, images), *self.value_range)

    def _field(self, images: Any, sigma: Any) -> Any:
        """Normal numbers (N, H, W) of this deviation, smoothed by a window of 3 sigma both ways."""
        height, width = self.sizes(images)
        shape = (ops.shape(images)[0], height, width, 1)
        noise = nnrandom.normal(shape, seed=self.generator) * sigma
        most = int(3 * 0.05 * min(height, width) * self.scale[1])
        places = np.arange(-most, most + 1, dtype=np.float32)
        weights = ops.exp(-0.5 * ops.square(places / sigma))
        weights = ops.where(np.abs(places) <= ops.floor(3 * sigma), weights, 0.0)
        weights = weights / ops.sum(weights)
        for window in ((-1, 1, 1, 1), (1, -1, 1, 1)):
            noise = ops.nn.conv(noise, ops.reshape(weights, window), padding="same")
        return ops.squeeze(noise, -1)

    def get_config(self) -> dict[str, Any]:
        names = ("scale", "interpolation", "fill_mode", "fill_value")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class RandomGaussianBlur(ChangedWithChance):
    """Smooths an image by a Gaussian window.

    Args:
        factor: of the probability that an image is changed.
        kernel_size: the odd width and height of the window, or one number for both.
        sigma: the standard deviations across and down, in pixels, drawn once for a batch from
            [sigma[0], sigma[1]], at most 1; one number s is (0, s).
        value_range: what the result is cut off to.

    >>> RandomGaussianBlur()(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        kernel_size: int | Sequence[int] = 3,
        sigma: Factor = 1.0,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        several = isinstance(kernel_size, list | tuple)
        both: Any = kernel_size if several else (kernel_size, kernel_size)
        self.kernel_size = tuple(positive("kernel_size", size) for size in both)
        if len(self.kernel_size) != 2 or not all(size % 2 for size in self.kernel_size):
            raise ValueError(
                "`kernel_size` must be an odd number or two of them. "
                f"Received: kernel_size={kernel_size}"
            )
        self.sigma = factor_range("sigma", sigma, 0, 1)

    def changed(self, images: Any) -> Any:
        chosen, sigma = self.chosen(images), self.drawn((2,), *self.sigma) + 1e-6
        smooth = ops.image.gaussian_blur(images, self.kernel_size, sigma, self.data_format)
        return ops.clip(ops.where(chosen, smooth, images), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_size": self.kernel_size, "sigma": self.sigma}
