"""RecurrentCell: what SimpleRNNCell, LSTMCell and GRUCell share."""

from collections.abc import Sequence
from typing import Any

from nnseq import activations, constraints, initializers, ops, regularizers
from nnseq import random as nnrandom
from nnseq.engine.random_state import SeedGenerator
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import positive, serialized


def unit_interval(name: str, value: float) -> float:
    """`value` if it is a rate."""
    if isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be between 0 and 1. Received: {name}={value}")
    return float(value)


class RecurrentCell(Layer):
    """What the cells share: weights, dropout masks and the parts of a step.

    Called with x (N, D) and the states, h (N, units) first; gives h and the new states. A layer
    calls `project` for all steps at once, which needs no state, and `step` for each.
    """

    kind: str  # the name of the cell in the operation for whole sequences
    gates: int
    num_states = 1

    def __init__(
        self,
        *,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        implementation: int = 2,  # Keras', without effect
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
        self.state_size: Any = self.units if self.num_states == 1 else [self.units, self.units]
        self.output_size = self.units
        if self.dropout or self.recurrent_dropout:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        columns = self.gates * self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], columns),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self._bias_shape(),
                initializer=self._first_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        return self.bias_initializer(shape, dtype)

    def call(self, sequence: Any, states: Any, training: bool = False) -> Any:
        before = list(states) if isinstance(states, list | tuple) else [states]
        x_masks, h_masks = self.dropout_masks(sequence, before[0]) if training else ([], [])
        h, after = self.step(self.project(sequence, x_masks), before, h_masks)
        return h, after if isinstance(states, list | tuple) else after[0]

    def project(self, x: Any, masks: Sequence[Any] = ()) -> Any:
        """x . kernel + bias: (..., D) -> (..., gates * units), of x times a mask, or one a gate."""
        if len(masks) > 1:
            parts = [ops.matmul(x * m, self._columns(self.kernel, g)) for g, m in enumerate(masks)]
            x = ops.concatenate(parts, -1)
        else:
            x = ops.matmul(x * masks[0] if masks else x, self.kernel)
        bias = self.input_bias()
        return x if bias is None else ops.add(x, bias)

    def input_bias(self) -> Any:
        """The bias of the projected input."""
        return self.bias

    def recurrent_bias(self) -> Any:
        """The bias of the product of state and recurrent kernel, where that has its own."""
        return None

    def step(self, projected: Any, states: list[Any], h_masks: Sequence[Any]) -> Any:
        """The output and the new states from the projected input (N, gates * units)."""
        raise NotImplementedError

    def is_fused(self) -> bool:
        """Whether the operation for whole sequences computes this cell."""
        return self.activation is activations.tanh

    def recurrent_product(self, h: Any, h_masks: Sequence[Any]) -> Any:
        """h . recurrent kernel, with a mask for each gate, or one for all of them."""
        if len(h_masks) > 1:
            columns = [self._columns(self.recurrent_kernel, g) for g in range(self.gates)]
            parts = [ops.matmul(h * m, w) for m, w in zip(h_masks, columns, strict=True)]
            return ops.concatenate(parts, -1)
        return ops.matmul(h * h_masks[0] if h_masks else h, self.recurrent_kernel)

    def _columns(self, x: Any, gate: int) -> Any:
        return x[..., gate * self.units : (gate + 1) * self.units]

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
