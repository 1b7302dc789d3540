"""Augmentation that mixes each image, and its label, with another one of the batch."""

from typing import Any

from nnseq import ops
from nnseq import random as nnrandom
from nnseq.layers.random_images import Factor, RandomImageLayer, factor_range


class Mixture(RandomImageLayer):
    """The base of layers that mix images with others of the same batch.

    Called with images (N, H, W, C), or {"images": images, "labels": labels (N, classes)}. A
    subclass defines `mixed`.
    """

    def mixed(self, images: Any, others: Any) -> tuple[Any, Any]:
        """The mixtures, and which part of each is its own image, (N,)."""
        raise NotImplementedError(f"{type(self).__name__} must implement mixed()")

    def call(self, data: Any, training: bool = True) -> Any:
        images = data.get("images") if isinstance(data, dict) else data
        if not training or images is None or len(images.shape) != 4:
            return super().call(data, False)  # one image has no other
        self.axes(images)
        labels = data.get("labels") if isinstance(data, dict) else None
        if labels is not None and len(labels.shape) != 2:
            raise ValueError(
                f"{type(self).__name__} mixes labels (N, classes), such as those of one_hot. "
                f"Received: labels of shape {tuple(labels.shape)}"
            )
        images = ops.cast(images, self.dtype)
        order = ops.argsort(self.uniform(images, 0, 1))
        found, part = self.mixed(images, ops.take(images, order, axis=0))
        if not isinstance(data, dict):
            return found
        result = {**super().call(data, False), "images": found}
        if labels is not None:
            part = ops.reshape(part, (-1, 1))
            labels = ops.cast(labels, self.dtype)
            result["labels"] = part * labels + (1.0 - part) * ops.take(labels, order, axis=0)
        return result


class MixUp(Mixture):
    """weight * image + (1 - weight) * another image of the batch, and labels likewise.

    Args:
        alpha: weights are drawn from the beta distribution of (alpha, alpha) for each image; the
            smaller, the nearer they are to 0 or 1 (Zhang et al. 2018).

    >>> images, labels = ops.ones((4, 8, 8, 3)), ops.one_hot([0, 1, 0, 1], 2)
    >>> mixed = MixUp(alpha=0.4, seed=1)({"images": images, "labels": labels})
    >>> mixed["labels"].shape, [round(x, 3) for x in ops.sum(mixed["labels"], -1).tolist()]
    ((4, 2), [1.0, 1.0, 1.0, 1.0])
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def mixed(self, images: Any, others: Any) -> tuple[Any, Any]:
        count = ops.shape(images)[0]
        part = nnrandom.beta((count,), self.alpha, self.alpha, seed=self.generator)
        weight = self.per_image(part)
        return weight * images + (1.0 - weight) * others, part

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "seed": self.seed}


class CutMix(Mixture):
    """Images with a rectangle out of another image of the batch, and labels by its area.

    Args:
        factor: the range, or its upper end, in [0, 1] of the alpha with which the part that stays
            is drawn from the beta distribution of (alpha, alpha) (Yun et al. 2019).

    >>> images, labels = ops.ones((4, 8, 8, 3)), ops.one_hot([0, 1, 0, 1], 2)
    >>> CutMix(seed=1)({"images": images, "labels": labels})["images"].shape
    (4, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format=data_format, **kwargs)
        self.factor = factor_range("factor", factor, 0, 1)

    def mixed(self, images: Any, others: Any) -> tuple[Any, Any]:
        alpha = self.drawn((), *self.factor) + 1e-6
        count = ops.shape(images)[0]
        side = ops.sqrt(1.0 - nnrandom.beta((count,), alpha, alpha, seed=self.generator))
        is_cut: Any = True
        area: Any = 1.0
        for axis, size in zip(self.axes(images), self.sizes(images), strict=True):
            length = side * size
            start = self.uniform(images, 0, 1) * (size - length)
            shape = [1] * 4
            shape[axis] = size
            places = ops.reshape(ops.arange(size, dtype="float32"), shape)
            inside = ops.logical_and(
                places >= self.per_image(start), places < self.per_image(start + length)
            )
            is_cut = ops.logical_and(is_cut, inside)
            area = area * length / size
        return ops.where(is_cut, others, images), 1.0 - area

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}
