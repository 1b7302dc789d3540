"""Augmentation: images that are turned, moved, cut and coloured at random, each by itself.

In training; `predict` and `evaluate` leave images as they are. A call that says nothing of
`training`, of a layer or of a model, changes them, as in Keras.
"""

import math
from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq import random as nnrandom
from nnseq.engine.random_state import SeedGenerator, make_seed
from nnseq.layers.images import ImageLayer, resized_middle
from nnseq.layers.serialized import choice, is_number, positive

Factor = float | Sequence[float]
_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


def factor_range(name: str, factor: Any, low: float, high: float, opened: str = "[") -> Any:
    """(-f, f) cut off at `low` for a number f, the two in order for two.

    Raises:
        ValueError: for what is not in the range.
    """
    both = tuple(factor) if isinstance(factor, list | tuple) else (factor,)
    inside = all(is_number(f) and low <= f <= high and (opened == "[" or f != low) for f in both)
    if not inside or (len(both) == 1) == isinstance(factor, list | tuple):
        raise ValueError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"{opened}{low:.1f}, {high:.1f}]. Received: {name}={factor}"
        )
    if len(both) == 1:
        return max(-abs(factor), low), abs(factor)
    lower, upper = sorted(both)
    return lower, upper


class RandomImageLayer(ImageLayer):
    """The base of layers that change images at random.

    A subclass defines `changed`, which gets a batch of floats in training.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def transform(self, images: Any, training: bool) -> Any:
        x = ops.cast(images, self.dtype)
        return self.changed(x) if training else x

    def part(self, layer: Any) -> Any:
        """A layer that is a step of this one: it draws from this one's generator."""
        layer.generator = self.generator
        return layer

    def changed(self, images: Any) -> Any:
        """The images, each changed by itself."""
        raise NotImplementedError(f"{type(self).__name__} must implement changed()")

    def uniform(self, images: Any, low: float, high: float) -> Any:
        """A number for each image, (N,)."""
        return self.drawn((ops.shape(images)[0],), low, high)

    def drawn(self, shape: Any, low: float, high: float) -> Any:
        """Numbers of this shape, uniform in [low, high)."""
        return nnrandom.uniform(shape, low, high, seed=self.generator)

    def sign(self, images: Any) -> Any:
        """1 or -1 for each image, (N,)."""
        return ops.where(self.uniform(images, 0, 1) > 0.5, -1.0, 1.0)

    def per_image(self, numbers: Any) -> Any:
        """(N,) -> (N, 1, 1, 1)."""
        return ops.reshape(numbers, (-1, 1, 1, 1))


