"""RNN: a recurrent cell over the steps of sequences."""

from typing import Any

from nnseq import ops
from nnseq.engine.control import scan
from nnseq.engine.variable import Variable
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.rnn_cell import RecurrentCell
from nnseq.layers.serialized import serialized
from nnseq.ops.recurrent import recurrent


def of_cell(name: str) -> Any:
    return property(lambda layer: getattr(layer.cell, name), doc=f"`{name}` of the cell.")


class CellRNN(Layer):
    """A cell over the steps of (N, T, D) -> (N, units): the base of SimpleRNN, LSTM and GRU.

    A cell with its usual activations and without recurrent dropout runs as one operation, any
    other as a scan of its steps.

    Args:
        cell: the cell.
        return_sequences: give the outputs of all steps, (N, T, units).
        return_state: give (output, *last states).
        go_backwards: go from the last step to the first; outputs stand in that order.
        stateful: the first states of a batch are the last ones of the batch before; the batch
            size must be known.
        unroll: no effect.
        zero_output_for_mask: the output of a masked step is 0, not that of the step before.

    Called with a mask (N, T): where it is False the states and the output stay as they were (the
    output is zero before the first step that counts).
    """

    _untracked = Layer._untracked | {"states"}

    def __init__(
        self,
        cell: RecurrentCell,
        *,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        stateful: bool,
        unroll: bool,
        zero_output_for_mask: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.input_spec = InputSpec(ndim=3)
        self.states: list[Variable] | None = None

    units = of_cell("units")
    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")
    state_size = of_cell("state_size")

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] is None:
            raise ValueError(f"The last dimension of the inputs must be known. Got {input_shape}")
        self.cell.build((input_shape[0], input_shape[-1]))
        if self.stateful:
            self._make_states(input_shape)

    def _make_states(self, input_shape: Any) -> None:
        if input_shape[0] is None:
            raise ValueError(
                "When using `stateful=True` in a RNN, the batch size must be static. Found dynamic "
                f"batch size: sequence.shape={tuple(input_shape)}"
            )
        self.states = [
            Variable(state.numpy(), trainable=False, name="rnn_state")
            for state in self.cell.get_initial_state(input_shape[0])
        ]

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to 0."""
        for state in self.states or []:
            state.assign(ops.zeros(state.shape))

    reset_states = reset_state

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """States of zeros, (batch_size, units)."""
        return self.cell.get_initial_state(batch_size)

    def call(
        self, sequence: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        states = self._first_states(sequence, initial_state)
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = None if mask is None else ops.cast(mask, "bool")
        x_masks: list[Any] = []
        h_masks: list[Any] = []
        if training and (self.dropout or self.recurrent_dropout):
            x_masks, h_masks = self.cell.dropout_masks(sequence[:, 0], states[0])
        projected = self.cell.project(sequence, [ops.expand_dims(m, 1) for m in x_masks])
        if self.cell.is_fused() and not h_masks:
            last, outputs, states = self._run_whole(projected, states, mask)
        else:
            last, outputs, states = self._run_steps(projected, states, h_masks, mask)
        if self.stateful:
            for variable, state in zip(self.states or [], states, strict=True):
                variable.assign(state)
        if self.return_sequences:
            last = ops.flip(outputs, 1) if self.go_backwards else outputs
        return (last, *states) if self.return_state else last

    def _first_states(self, sequence: Any, given: Any) -> list[Any]:
        batch = ops.shape(sequence)[0]
        if self.states is not None:
            size = self.states[0].shape[0]
            if isinstance(batch, int) and batch != size:
                raise ValueError(
                    "If an RNN is stateful, the batch size of the input sequences must be the same "
                    f"as the batch size of the initial state. \n- Expected batch size: {size}\n"
                    f"- Received batch size: {batch}"
                )
        if given is None:
            given = self.states if self.stateful else self.cell.get_initial_state(batch)
        states = list(given) if isinstance(given, list | tuple) else [given]
        if len(states) != self.cell.num_states:
            raise ValueError(
                f"`initial_state` must be {self.cell.num_states} tensors of shape (batch, "
                f"{self.cell.units}). Received {len(states)}"
            )
        return [ops.convert_to_tensor(state) for state in states]

    def _run_whole(self, projected: Any, states: list[Any], mask: Any) -> tuple[Any, Any, Any]:
        """(last output, outputs (N, T, units), last states) by one operation."""
        cell = self.cell
        outputs, states = recurrent(
            cell.kind,
            projected,
            cell.recurrent_kernel,
            states,
            bias=cell.recurrent_bias(),
            mask=mask,
            zero_output=self.zero_output_for_mask,
            reverse=self.go_backwards,
        )
        last = states[0]
        if mask is not None:  # the last state, or 0 where no output shows it
            end = mask[:, 0 if self.go_backwards else -1]
            shown = end if self.zero_output_for_mask else ops.any(mask, 1)
            last = ops.where(ops.expand_dims(shown, -1), last, 0.0)
        return last, outputs, states

    def _run_steps(
        self, projected: Any, states: list[Any], h_masks: list[Any], mask: Any
    ) -> tuple[Any, Any, Any]:
        """The same step by step."""
        by_time = ops.swapaxes(projected, 0, 1)
        keep = None
        if mask is not None:
            keep = ops.expand_dims(ops.swapaxes(mask, 0, 1), -1)  # (T, N, 1)

        def step(carry: Any, element: Any) -> Any:
            before, y = carry
            x, counts = element
            new, after = self.cell.step(x, before, h_masks)
            if counts is not None:
                new = ops.where(counts, new, 0.0 if self.zero_output_for_mask else y)
                after = [ops.where(counts, a, b) for a, b in zip(after, before, strict=True)]
            return (after, new), new

        start = (states, ops.zeros_like(states[0]))
        (states, last), outputs = scan(step, start, (by_time, keep), reverse=self.go_backwards)
        return last, ops.swapaxes(outputs, 0, 1), states

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        return (mask, *[None] * self.cell.num_states) if self.return_state else mask

    def get_config(self) -> dict[str, Any]:
        cell = self.cell.get_config()
        for key in ("name", "trainable", "dtype"):
            del cell[key]
        return {
            **super().get_config(),
            **cell,
            **serialized(self, "activity_regularizer"),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }
