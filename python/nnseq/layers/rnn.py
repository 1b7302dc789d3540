"""SimpleRNN, a scan of its cell."""

from typing import Any

from nnseq import activations, constraints, initializers, ops, regularizers
from nnseq import random as nnrandom
from nnseq.engine.control import scan
from nnseq.engine.random_state import SeedGenerator
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import positive, refuse_options, serialized


def unit_interval(name: str, value: float) -> float:
    """`value` if it is a rate."""
    if isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be between 0 and 1. Received: {name}={value}")
    return float(value)


class SimpleRNNCell(Layer):
    """One step: h = activation(x . kernel + bias + h . recurrent_kernel).

    Called with x (N, D) and the states [h (N, units)]; gives (h, [h]).

    Args:
        units: size of the state.
        dropout, recurrent_dropout: rates for x and h; a layer draws one mask for all its steps.
    """

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = unit_interval("dropout", dropout)
        self.recurrent_dropout = unit_interval("recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.state_size = self.output_size = self.units
        if self.dropout or self.recurrent_dropout:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, self.units),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, sequence: Any, states: Any, training: bool = False) -> Any:
        h = states[0] if isinstance(states, list | tuple) else states
        x_mask, h_mask = self.dropout_masks(sequence, h) if training else (None, None)
        if x_mask is not None:
            sequence = sequence * x_mask
        new = self.step(self.project(sequence), h, h_mask)
        return new, [new] if isinstance(states, list | tuple) else new

    def project(self, x: Any) -> Any:
        """x . kernel + bias: (..., D) -> (..., units); needs no state, so all steps at once."""
        x = ops.matmul(x, self.kernel)
        return x if self.bias is None else ops.add(x, self.bias)

    def step(self, projected: Any, h: Any, h_mask: Any) -> Any:
        """The new state (N, units) from the projected input and the old state."""
        h = h if h_mask is None else h * h_mask
        return self.activation(projected + ops.matmul(h, self.recurrent_kernel))

    def dropout_masks(self, x: Any, h: Any) -> tuple[Any, Any]:
        """The factors of x (N, D) and h (N, units), each None if its rate is 0."""
        masks = []
        for like, rate in ((x, self.dropout), (h, self.recurrent_dropout)):
            ones = ops.ones_like(like)
            masks.append(nnrandom.dropout(ones, rate, seed=self.seed_generator) if rate else None)
        return masks[0], masks[1]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            **serialized(
                self,
                "activation",
                "kernel_initializer",
                "recurrent_initializer",
                "bias_initializer",
                "kernel_regularizer",
                "recurrent_regularizer",
                "bias_regularizer",
                "kernel_constraint",
                "recurrent_constraint",
                "bias_constraint",
            ),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


class SimpleRNN(Layer):
    """Runs a SimpleRNNCell over the steps: (N, T, D) -> (N, units).

    Args:
        units, activation, ..., recurrent_dropout, seed: see SimpleRNNCell.
        return_sequences: give the outputs of all steps, (N, T, units).
        return_state: give (output, last state).
        go_backwards: go from the last step to the first; outputs stand in that order.
        unroll: no effect, the loop is always unrolled when the length is known.

    Called with a mask (N, T): where it is False the state and the output stay as they were (the
    output is zero before the first step that counts).

    >>> SimpleRNN(4, return_sequences=True)(ops.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

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
        refuse_options("SimpleRNN", stateful=stateful)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.cell = SimpleRNNCell(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="simple_rnn_cell",
        )
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] is None:
            raise ValueError(f"The last dimension of the inputs must be known. Got {input_shape}")
        self.cell.build((input_shape[0], input_shape[-1]))

    def call(
        self, sequence: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        h = initial_state[0] if isinstance(initial_state, list | tuple) else initial_state
        if h is None:
            h = ops.zeros((ops.shape(sequence)[0], self.cell.units))
        h_mask = None
        if training and (self.cell.dropout or self.cell.recurrent_dropout):
            x_mask, h_mask = self.cell.dropout_masks(sequence[:, 0], h)
            if x_mask is not None:
                sequence = sequence * ops.expand_dims(x_mask, 1)
        steps = ops.swapaxes(self.cell.project(sequence), 0, 1)  # (T, N, units)
        h, last, outputs = self._scan(steps, h, h_mask, mask)
        if self.return_sequences:
            outputs = ops.flip(outputs, 0) if self.go_backwards else outputs
            last = ops.swapaxes(outputs, 0, 1)
        return (last, h) if self.return_state else last

    def _scan(self, steps: Any, h: Any, h_mask: Any, mask: Any) -> tuple[Any, Any, Any]:
        """(last state, last output, outputs (T, N, units)) for projected inputs."""
        cell = self.cell
        if mask is None:

            def step(h: Any, x: Any) -> Any:
                h = cell.step(x, h, h_mask)
                return h, h

            h, outputs = scan(step, h, steps, reverse=self.go_backwards)
            return h, h, outputs

        def masked_step(carry: Any, element: Any) -> Any:
            h, y = carry
            x, keep = element
            new = cell.step(x, h, h_mask)
            y = ops.where(keep, new, 0.0 if self.zero_output_for_mask else y)
            return (ops.where(keep, new, h), y), y

        keep = ops.expand_dims(ops.swapaxes(ops.cast(mask, "bool"), 0, 1), -1)  # (T, N, 1)
        carry = (h, ops.zeros_like(h))
        (h, last), outputs = scan(masked_step, carry, (steps, keep), reverse=self.go_backwards)
        return h, last, outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        return (mask, None) if self.return_state else mask

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
            "stateful": False,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }
