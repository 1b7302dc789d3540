"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D: LSTMs over sequences of rows, images and volumes."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.rnn import CellRNN
from nnseq.layers.rnn_cells import GatedCell
from nnseq.layers.rnn_steps import Results, Steps
from nnseq.layers.serialized import choice, data_format, given, positive, positives


class ConvLSTMCell(GatedCell):
    """One step of an LSTM whose products are convolutions (Shi et al., 2015).

    Called with x (N, H, W, C) and the states [h, c], each (N, H', W', filters), in one, two or
    three dimensions; gives (h, [h, c]).
    """

    rank: int
    filters: int
    kernel_size: Any
    strides: Any
    padding: str
    data_format: str
    dilation_rate: Any

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(given(locals()), **kwargs)

    def _set_sizes(self) -> None:
        self.filters = positive("filters", self.filters)
        self.kernel_size = positives("kernel_size", self.kernel_size, self.rank)
        self.strides = positives("strides", self.strides, self.rank)
        self.padding = choice("padding", self.padding, ("valid", "same"))
        self.data_format = data_format(self.data_format)
        self.dilation_rate = positives("dilation_rate", self.dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "Specifying `strides > 1` is not compatible with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.state_size = [self.filters, self.filters]
        self.output_size = self.filters

    def build(self, input_shape: Any) -> None:
        first = self.data_format == "channels_first"
        channels, positions = (
            (input_shape[1], input_shape[2:]) if first else (input_shape[-1], input_shape[1:-1])
        )
        if None in (channels, *positions):
            raise ValueError(
                "ConvLSTM layers need to know the channels and the spatial dimensions of their "
                f"input. Received: input_shape={input_shape}"
            )
        self._sizes = tuple(map(self._size_after, range(self.rank), positions))
        self._make_weights(self.kernel_size, channels, self.filters)

    def _size_after(self, axis: int, size: int) -> int:
        """The size of one axis of positions after the convolution of the input."""
        stride, dilation = self.strides[axis], self.dilation_rate[axis]
        lost = 0 if self.padding == "same" else dilation * (self.kernel_size[axis] - 1)
        return -(-(size - lost) // stride)

    def project(self, x: Any, masks: Sequence[Any] = ()) -> Any:
        """x convolved with the kernel + bias, of (N, H, W, C) or all steps (N, T, H, W, C)."""

        def convolved(x: Any, kernel: Any) -> Any:
            images = ops.reshape(x, (-1, *x.shape[-self.rank - 1 :]))
            y = ops.conv(
                images, kernel, self.strides, self.padding, "channels_last", self.dilation_rate
            )
            return ops.reshape(y, (*ops.shape(x)[: -self.rank - 1], *y.shape[1:]))

        y = self._product(x, self.kernel, masks, convolved)
        return y if self.bias is None else ops.add(y, self.bias)

    def recurrent_product(self, h: Any, h_masks: Sequence[Any]) -> Any:
        """h convolved with the recurrent kernel."""

        def convolved(h: Any, kernel: Any) -> Any:
            return ops.conv(h, kernel, padding="same", data_format="channels_last")

        return self._product(h, self.recurrent_kernel, h_masks, convolved)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        one = super().call
        h, after = one(self._last(inputs), [self._last(s) for s in states], training)
        return self._given(h), [self._given(s) for s in after]

    def over_steps(self, sequence: Any, states: list[Any], steps: Steps) -> Results:
        """The cell over (N, T, H, W, C)."""
        states = [self._last(s) for s in states]
        last, outputs, states = super().over_steps(self._last(sequence, 2), states, steps)
        return self._given(last), self._given(outputs, 2), [self._given(s) for s in states]

    def _last(self, x: Any, axis: int = 1) -> Any:
        """x with its channels in the last axis."""
        return ops.moveaxis(x, axis, -1) if self.data_format == "channels_first" else x

    def _given(self, x: Any, axis: int = 1) -> Any:
        """x with its channels where the layer has them."""
        return ops.moveaxis(x, -1, axis) if self.data_format == "channels_first" else x

    def dropout_masks(self, x: Any, h: Any) -> tuple[list[Any], list[Any]]:
        """One mask for each gate."""
        rates = (self.dropout, self.recurrent_dropout)
        return self._masks(x, rates[0], self.gates), self._masks(h, rates[1], self.gates)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """States of zeros, (batch_size, H', W', filters)."""
        zeros = self._given(ops.zeros((batch_size, *self._sizes, self.filters)))
        return [zeros, zeros]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["rank"]  # the layer's
        return config


class ConvLSTM(CellRNN):
    """An LSTM whose products are convolutions over `positions` axes (Shi et al., 2015).

    (N, T, H, W, C) -> (N, H', W', filters), in one, two or three dimensions. The convolution of
    the input is that of Conv2D with these arguments, the one of the state has stride 1 and keeps
    its size.

    Args:
        filters: number of output channels.
        kernel_size, strides, dilation_rate: an integer, or one for each axis of positions; one
            of the last two must be 1.
        padding: "valid" or "same".
        data_format: "channels_last" (default) or "channels_first".
        activation, ..., seed: see LSTM; dropout draws a mask for each gate.
        return_sequences, ..., stateful: see LSTM.
    """

    cell_type = ConvLSTMCell
    positions: int

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__({"rank": self.positions, **given(locals())}, **kwargs)
        self.input_spec = InputSpec(ndim=self.positions + 3)


class ConvLSTM1D(ConvLSTM):
    """An LSTM over sequences of rows: see ConvLSTM.

    >>> ConvLSTM1D(4, 3)(ops.ones((2, 5, 9, 3))).shape
    (2, 7, 4)
    """

    positions = 1


class ConvLSTM2D(ConvLSTM):
    """An LSTM over sequences of images: see ConvLSTM.

    >>> ConvLSTM2D(4, 3, padding="same", return_sequences=True)(ops.ones((2, 5, 9, 8, 3))).shape
    (2, 5, 9, 8, 4)
    """

    positions = 2


class ConvLSTM3D(ConvLSTM):
    """An LSTM over sequences of volumes: see ConvLSTM.

    >>> ConvLSTM3D(4, 3)(ops.ones((2, 3, 5, 4, 3, 2))).shape
    (2, 3, 2, 1, 4)
    """

    positions = 3
