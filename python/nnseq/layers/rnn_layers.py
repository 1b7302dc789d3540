"""SimpleRNN, LSTM and GRU."""

from typing import Any

from nnseq.layers.rnn import CellRNN
from nnseq.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell
from nnseq.layers.serialized import given


def choice_of_cudnn(value: Any) -> Any:
    """`value` if Keras takes it; what it chooses between does not exist here."""
    if value not in ("auto", True, False):
        raise ValueError(
            "Invalid valid received for argument `use_cudnn`. Expected one of {'auto', True, "
            f"False}}. Received: use_cudnn={value}"
        )
    return value


class SimpleRNN(CellRNN):
    """Runs a SimpleRNNCell over the steps: (N, T, D) -> (N, units).

    Args:
        units, activation, ..., recurrent_dropout, seed: see SimpleRNNCell.
        return_sequences: give the outputs of all steps, (N, T, units).
        return_state: give (output, last state).
        go_backwards: go from the last step to the first; outputs stand in that order.
        stateful: a batch begins with the last states of the batch before; the batch size must be
            known. `reset_state()` sets them to 0.
        unroll: no effect.
        zero_output_for_mask: the output of a masked step is 0, not that of the step before.

    Called with a mask (N, T): where it is False the state and the output stay as they were (the
    output is zero before the first step that counts). `initial_state` is what the steps begin with.

    >>> import numpy as np
    >>> SimpleRNN(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    cell_type = SimpleRNNCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(given(locals()), **kwargs)


class LSTM(CellRNN):
    """Runs an LSTMCell over the steps: (N, T, D) -> (N, units).

    Args:
        units, activation, ..., recurrent_dropout, seed: see LSTMCell.
        return_sequences: give the outputs of all steps, (N, T, units).
        return_state: give (output, last h, last c).
        go_backwards: go from the last step to the first; outputs stand in that order.
        stateful: a batch begins with the last states of the batch before; the batch size must be
            known. `reset_state()` sets them to 0.
        unroll, use_cudnn: no effect.
        zero_output_for_mask: the output of a masked step is 0, not that of the step before.

    Called with a mask (N, T): where it is False the states and the output stay as they were (the
    output is zero before the first step that counts). `initial_state` is what the steps begin with.

    >>> import numpy as np
    >>> y, h, c = LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
    >>> y.shape, c.shape
    ((2, 5, 4), (2, 4))
    """

    cell_type = LSTMCell

    def __init__(
        self,
        units: int,
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
        unroll: bool = False,
        use_cudnn: Any = "auto",
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(given(locals(), "use_cudnn"), **kwargs)
        self.use_cudnn = choice_of_cudnn(use_cudnn)


class GRU(CellRNN):
    """Runs a GRUCell over the steps: (N, T, D) -> (N, units).

    Args:
        units, activation, ..., recurrent_dropout, reset_after, seed: see GRUCell.
        return_sequences: give the outputs of all steps, (N, T, units).
        return_state: give (output, last state).
        go_backwards: go from the last step to the first; outputs stand in that order.
        stateful: a batch begins with the last states of the batch before; the batch size must be
            known. `reset_state()` sets them to 0.
        unroll, use_cudnn: no effect.
        zero_output_for_mask: the output of a masked step is 0, not that of the step before.

    Called with a mask (N, T): where it is False the state and the output stay as they were (the
    output is zero before the first step that counts). `initial_state` is what the steps begin with.

    >>> import numpy as np
    >>> GRU(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    cell_type = GRUCell

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(given(locals(), "use_cudnn"), **kwargs)
        self.use_cudnn = choice_of_cudnn(use_cudnn)
