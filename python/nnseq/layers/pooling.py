"""Pooling over windows of an image, and over all positions."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.channels import in_channels_last
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import choice, pair
from nnseq.layers.serialized import data_format as check_format


class Pooling2D(Layer):
    """(N, H, W, C) -> (N, H', W', C), one value for each window; subclasses say which.

    Args:
        pool_size: an integer or two.
        strides: None is `pool_size`.
        padding: "valid" or "same"; cells outside of the image do not count.
        data_format: "channels_last" (default) or "channels_first".

    Raises:
        ValueError: if the image is smaller than the window.
    """

    function: Callable[..., Any]

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair("strides", strides)
        self.padding = choice("padding", padding, ("valid", "same"))
        self.data_format = check_format(data_format)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        pooled = functools.partial(
            self.function, pool_size=self.pool_size, strides=self.strides, padding=self.padding
        )
        return in_channels_last(pooled, inputs, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class MaxPooling2D(Pooling2D):
    """The maximum of each window.

    >>> MaxPooling2D(2)(ops.ones((1, 5, 4, 3))).shape
    (1, 2, 2, 3)
    """

    function = staticmethod(ops.max_pool)


class AveragePooling2D(Pooling2D):
    """The average of each window, over the cells inside of the image.

    >>> AveragePooling2D(2, padding="same")(ops.ones((1, 3, 3, 1))).numpy().min().item()
    1.0
    """

    function = staticmethod(ops.average_pool)


class GlobalPooling(Layer):
    """Pools over all positions; subclasses say which axes and how.

    Args:
        data_format: "channels_last" (default) or "channels_first".
        keepdims: whether the pooled axes stay, with size 1.
    """

    rank: int  # of the positions

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = check_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the positions."""
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "keepdims": self.keepdims,
        }


class GlobalMaxPooling2D(GlobalPooling):
    """(N, H, W, C) -> (N, C), the maximum."""

    rank = 2

    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=self.axes, keepdims=self.keepdims)


class GlobalAveragePooling2D(GlobalPooling):
    """(N, H, W, C) -> (N, C), the mean."""

    rank = 2

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=self.axes, keepdims=self.keepdims)


class GlobalAveragePooling1D(GlobalPooling):
    """(N, T, C) -> (N, C), the mean over the steps, with a mask (N, T) over those it keeps.

    >>> GlobalAveragePooling1D()(ops.ones((2, 5, 3))).shape
    (2, 3)
    """

    rank = 1

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, keepdims=keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.mean(inputs, axis=self.axes, keepdims=self.keepdims)
        weights = ops.expand_dims(
            ops.cast(mask, inputs.dtype), 2 if self.data_format == "channels_last" else 1
        )
        total = ops.sum(inputs * weights, axis=self.axes, keepdims=self.keepdims)
        return total / ops.sum(weights, axis=self.axes, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None
