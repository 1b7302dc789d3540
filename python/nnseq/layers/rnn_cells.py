"""SimpleRNNCell, LSTMCell and GRUCell: one step of a recurrent layer."""

from collections.abc import Sequence
from typing import Any

from nnseq import activations, initializers, ops
from nnseq.layers.rnn_cell import RecurrentCell
from nnseq.layers.serialized import given


def has_usual_activations(cell: Any) -> bool:
    """Whether they are tanh, and sigmoid for the gates."""
    usual = (activations.tanh, activations.sigmoid)
    return (cell.activation, cell.recurrent_activation) == usual


class SimpleRNNCell(RecurrentCell):
    """One step: h = activation(x . kernel + bias + h . recurrent_kernel).

    Called with x (N, D) and the states [h (N, units)]; gives (h, [h]).

    Args:
        units: size of the state.
        dropout, recurrent_dropout: rates for x and h; a layer draws one mask for all its steps.

    >>> h, states = SimpleRNNCell(4)(ops.ones((2, 3)), [ops.zeros((2, 4))])
    >>> h.shape, len(states)
    ((2, 4), 1)
    """

    kind, gates = "simple", 1

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
        super().__init__(given(locals()), **kwargs)

    def is_fused(self) -> bool:
        return self.activation is activations.tanh

    def step(self, projected: Any, states: list[Any], h_masks: Sequence[Any]) -> Any:
        h = self.activation(projected + self.recurrent_product(states[0], h_masks))
        return h, [h]


class GatedCell(RecurrentCell):
    """The step of an LSTM, whatever its products are."""

    gates, num_states = 4, 2

    recurrent_activation: Any
    unit_forget_bias: bool

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        if not self.unit_forget_bias:
            return super()._first_bias(shape, dtype)
        units = shape[0] // 4
        parts = [
            self.bias_initializer((units,), dtype),
            initializers.Ones()((units,), dtype),
            self.bias_initializer((2 * units,), dtype),
        ]
        return ops.concatenate(parts)

    def step(self, projected: Any, states: list[Any], h_masks: Sequence[Any]) -> Any:
        h, c = states
        z = projected + self.recurrent_product(h, h_masks)
        i, f, g, o = ops.split(z, 4, -1)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]


class LSTMCell(GatedCell):
    """One step of an LSTM (Hochreiter and Schmidhuber, 1997).

    i, f, g, o = x . kernel + bias + h . recurrent_kernel, in four parts of `units` columns;
    c = sigmoid(f) * c + sigmoid(i) * tanh(g); h = sigmoid(o) * tanh(c).
    Called with x (N, D) and the states [h, c], each (N, units); gives (h, [h, c]).

    Args:
        units: size of each state.
        activation, recurrent_activation: what stands for tanh and sigmoid above.
        unit_forget_bias: the bias of f begins with 1.
        dropout, recurrent_dropout: rates for x and h; a layer draws its masks once for all steps.

    >>> h, states = LSTMCell(4)(ops.ones((2, 3)), [ops.zeros((2, 4)), ops.zeros((2, 4))])
    >>> h.shape, len(states)
    ((2, 4), 2)
    """

    kind = "lstm"

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(given(locals()), **kwargs)

    def is_fused(self) -> bool:
        return has_usual_activations(self)


class GRUCell(RecurrentCell):
    """One step of a GRU (Cho et al., 2014).

    With x . kernel + bias in parts xz, xr, xh and h . recurrent_kernel + bias in hz, hr, hh:
    z = sigmoid(xz + hz), r = sigmoid(xr + hr), g = tanh(xh + r * hh), h = z * h + (1 - z) * g.
    Called with x (N, D) and the states [h (N, units)]; gives (h, [h]).

    Args:
        units: size of the state.
        activation, recurrent_activation: what stands for tanh and sigmoid above.
        reset_after: as above, with a bias for each of the two products, (2, 3 * units). If False,
            hh is the product of r * h and the recurrent product has no bias.
        dropout, recurrent_dropout: rates for x and h; a layer draws its masks once for all steps.

    >>> h, states = GRUCell(4)(ops.ones((2, 3)), [ops.zeros((2, 4))])
    >>> h.shape, len(states)
    ((2, 4), 1)
    """

    kind, gates = "gru", 3

    recurrent_activation: Any
    reset_after: bool

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(given(locals()), **kwargs)

    def _bias_shape(self, columns: int) -> tuple[int, ...]:
        return (2, columns) if self.reset_after else (columns,)

    def input_bias(self) -> Any:
        return self.bias[0] if self.bias is not None and self.reset_after else self.bias

    def recurrent_bias(self) -> Any:
        return self.bias[1] if self.bias is not None else ops.zeros((3 * self.units,))

    def is_fused(self) -> bool:
        return has_usual_activations(self) and self.reset_after

    def step(self, projected: Any, states: list[Any], h_masks: Sequence[Any]) -> Any:
        h, gate = states[0], self.recurrent_activation
        xz, xr, xh = ops.split(projected, 3, -1)
        if self.reset_after:
            product = self.recurrent_product(h, h_masks) + self.recurrent_bias()
            hz, hr, hh = ops.split(product, 3, -1)
            z, r = gate(xz + hz), gate(xr + hr)
            g = self.activation(xh + r * hh)
        else:
            mz, mr, mh = h_masks if h_masks else (1.0, 1.0, 1.0)
            kernels = ops.split(self.recurrent_kernel, 3, -1)
            z = gate(xz + ops.matmul(h * mz, kernels[0]))
            r = gate(xr + ops.matmul(h * mr, kernels[1]))
            g = self.activation(xh + ops.matmul(r * (h * mh), kernels[2]))
        h = z * h + (1 - z) * g
        return h, [h]