class RandomFlip(RandomImageLayer):
    """Mirrors each image with probability 1/2.

    Args:
        mode: "horizontal", "vertical", or "horizontal_and_vertical": both ways at once.
        seed: of the random numbers.

    >>> x = ops.reshape(ops.arange(4.0), (1, 1, 4, 1))
    >>> set(RandomFlip("horizontal")(x).reshape(-1).tolist()) == {0.0, 1.0, 2.0, 3.0}
    True
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format=data_format, **kwargs)
        self.mode = choice("mode", mode, _MODES)

    def changed(self, images: Any) -> Any:
        rows, columns = self.axes(images)
        axes = {"horizontal": [columns], "vertical": [rows]}.get(self.mode, [rows, columns])
        flips = self.per_image(self.uniform(images, 0, 1)) <= 0.5
        return ops.where(flips, ops.flip(images, axes), images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}


def check_moves(
    fill_modes: tuple[str, ...] = ("reflect", "wrap", "constant", "nearest"), **given: str
) -> None:
    """Raises for a `fill_mode` or an `interpolation` that is not known."""
    for name, value in given.items():
        known = fill_modes if name == "fill_mode" else ("nearest", "bilinear")
        if value not in known:
            raise NotImplementedError(f"Unknown `{name}` {value}. Expected of one {known}.")


class MovedImageLayer(RandomImageLayer):
    """The base of layers that move, turn and zoom: `changed` is an affine transformation.

    A subclass defines `coefficients`: a0, a1, a2, b0, b1, b2 of `ops.image.affine_transform`.
    """

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format=data_format, **kwargs)
        check_moves(fill_mode=fill_mode, interpolation=interpolation)
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def coefficients(self, images: Any) -> Sequence[Any]:
        """Six vectors (N,) or numbers."""
        raise NotImplementedError(f"{type(self).__name__} must implement coefficients()")

    def changed(self, images: Any) -> Any:
        return ops.image.affine_transform(
            images,
            affine_matrix(self.coefficients(images)),
            self.interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "seed": self.seed,
            "fill_value": self.fill_value,
        }


def affine_matrix(coefficients: Sequence[Any]) -> Any:
    """(N, 8) of six vectors (N,) or numbers, one of them a vector, and two zeros."""
    zero = next(c for c in coefficients if not is_number(c)) * 0.0
    return ops.stack([zero + c for c in (*coefficients, 0.0, 0.0)], axis=1)


class RandomRotation(MovedImageLayer):
    """Turns each image around its middle.

    Args:
        factor: the largest angle both ways as a part of a full turn, or two angles.
        fill_mode: what comes in: "reflect" is the image backwards, "wrap" the image again,
            "nearest" its border, "constant" is `fill_value`.
        interpolation: "bilinear" or "nearest".

    >>> RandomRotation(0.1)(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    def __init__(
        self,
        factor: Factor,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factor_range("factor", factor or 0.0, -1, 1)

    def coefficients(self, images: Any) -> Sequence[Any]:
        angle = self.uniform(images, *(2 * math.pi * f for f in self.factor))
        cos, sin = ops.cos(angle), ops.sin(angle)
        height, width = self.sizes(images)
        y, x = (height - 1) / 2, (width - 1) / 2
        return cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class RandomTranslation(MovedImageLayer):
    """Moves each image down and to the right.

    Args:
        height_factor, width_factor: the longest way in both directions as a part of the image, or
            two such ways.
        fill_mode, interpolation: as in RandomRotation.

    >>> RandomTranslation(0.1, (0, 0.2))(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._rows = factor_range("height_factor", height_factor, -1, 1)
        self._columns = factor_range("width_factor", width_factor, -1, 1)

    def coefficients(self, images: Any) -> Sequence[Any]:
        height, width = self.sizes(images)
        down = self.uniform(images, *self._rows) * height
        right = self.uniform(images, *self._columns) * width
        return 1.0, 0.0, -right, 0.0, 1.0, -down

    def get_config(self) -> dict[str, Any]:
        config = {"height_factor": self.height_factor, "width_factor": self.width_factor}
        return {**super().get_config(), **config}


class RandomZoom(MovedImageLayer):
    """Makes each image smaller (factors above 0) or larger (below 0) around its middle.

    Args:
        height_factor: the largest change both ways, or two changes.
        width_factor: that of the width; None to keep the proportions.
        fill_mode, interpolation: as in RandomRotation.

    >>> RandomZoom((-0.5, -0.2))(ops.ones((2, 3, 3, 1))).shape
    (2, 3, 3, 1)
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._rows = factor_range("height_factor", height_factor, -1, 1, "(")
        self._columns = None
        if width_factor is not None:
            self._columns = factor_range("width_factor", width_factor, -1, 1, "(")

    def coefficients(self, images: Any) -> Sequence[Any]:
        height, width = self.sizes(images)
        y = self.uniform(images, *(1 + f for f in self._rows))
        x = y if self._columns is None else self.uniform(images, *(1 + f for f in self._columns))
        return x, 0.0, (width - 1) / 2 * (1 - x), 0.0, y, (height - 1) / 2 * (1 - y)

    def get_config(self) -> dict[str, Any]:
        config = {"height_factor": self.height_factor, "width_factor": self.width_factor}
        return {**super().get_config(), **config}


class RandomCrop(RandomImageLayer):
    """A window of each image at a random place; not in training, and of images that are smaller,
    the middle in the size of the window.

    Keras cuts all images of a batch at one place, and in `predict` does not cut them at all.

    >>> RandomCrop(2, 2)(ops.ones((3, 5, 4, 1))).shape
    (3, 2, 2, 1)
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        seed = make_seed() if seed is None else seed
        super().__init__(seed, data_format=data_format, name=name, **kwargs)
        self.height = positive("height", height)
        self.width = positive("width", width)

    def transform(self, images: Any, training: bool) -> Any:
        x = ops.cast(images, self.dtype)
        height, width = self.sizes(x)
        if not training or height < self.height or width < self.width:
            return resized_middle(x, self)
        down, right = (
            ops.minimum(ops.floor(self.uniform(x, 0, free + 1)), free)
            for free in (height - self.height, width - self.width)
        )
        matrix = affine_matrix((1.0, 0.0, right, 0.0, 1.0, down))
        x = ops.image.affine_transform(x, matrix, "nearest", data_format=self.data_format)
        rows, columns = self.axes(x)
        key = [slice(None)] * 4
        key[rows], key[columns] = slice(self.height), slice(self.width)
        return x[tuple(key)]

    def get_config(self) -> dict[str, Any]:
        config = {"height": self.height, "width": self.width, "seed": self.seed}
        return {**super().get_config(), **config}
