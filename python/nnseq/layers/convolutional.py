"""Conv1D, Conv2D and Conv3D."""

from collections.abc import Sequence
from typing import Any

from nnseq import activations, constraints, initializers, ops, regularizers
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import choice, positive, positives, serialized
from nnseq.layers.serialized import data_format as check_format
from nnseq.ops.positions import channel_axis, in_channels_last


class Conv(Layer):
    """activation(x convolved with kernel + bias) over `rank` axes of positions.

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an integer, or one for each axis of positions; one
            of the last two must be 1.
        padding: "valid": H' = floor((H - dilation * (kh - 1) - 1) / stride) + 1; "same":
            H' = ceil(H / stride), the odd row of zeros at the bottom and right.
        data_format: "channels_last" (default) or "channels_first".
        groups: input and output channels are cut into this many independent groups.
        activation: name or function applied at the end.

    Raises:
        ValueError: if an argument is out of range or the input is smaller than the kernel.
    """

    rank: int
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive("filters", filters)
        self.kernel_size = positives("kernel_size", kernel_size, self.rank)
        self.strides = positives("strides", strides, self.rank)
        self.dilation_rate = positives("dilation_rate", dilation_rate, self.rank)
        self.padding = choice("padding", padding, self.paddings)
        self.data_format = check_format(data_format)
        self.groups = positive("groups", groups)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if self.filters % self.groups:
            raise ValueError(
                "The number of filters must be divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}"
            )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` is not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={strides}, dilation_rate={dilation_rate}"
            )

    def build(self, input_shape: Any) -> None:
        axis = channel_axis(self.data_format)
        channels = input_shape[axis]
        if channels is None or channels % self.groups:
            raise ValueError(
                "The number of input channels must be known and divisible by the number of groups. "
                f"Received: groups={self.groups}, input_shape={input_shape}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=self._kernel_shape(channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, channels // self.groups, self.filters)

    def call(self, inputs: Any) -> Any:
        return self.activation(in_channels_last(self._convolved, inputs, self.data_format))

    def _convolved(self, x: Any) -> Any:
        y = ops.conv(
            x, self.kernel, self.strides, self.padding, "channels_last", self.dilation_rate
        )
        return y if self.bias is None else ops.add(y, self.bias)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "use_bias": self.use_bias,
            **serialized(
                self,
                "activation",
                "kernel_initializer",
                "bias_initializer",
                "kernel_regularizer",
                "bias_regularizer",
                "activity_regularizer",
                "kernel_constraint",
                "bias_constraint",
            ),
        }


class Conv1D(Conv):
    """(N, T, C) -> (N, T', filters), kernel (k, C / groups, filters).

    The padding "causal" puts all zeros before the first step: y[t] depends on x[:t + 1] only.

    >>> Conv1D(8, 3, padding="causal")(ops.ones((1, 5, 3))).shape
    (1, 5, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Conv):
    """(N, H, W, C) -> (N, H', W', filters), kernel (kh, kw, C / groups, filters).

    >>> Conv2D(8, 3, padding="same", strides=2)(ops.ones((1, 5, 6, 3))).shape
    (1, 3, 3, 8)
    """

    rank = 2


class Conv3D(Conv):
    """(N, D, H, W, C) -> (N, D', H', W', filters), kernel (kd, kh, kw, C / groups, filters).

    >>> Conv3D(8, 3, padding="same", strides=2)(ops.ones((1, 5, 6, 7, 3))).shape
    (1, 3, 3, 4, 8)
    """

    rank = 3
