"""DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D and SeparableConv2D."""

from collections.abc import Sequence
from typing import Any

from nnseq import activations, constraints, initializers, ops, regularizers
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import choice, positive, positives, serialized
from nnseq.layers.serialized import data_format as check_format
from nnseq.ops.positions import channel_axis, in_channels_last


class Depthwise(Layer):
    """A convolution of each channel on its own over `rank` axes of positions, bias, activation.

    Args:
        kernel_size, strides, dilation_rate: an integer, or one for each axis of positions; one
            of the last two must be 1.
        padding: "valid" or "same", as in Conv2D.
        depth_multiplier: number of channels made of each input channel.
        data_format: "channels_last" (default) or "channels_first".
        activation: name or function applied at the end.

    Raises:
        ValueError: if an argument is out of range or the input is smaller than the kernel.
    """

    rank: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = positives("kernel_size", kernel_size, self.rank)
        self.strides = positives("strides", strides, self.rank)
        self.padding = choice("padding", padding, ("valid", "same"))
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier)
        self.data_format = check_format(data_format)
        self.dilation_rate = positives("dilation_rate", dilation_rate, self.rank)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` is not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={strides}, dilation_rate={dilation_rate}"
            )

    def _channels(self, input_shape: Any) -> int:
        axis = channel_axis(self.data_format)
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"The number of input channels must be known. Received: input_shape={input_shape}"
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return int(channels)

    def _add_kernel(self, name: str, channels: int) -> Any:
        return self.add_weight(
            name=name,
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )

    def _add_bias(self, channels: int) -> Any:
        if not self.use_bias:
            return None
        return self.add_weight(
            name="bias",
            shape=(channels,),
            initializer=self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def call(self, inputs: Any) -> Any:
        return self.activation(in_channels_last(self._convolved, inputs, self.data_format))

    def _convolved(self, x: Any) -> Any:
        """Of (N, ..., C), without the activation."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "depth_multiplier": self.depth_multiplier,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "use_bias": self.use_bias,
            **serialized(
                self,
                "activation",
                "depthwise_initializer",
                "bias_initializer",
                "depthwise_regularizer",
                "bias_regularizer",
                "activity_regularizer",
                "depthwise_constraint",
                "bias_constraint",
            ),
        }


class DepthwiseConv(Depthwise):
    """(N, ..., C) -> (N, ..., C * depth_multiplier), kernel (..., C, depth_multiplier)."""

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = self._add_kernel("kernel", channels)
        self.bias = self._add_bias(channels * self.depth_multiplier)

    def _convolved(self, x: Any) -> Any:
        y = ops.depthwise_conv(
            x, self.kernel, self.strides, self.padding, "channels_last", self.dilation_rate
        )
        return y if self.bias is None else ops.add(y, self.bias)


class DepthwiseConv1D(DepthwiseConv):
    """(N, T, C) -> (N, T', C * depth_multiplier), kernel (k, C, depth_multiplier).

    >>> DepthwiseConv1D(3, depth_multiplier=2)(ops.ones((1, 5, 3))).shape
    (1, 3, 6)
    """

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """(N, H, W, C) -> (N, H', W', C * depth_multiplier), kernel (kh, kw, C, depth_multiplier).

    >>> DepthwiseConv2D(3, depth_multiplier=2)(ops.ones((1, 5, 6, 3))).shape
    (1, 3, 4, 6)
    """

    rank = 2


class SeparableConv(Depthwise):
    """A depthwise convolution, then one over the channels: (N, ..., C) -> (N, ..., filters)."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            depth_multiplier,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            depthwise_initializer,
            bias_initializer,
            depthwise_regularizer,
            bias_regularizer,
            activity_regularizer,
            depthwise_constraint,
            bias_constraint,
            **kwargs,
        )
        self.filters = positive("filters", filters)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.depthwise_kernel = self._add_kernel("depthwise_kernel", channels)
        self.pointwise_kernel = self.add_weight(
            name="pointwise_kernel",
            shape=(*[1] * self.rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self.bias = self._add_bias(self.filters)

    def _convolved(self, x: Any) -> Any:
        y = ops.separable_conv(
            x,
            self.depthwise_kernel,
            self.pointwise_kernel,
            self.strides,
            self.padding,
            "channels_last",
            self.dilation_rate,
        )
        return y if self.bias is None else ops.add(y, self.bias)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            **serialized(
                self, "pointwise_initializer", "pointwise_regularizer", "pointwise_constraint"
            ),
        }


class SeparableConv1D(SeparableConv):
    """(N, T, C) -> (N, T', filters), kernels (k, C, depth_multiplier) and (1, ..., filters).

    >>> SeparableConv1D(8, 3, padding="same")(ops.ones((1, 5, 3))).shape
    (1, 5, 8)
    """

    rank = 1


class SeparableConv2D(SeparableConv):
    """(N, H, W, C) -> (N, H', W', filters), kernels (kh, kw, C, depth_multiplier), (1, 1, ...).

    >>> SeparableConv2D(8, 3, padding="same")(ops.ones((1, 5, 6, 3))).shape
    (1, 5, 6, 8)
    """

    rank = 2
