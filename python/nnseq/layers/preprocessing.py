"""Rescaling and Normalization."""

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from nnseq import ops
from nnseq.engine.dtypes import epsilon
from nnseq.layers.layer import Layer
from nnseq.utils.batches import PyDataset


def _number_or_list(value: Any) -> Any:
    """A number, or the entries of an array, as JSON knows them."""
    return None if value is None else np.asarray(value).tolist()


def batches(data: Any, steps: int | None = None) -> Iterable[Any]:
    """The batches of what `adapt` takes, at most `steps`; an array or a list is one."""
    found = [data] if isinstance(data, list | tuple) else _batches(data)
    return found if steps is None else islice(found, steps)


def _batches(data: Any) -> Iterable[Any]:
    if hasattr(data, "shape"):
        return [data]
    if isinstance(data, PyDataset):  # has no end of its own
        return (data[index] for index in range(len(data)))
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | dict):
        return data
    raise ValueError(
        "adapt() takes an array, or something that yields batches. "
        f"Received: {data!r} (of type {type(data).__name__})"
    )


class Rescaling(Layer):
    """x * scale + offset; both are numbers, or arrays that are broadcast to x.

    >>> Rescaling(1 / 255)(ops.convert_to_tensor([0, 255])).tolist()
    [0.0, 1.0]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        scale, offset = (np.asarray(v, self.dtype) for v in (self.scale, self.offset))
        return ops.cast(inputs, self.dtype) * scale + offset

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": _number_or_list(self.scale),
            "offset": _number_or_list(self.offset),
        }


class Normalization(Layer):
    """(x - mean) / sqrt(variance), with moments of a data set that are given or adapted to.

    Args:
        axis: the axes whose entries have a mean each; None is one mean for all.
        mean, variance: numbers or arrays over the last of these axes, both or none.
        invert: whether to compute x * sqrt(variance) + mean instead.

    Raises:
        ValueError: if only one of mean and variance is given or their shapes do not fit.

    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0, 0.0], [3.0, 4.0]]))
    >>> layer(np.array([[3.0, 2.0]])).tolist()
    [[1.0, 0.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        axes = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.axis: tuple[int, ...] = axes
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True
        if (mean is None) != (variance is None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean} and variance={variance}"
            )
        if np.shape(mean) != np.shape(variance) or len(np.shape(mean)) > len(axes):
            raise ValueError(
                "`mean` and `variance` must have the same shape and at most as many dimensions as "
                f"there are axes. Received: mean shape {np.shape(mean)}, variance shape "
                f"{np.shape(variance)}, axis={axes}"
            )

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(
                "All `axis` values must be in the range [-ndim, ndim). "
                f"Received inputs with ndim={rank}, while axis={self.axis}"
            )
        self._kept = {a: input_shape[a] for a in sorted(a % rank for a in self.axis)}
        if None in self._kept.values():
            raise ValueError(
                "All `axis` values to be kept must have a known shape. "
                f"Received axis={self.axis}, inputs.shape={input_shape}"
            )
        self._sizes = tuple(self._kept.get(a, 1) for a in range(rank))
        if self.input_mean is None:
            shape = tuple(self._kept.values())
            fixed: dict[str, Any] = {"trainable": False}
            self.adapt_mean = self.add_weight(shape, "zeros", name="mean", **fixed)
            self.adapt_variance = self.add_weight(shape, "ones", name="variance", **fixed)
            self.count = self.add_weight((), "zeros", "int32", name="count", **fixed)

    def adapt(self, data: Any) -> None:
        """Sets the moments to those of the data.

        Args:
            data: an array (N, ...), or such batches: an iterable or a PyDataset; of tuples the
                first entry.

        Raises:
            ValueError: if there is no row of numbers in it.
        """
        if self.input_mean is not None:
            raise ValueError(f"Layer '{self.name}' was given its mean and variance: do not adapt")
        count, mean, squares = 0, np.zeros(()), np.zeros(())
        for batch in _batches(data):
            x = batch[0] if isinstance(batch, tuple) else batch
            x = np.asarray(ops.convert_to_numpy(x), np.float64)
            if not x.size:
                continue
            others = self._other_axes(x.shape)
            size = math.prod(x.shape[a] for a in others)
            change = x.mean(others) - mean
            count += size
            squares = squares + x.var(others) * size + change**2 * size * (count - size) / count
            mean = mean + change * (size / count)
        if not count:
            raise ValueError("adapt() received no data. Expected at least one batch.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(squares / count)

    def _other_axes(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The axes that share a mean; builds the layer for this shape or checks it."""
        if not self.built:
            self.build(shape)
        if len(shape) != len(self._sizes) or any(shape[a] != n for a, n in self._kept.items()):
            raise ValueError(
                f"Layer '{self.name}' was built for sizes {self._kept} of the axes, but adapt() "
                f"is being called with data of shape {shape}"
            )
        return tuple(a for a in range(len(shape)) if a not in self._kept)

    def _moment(self, given: Any, adapted: str) -> Any:
        """Given or adapted moments, of the rank of the input."""
        if given is None:
            return ops.reshape(getattr(self, adapted), self._sizes)
        value = np.asarray(given, self.dtype)
        sizes = [1] * len(self._sizes)
        for axis, size in zip(reversed(self._kept), reversed(value.shape), strict=False):
            sizes[axis] = size
        return ops.convert_to_tensor(np.broadcast_to(value.reshape(sizes), self._sizes))

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.dtype)
        mean = self._moment(self.input_mean, "adapt_mean")
        variance = self._moment(self.input_variance, "adapt_variance")
        stddev = ops.maximum(ops.sqrt(variance), epsilon())
        return x * stddev + mean if self.invert else (x - mean) / stddev

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": _number_or_list(self.input_mean),
            "variance": _number_or_list(self.input_variance),
        }
