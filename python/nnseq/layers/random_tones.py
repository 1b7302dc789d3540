"""Augmentation of light and colour: a factor is drawn for each image."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq import ops
from nnseq.engine.dtypes import epsilon
from nnseq.layers.random_images import Factor, RandomImageLayer, factor_range
from nnseq.ops.image.axes import known_size

Range = Sequence[float]


def checked_range(value_range: Any) -> list[float]:
    """The two ends in order."""
    if not isinstance(value_range, list | tuple) or len(value_range) != 2:
        raise ValueError(
            "The `value_range` argument should be a list of two numbers. "
            f"Received: value_range={value_range}"
        )
    return sorted(value_range)


def in_range(x: Any, old: Range, new: Range) -> Any:
    """Numbers of one value range as those of another."""
    if tuple(old) == tuple(new):
        return x
    return (x - old[0]) / (old[1] - old[0]) * (new[1] - new[0]) + new[0]


class FactorLayer(RandomImageLayer):
    """The base of layers that change each image by a factor.

    Args:
        factor: the range it is drawn from; one number f is (-f, f), cut off at `least`.
        value_range: of the numbers of the images.
    """

    least: float = 0  # the most is 1

    def __init__(
        self,
        factor: Factor,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format=data_format, **kwargs)
        self.factor = factor_range("factor", factor, self.least, 1)
        self.value_range = checked_range(value_range)

    def per_image_factor(self, images: Any) -> Any:
        """A factor for each image, (N, 1, 1, 1)."""
        return self.per_image(self.uniform(images, *self.factor))

    def get_config(self) -> dict[str, Any]:
        config = {"factor": self.factor, "value_range": self.value_range, "seed": self.seed}
        return {**super().get_config(), **config}


class RandomContrast(FactorLayer):
    """Multiplies the distance of each pixel from the mean of its channel in its image.

    Args:
        factor: the image is multiplied by a number in [1 - factor[0], 1 + factor[1]]; one number f
            is (0, f), as in Keras 3.15.
        value_range: what the result is cut off to.

    >>> RandomContrast(0.5)(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def changed(self, images: Any) -> Any:
        lower, upper = self.factor
        by = self.per_image(self.uniform(images, 1 - lower, 1 + upper))
        mean = ops.mean(images, self.axes(images), keepdims=True)
        return ops.clip((images - mean) * by + mean, *self.value_range)


class RandomBrightness(FactorLayer):
    """Adds a number to all of each image.

    Args:
        factor: the largest change both ways as a part of the value range, or two changes.
        value_range: what the result is cut off to.

    >>> RandomBrightness(0.2)(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    least = -1

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor or 0.0, value_range, seed=seed, **kwargs)

    def changed(self, images: Any) -> Any:
        low, high = self.value_range
        by = self.per_image(self.uniform(images, *self.factor)) * (high - low)
        return ops.clip(images + by, low, high)


class RandomHue(FactorLayer):
    """Turns the hue of the colours of each image, (N, H, W, 3), by up to factor / 2 of a full turn,
    one way or the other.

    >>> RandomHue((0, 0), (0, 1))(ops.ones((1, 1, 1, 3))).reshape(-1).tolist()
    [1.0, 1.0, 1.0]
    """

    def changed(self, images: Any) -> Any:
        by = self.per_image(self.sign(images) * self.uniform(images, *self.factor) * 0.5)
        x = ops.image.rgb_to_hsv(in_range(images, self.value_range, (0, 1)), self.data_format)
        hue, saturation, value = ops.split(x, 3, self.channels)
        hue = hue + by
        hue = ops.where(hue > 1, hue - 1, hue)
        hue = ops.where(hue < 0, hue + 1, hue)
        x = ops.concatenate([hue, saturation, value], self.channels)
        x = ops.clip(ops.image.hsv_to_rgb(x, self.data_format), 0, 1)
        return in_range(x, (0, 1), self.value_range)


class RandomSaturation(FactorLayer):
    """Multiplies the saturation of each image, (N, H, W, 3), by f / (1 - f) for a factor f: 0.5
    leaves it, 0 is grey.

    What results is cut off to the value range, as in Keras; below 0 it is 0.

    >>> RandomSaturation((0, 0))(ops.convert_to_tensor([[[[4.0, 2.0, 1.0]]]])).reshape(-1).tolist()
    [4.0, 4.0, 4.0]
    """

    least = -1

    def changed(self, images: Any) -> Any:
        factor = self.per_image_factor(images)
        x = ops.image.rgb_to_hsv(images, self.data_format)
        hue, saturation, value = ops.split(x, 3, self.channels)
        saturation = ops.clip(saturation * (factor / (1 - factor + epsilon())), *self.value_range)
        x = ops.concatenate([hue, saturation, value], self.channels)
        return ops.image.hsv_to_rgb(x, self.data_format)


class RandomColorDegeneration(FactorLayer):
    """Mixes each image, (N, H, W, 3), with its grey one, of which `factor` is the part.

    >>> RandomColorDegeneration((0, 0))(ops.ones((1, 1, 1, 3))).reshape(-1).tolist()
    [1.0, 1.0, 1.0]
    """

    least = -1

    def changed(self, images: Any) -> Any:
        grey = ops.image.rgb_to_grayscale(images, self.data_format)
        mixed = images + self.per_image_factor(images) * (grey - images)
        return ops.clip(mixed, *self.value_range)


class RandomSharpness(FactorLayer):
    """Takes each image away from its smoothed one (factors above 0.5) or towards it (below).

    >>> RandomSharpness((0.5, 0.5))(ops.ones((1, 1, 2, 1))).reshape(-1).tolist()
    [1.0, 1.0]
    """

    def changed(self, images: Any) -> Any:
        factor = 2.0 * self.per_image_factor(images)
        x = images if self.channels == 3 else ops.transpose(images, (0, 2, 3, 1))
        window = np.full((3, 3, known_size(x, -1), 1), 1 / 13, np.float32)
        window[1, 1] = 5 / 13
        smooth = ops.nn.depthwise_conv(x, window, padding="same")
        smooth = smooth if self.channels == 3 else ops.transpose(smooth, (0, 3, 1, 2))
        return ops.clip(images + (1.0 - factor) * (smooth - images), *self.value_range)


class RandomPosterization(FactorLayer):
    """Keeps the first bits of each number of an image, seen as one of 8 bits.

    Args:
        factor: how many bits, 1 to 8; of two numbers, which are not the same, the larger one is not
            drawn, and one number f is (1, f), as in Keras.

    >>> RandomPosterization((1, 1))(255 * ops.ones((1, 1, 1, 1))).reshape(-1).tolist()
    [128.0]
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(0.0, value_range, data_format, seed, **kwargs)
        self.factor = factor_range("factor", factor, 1, 8)

    def changed(self, images: Any) -> Any:
        bits = ops.floor(self.per_image_factor(images))
        step = ops.exp2(8.0 - bits)
        x = ops.floor(ops.clip(in_range(images, self.value_range, (0, 255)), 0, 255))
        return in_range(ops.floor(x / step) * step, (0, 255), self.value_range)


class RandomColorJitter(RandomImageLayer):
    """RandomBrightness, RandomContrast, RandomSaturation and RandomHue, one after the other.

    Args:
        value_range: of the numbers of the images.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: their factors; None
            leaves one out.

    >>> RandomColorJitter((0, 1), hue_factor=0.5)(ops.ones((2, 3, 3, 3))).shape
    (2, 3, 3, 3)
    """

    def __init__(
        self,
        value_range: Range = (0, 255),
        brightness_factor: Factor | None = None,
        contrast_factor: Factor | None = None,
        saturation_factor: Factor | None = None,
        hue_factor: Factor | None = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self._factors = {
            "brightness_factor": brightness_factor,
            "contrast_factor": contrast_factor,
            "saturation_factor": saturation_factor,
            "hue_factor": hue_factor,
        }
        self._steps = [
            self.part(kind(factor, value_range, data_format=data_format))
            for kind, factor in zip(_JITTER, self._factors.values(), strict=True)
            if factor is not None
        ]

    def changed(self, images: Any) -> Any:
        for step in self._steps:
            images = step.changed(images)
        return images

    def get_config(self) -> dict[str, Any]:
        config = {"value_range": self.value_range, **self._factors, "seed": self.seed}
        return {**super().get_config(), **config}


_JITTER = (RandomBrightness, RandomContrast, RandomSaturation, RandomHue)
