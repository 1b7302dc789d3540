"""Pooling over windows of a sequence, an image or a volume, and over all positions."""

from collections.abc import Callable, Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import choice, positives
from nnseq.layers.serialized import data_format as check_format


class Pooling(Layer):
    """(N, ..., C) -> (N, ..., C), one value for each window; subclasses say which.

    Args:
        pool_size: an integer, or one for each axis of positions.
        strides: None is `pool_size`.
        padding: "valid" or "same"; cells outside of the input do not count.
        data_format: "channels_last" (default) or "channels_first".

    Raises:
        ValueError: if the input is smaller than the window.
    """

    rank: int  # of the positions
    function: Callable[..., Any]

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = positives("pool_size", pool_size, self.rank)
        self.strides = positives(
            "strides", self.pool_size if strides is None else strides, self.rank
        )
        self.padding = choice("padding", padding, ("valid", "same"))
        self.data_format = check_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        return self.function(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class MaxPooling1D(Pooling):
    """(N, T, C) -> (N, T', C), the maximum of each window.

    >>> MaxPooling1D()(ops.ones((1, 5, 3))).shape
    (1, 2, 3)
    """

    rank = 1
    function = staticmethod(ops.max_pool)


class MaxPooling2D(Pooling):
    """The maximum of each window.

    >>> MaxPooling2D(2)(ops.ones((1, 5, 4, 3))).shape
    (1, 2, 2, 3)
    """

    rank = 2
    function = staticmethod(ops.max_pool)


class MaxPooling3D(Pooling):
    """The maximum of each window of (N, D, H, W, C).

    >>> MaxPooling3D(2)(ops.ones((1, 5, 4, 6, 3))).shape
    (1, 2, 2, 3, 3)
    """

    rank = 3
    function = staticmethod(ops.max_pool)


class AveragePooling1D(Pooling):
    """(N, T, C) -> (N, T', C), the average of each window, over the steps inside of the input.

    >>> AveragePooling1D(2, padding="same")(ops.ones((1, 3, 1))).numpy().min().item()
    1.0
    """

    rank = 1
    function = staticmethod(ops.average_pool)


class AveragePooling2D(Pooling):
    """The average of each window, over the cells inside of the image.

    >>> AveragePooling2D(2, padding="same")(ops.ones((1, 3, 3, 1))).numpy().min().item()
    1.0
    """

    rank = 2
    function = staticmethod(ops.average_pool)


class AveragePooling3D(Pooling):
    """The average of each window of (N, D, H, W, C), over the cells inside of the volume.

    >>> AveragePooling3D(2, padding="same")(ops.ones((1, 3, 3, 3, 1))).numpy().min().item()
    1.0
    """

    rank = 3
    function = staticmethod(ops.average_pool)


class AdaptivePooling(Layer):
    """(N, ..., C) -> (N, *output_size, C): windows that divide the input, whatever its size.

    Args:
        output_size: an integer, or one for each axis of positions.
        data_format: "channels_last" (default) or "channels_first".
    """

    rank: int  # of the positions
    function: Callable[..., Any]

    def __init__(
        self, output_size: int | Sequence[int], data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(output_size, int | list | tuple):
            raise TypeError(
                f"`output_size` must be an integer or {self.rank} of them. Received: {output_size} "
                f"of type {type(output_size)}"
            )
        self.output_size = positives("output_size", output_size, self.rank)
        self.data_format = check_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        return self.function(inputs, self.output_size, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_size": self.output_size,
            "data_format": self.data_format,
        }


class AdaptiveMaxPooling1D(AdaptivePooling):
    """(N, T, C) -> (N, output_size, C), the maximum of each window.

    >>> AdaptiveMaxPooling1D(2)(ops.ones((1, 5, 3))).shape
    (1, 2, 3)
    """

    rank = 1
    function = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling2D(AdaptivePooling):
    """The maximum of each window of (N, H, W, C)."""

    rank = 2
    function = staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling3D(AdaptivePooling):
    """The maximum of each window of (N, D, H, W, C)."""

    rank = 3
    function = staticmethod(ops.adaptive_max_pool)


class AdaptiveAveragePooling1D(AdaptivePooling):
    """(N, T, C) -> (N, output_size, C), the average of each window.

    >>> AdaptiveAveragePooling1D(2)(ops.ones((1, 5, 3))).shape
    (1, 2, 3)
    """

    rank = 1
    function = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling2D(AdaptivePooling):
    """The average of each window of (N, H, W, C)."""

    rank = 2
    function = staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling3D(AdaptivePooling):
    """The average of each window of (N, D, H, W, C)."""

    rank = 3
    function = staticmethod(ops.adaptive_average_pool)


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


class GlobalMaxPooling(GlobalPooling):
    """The maximum over all positions."""

    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=self.axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling):
    """(N, T, C) -> (N, C), the maximum.

    >>> GlobalMaxPooling1D()(ops.ones((2, 5, 3))).shape
    (2, 3)
    """

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """(N, H, W, C) -> (N, C), the maximum."""

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """(N, D, H, W, C) -> (N, C), the maximum."""

    rank = 3


class GlobalAveragePooling(GlobalPooling):
    """The mean over all positions."""

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=self.axes, keepdims=self.keepdims)


class GlobalAveragePooling2D(GlobalAveragePooling):
    """(N, H, W, C) -> (N, C), the mean."""

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """(N, D, H, W, C) -> (N, C), the mean."""

    rank = 3


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
