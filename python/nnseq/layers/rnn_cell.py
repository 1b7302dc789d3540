"""RecurrentCell: what SimpleRNNCell, LSTMCell, GRUCell and the cell of ConvLSTM share."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq import random as nnrandom
from nnseq.engine.random_state import SeedGenerator
from nnseq.layers.layer import Layer
from nnseq.layers.rnn_steps import Results, Steps
from nnseq.layers.serialized import positive, store_arguments, stored_arguments
from nnseq.ops.recurrent import recurrent


def unit_interval(name: str, value: float) -> float:
    """`value` if it is a rate."""
    if isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be between 0 and 1. Received: {name}={value}")
    return float(value)


class RecurrentCell(Layer):
    """What the cells share: weights, dropout masks and the parts of a step.

    Called with x (N, D) and the states, h (N, units) first; gives h and the new states. Over whole
    sequences, `project` runs for all steps at once, since it needs no state, and `step` for each;
    a cell with its usual activations and without recurrent dropout runs as one operation.

    Args:
        arguments: those of the cell's own `__init__`, by name: its attributes and configuration.
        implementation: no effect.
    """

    kind = ""  # the name of the cell in the operation for whole sequences
    gates: int
    num_states = 1

    units: int
    activation: Any
    use_bias: bool
    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    dropout: float
    recurrent_dropout: float
    seed: Any

    def __init__(self, arguments: dict[str, Any], implementation: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        store_arguments(self, arguments)
        self._arguments = tuple(arguments)
        self.dropout = unit_interval("dropout", self.dropout)
        self.recurrent_dropout = unit_interval("recurrent_dropout", self.recurrent_dropout)
        self._set_sizes()
        if self.dropout or self.recurrent_dropout:
            self.seed_generator = SeedGenerator(self.seed)

    def _set_sizes(self) -> None:
        self.units = positive("units", self.units)
        self.state_size: Any = self.units if self.num_states == 1 else [self.units, self.units]
        self.output_size = self.units

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] is None:
            raise ValueError(f"The last dimension of the inputs must be known. Got {input_shape}")
        self._make_weights((), input_shape[-1], self.units)

    def _make_weights(self, window: tuple[int, ...], features: int, units: int) -> None:
        """The kernels, (*window, features or units, gates * units), and the bias."""
        columns = self.gates * units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*window, features, columns),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(*window, units, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self._bias_shape(columns),
                initializer=self._first_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _bias_shape(self, columns: int) -> tuple[int, ...]:
        return (columns,)

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        return self.bias_initializer(shape, dtype)

    def call(self, sequence: Any, states: Any, training: bool = False) -> Any:
        before = list(states) if isinstance(states, list | tuple) else [states]
        x_masks, h_masks = self.dropout_masks(sequence, before[0]) if training else ([], [])
        h, after = self.step(self.project(sequence, x_masks), before, h_masks)
        return h, after if isinstance(states, list | tuple) else after[0]

    # --- a step -----------------------------------------------------------------------------------
    def project(self, x: Any, masks: Sequence[Any] = ()) -> Any:
        """x . kernel + bias: (..., D) -> (..., gates * units), of x times a mask, or one a gate."""
        y = self._product(x, self.kernel, masks)
        bias = self.input_bias()
        return y if bias is None else ops.add(y, bias)

    def _product(self, x: Any, kernel: Any, masks: Sequence[Any], product: Any = ops.matmul) -> Any:
        """x . kernel, with a mask for each gate, or one for all of them, or none."""
        if len(masks) > 1:
            kernels = ops.split(kernel, self.gates, -1)
            parts = [product(x * m, k) for m, k in zip(masks, kernels, strict=True)]
            return ops.concatenate(parts, -1)
        return product(x * masks[0] if masks else x, kernel)

    def recurrent_product(self, h: Any, h_masks: Sequence[Any]) -> Any:
        """The same of h and the recurrent kernel."""
        return self._product(h, self.recurrent_kernel, h_masks)

    def input_bias(self) -> Any:
        """The bias of the projected input."""
        return self.bias

    def recurrent_bias(self) -> Any:
        """The bias of the product of state and recurrent kernel, where that has its own."""
        return None

    def step(self, projected: Any, states: list[Any], h_masks: Sequence[Any]) -> Any:
        """The output and the new states from the projected input (N, gates * units)."""
        raise NotImplementedError

    # --- all steps --------------------------------------------------------------------------------
    def over_steps(self, sequence: Any, states: list[Any], steps: Steps) -> Results:
        """The cell over (N, T, D)."""
        x_masks: list[Any] = []
        h_masks: list[Any] = []
        if steps.training and (self.dropout or self.recurrent_dropout):
            x_masks, h_masks = self.dropout_masks(sequence[:, 0], states[0])
        projected = self.project(sequence, [ops.expand_dims(m, 1) for m in x_masks])
        if self.is_fused() and not h_masks:
            return self._whole(projected, states, steps)

        def step(x: Any, before: Any) -> Any:
            return self.step(x, before, h_masks)

        return steps.scan(step, projected, states, ops.zeros_like(states[0]))

    def is_fused(self) -> bool:
        """Whether the operation for whole sequences computes this cell."""
        return False

    def _whole(self, projected: Any, states: list[Any], steps: Steps) -> Results:
        outputs, states = recurrent(
            self.kind,
            projected,
            self.recurrent_kernel,
            states,
            bias=self.recurrent_bias(),
            mask=steps.mask,
            zero_output=steps.zero_output,
            reverse=steps.reverse,
        )
        last = states[0]
        if steps.mask is not None:  # the last state, or 0 where no output shows it
            end = steps.mask[:, 0 if steps.reverse else -1]
            shown = end if steps.zero_output else ops.any(steps.mask, 1)
            last = ops.where(ops.expand_dims(shown, -1), last, 0.0)
        return last, outputs, states

    # --- dropout and states -----------------------------------------------------------------------
    def dropout_masks(self, x: Any, h: Any) -> tuple[list[Any], list[Any]]:
        """The factors of x (N, D) and h (N, units): none, or one, or as in Keras one for each gate
        where the state is dropped."""
        count = self.gates if self.recurrent_dropout else 1
        return self._masks(x, self.dropout, count), self._masks(h, self.recurrent_dropout, count)

    def _masks(self, like: Any, rate: float, count: int) -> list[Any]:
        ones = ops.ones_like(like)
        seed = self.seed_generator if rate else None
        return [nnrandom.dropout(ones, rate, seed=seed) for _ in range(count)] if rate else []

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """States of zeros, (batch_size, units)."""
        return [ops.zeros((batch_size, self.units)) for _ in range(self.num_states)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **stored_arguments(self, self._arguments)}
