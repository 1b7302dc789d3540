"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.convolutional import Conv
from nnseq.layers.serialized import counts


class ConvTranspose(Conv):
    """The gradient of a convolution: its kernel is (..., filters, C).

    Args:
        padding: "valid": H' = (H - 1) * stride + max(kh, stride); "same": H' = H * stride.
        output_padding: sets H' to (H - 1) * stride + output_padding, plus kh for "valid" and
            kh % 2 for "same"; below the stride.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            1,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = counts("output_padding", output_padding, self.rank)
            if any(n >= s for n, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    "`output_padding` must be strictly less than `strides`. "
                    f"Received: output_padding={output_padding}, strides={strides}"
                )

    def _kernel_shape(self, channels: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, channels)

    def _convolved(self, x: Any) -> Any:
        y = ops.conv_transpose(
            x,
            self.kernel,
            self.strides,
            self.padding,
            self.output_padding,
            "channels_last",
            self.dilation_rate,
        )
        return y if self.bias is None else ops.add(y, self.bias)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "output_padding": self.output_padding}
        del config["groups"]
        return config


class Conv1DTranspose(ConvTranspose):
    """(N, T, C) -> (N, T', filters), kernel (k, filters, C).

    >>> Conv1DTranspose(8, 3, strides=2, padding="same")(ops.ones((1, 5, 3))).shape
    (1, 10, 8)
    """

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """(N, H, W, C) -> (N, H', W', filters), kernel (kh, kw, filters, C).

    >>> Conv2DTranspose(8, 3, strides=2, padding="same")(ops.ones((1, 5, 6, 3))).shape
    (1, 10, 12, 8)
    """

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """(N, D, H, W, C) -> (N, D', H', W', filters), kernel (kd, kh, kw, filters, C).

    >>> Conv3DTranspose(8, 3, strides=2, padding="same")(ops.ones((1, 5, 6, 7, 3))).shape
    (1, 10, 12, 14, 8)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = 1,
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
        super().__init__(  # Keras has two arguments in another order than in the other two classes
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )
