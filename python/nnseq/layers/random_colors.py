"""Augmentation of colours, and of parts of images, at random."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq import random as nnrandom
from nnseq.layers.images import ImageLayer
from nnseq.layers.random_images import Factor, RandomImageLayer, factor_range
from nnseq.layers.random_tones import FactorLayer, checked_range
from nnseq.layers.serialized import between_0_and_1, is_number


class RandomGrayscale(RandomImageLayer):
    """Takes the colours of each image, (N, H, W, 3), with probability `factor`.

    >>> RandomGrayscale(1.0)(ops.ones((2, 3, 3, 3))).numpy().round(3).max().item()
    1.0
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format=data_format, **kwargs)
        self.factor = between_0_and_1("factor", factor)

    def changed(self, images: Any) -> Any:
        grey = ops.image.rgb_to_grayscale(images, self.data_format)
        return ops.where(self.per_image(self.uniform(images, 0, 1)) < self.factor, grey, images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class ChangedWithChance(FactorLayer):
    """The base of layers that change an image with a probability out of a range.

    Args:
        factor: the probability is drawn from [factor[0], factor[1]]; one number f is (0, f).
        value_range: of the numbers of the images.
    """

    def chosen(self, images: Any) -> Any:
        """Which images are changed, (N, 1, 1, 1)."""
        chance = self.uniform(images, *self.factor)
        return self.per_image(self.uniform(images, 0, 1) < chance)


class RandomInvert(ChangedWithChance):
    """Takes images from the upper end of the value range, as in a negative.

    >>> RandomInvert((1, 1))(255 * ops.ones((1, 1, 2, 1))).reshape(-1).tolist()
    [0.0, 0.0]
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def changed(self, images: Any) -> Any:
        return ops.where(self.chosen(images), self.value_range[1] - images, images)


class RandomErasing(ChangedWithChance):
    """Fills a rectangle of an image, at a random place.

    Args:
        scale: height and width of the rectangle are those of the image times roots of numbers in
            [scale[0], scale[1]].
        fill_value: a number, or one for each of three channels; None is noise.

    >>> RandomErasing((1, 1), (1, 1), 7.0)(ops.ones((1, 1, 2, 1))).reshape(-1).tolist()
    [7.0, 7.0]
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        scale: Factor = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        self.scale = factor_range("scale", scale, 0, 1)
        several = isinstance(fill_value, list | tuple) and len(fill_value) == 3
        if fill_value is not None and not several and not is_number(fill_value):
            raise ValueError(
                "The `fill_value` argument should be a number (or a list of three numbers). "
                f"Received: fill_value={fill_value}"
            )
        self.fill_value = fill_value

    def changed(self, images: Any) -> Any:
        rows, columns = (self._inside(images, axis) for axis in self.axes(images))
        erased = ops.logical_and(self.chosen(images), ops.logical_and(rows, columns))
        fill = ops.clip(self._fill(images), *self.value_range)
        return ops.where(erased, fill, images)

    def _inside(self, images: Any, axis: int) -> Any:
        """Whether the entries of an axis are those of the rectangle, (N, ...)."""
        axis = axis % 4
        size = self.sizes(images)[self.axes(images).index(axis)]
        length = ops.sqrt(self.uniform(images, *self.scale)) * size
        start = self.per_image(self.uniform(images, 0, 1) * (size - length))
        places = ops.reshape(ops.arange(size, dtype="float32"), (-1, *[1] * (3 - axis)))
        return ops.logical_and(places >= start, places < start + self.per_image(length))

    def _fill(self, images: Any) -> Any:
        if self.fill_value is None:
            noise = nnrandom.normal(ops.shape(images), seed=self.generator)
            return noise * self.value_range[1]
        if is_number(self.fill_value):
            return float(self.fill_value)
        fill = ops.convert_to_tensor(self.fill_value, "float32")
        return ops.reshape(fill, (3, 1, 1)) if self.data_format == "channels_first" else fill

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "fill_value": self.fill_value}


class Solarization(RandomImageLayer):
    """Adds a number to each image and inverts what is above another.

    Args:
        addition_factor, threshold_factor: parts of the value range, drawn from [factor[0],
            factor[1]]; one number f is (0, f). (Keras takes the lower end as it is, not as a part.)
        value_range: of the numbers of the images.

    >>> Solarization()(ops.convert_to_tensor([[[[0.0], [55.0]]]])).reshape(-1).tolist()
    [255.0, 200.0]
    """

    def __init__(
        self,
        addition_factor: Factor = 0.0,
        threshold_factor: Factor = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.addition_factor = factor_range("addition_factor", addition_factor, 0, 1)
        self.threshold_factor = factor_range("threshold_factor", threshold_factor, 0, 1)
        self.value_range = checked_range(value_range)

    def changed(self, images: Any) -> Any:
        low, high = self.value_range
        addition, threshold = (
            self.per_image(self.uniform(images, *factor)) * (high - low)
            for factor in (self.addition_factor, self.threshold_factor)
        )
        lighter = ops.clip(images + addition, low, high)
        return ops.where(lighter - low < threshold, lighter, low + high - lighter)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "addition_factor": self.addition_factor,
            "threshold_factor": self.threshold_factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }


class AutoContrast(ImageLayer):
    """Stretches each channel of each image to the whole value range; one of a single value stays.

    It does so in `predict` too, as in Keras.

    >>> AutoContrast()(ops.convert_to_tensor([[[[1.0], [2.0], [3.0]]]])).reshape(-1).tolist()
    [0.0, 127.5, 255.0]
    """

    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_range(value_range)

    def transform(self, images: Any, training: bool) -> Any:
        x = ops.cast(images, self.dtype)
        low, high = self.value_range
        least, most = (of(x, self.axes(x), keepdims=True) for of in (ops.min, ops.max))
        flat = ops.equal(least, most)
        stretched = (x - least) / ops.where(flat, 1.0, most - least) * (high - low) + low
        return ops.where(flat, x, stretched)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range}
