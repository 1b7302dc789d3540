"""RNN: a recurrent cell over the steps of sequences."""

import inspect
from typing import Any

from nnseq import ops
from nnseq.engine import nest
from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.naming import to_snake_case
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.engine.state import eager_scope
from nnseq.engine.variable import Variable
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.rnn_steps import Steps, initial_state, over_steps
from nnseq.layers.serialized import serialized
from nnseq.layers.stacked_rnn_cells import StackedRNNCells, checked_cell


class RNN(Layer):
    """A cell over the steps of (N, T, ...) -> (N, units).

    Args:
        cell: a cell, or a list of cells that are stacked. A cell has `call(inputs, states)`, which
            gives the output of a step and the new states, and `state_size`, a size or a list of
            sizes; it may have `output_size` (by default that of the first state) and
            `get_initial_state(batch_size)` (by default zeros).
        return_sequences: give the outputs of all steps, (N, T, units).
        return_state: give (output, *last states).
        go_backwards: go from the last step to the first; outputs stand in that order.
        stateful: the first states of a batch are the last ones of the batch before; the batch
            size must be known. `reset_state()` sets them to 0.
        unroll: no effect.
        zero_output_for_mask: the output of a masked step is 0, not that of the step before.

    Called with a mask (N, T): where it is False the states and the output stay as they were (the
    output is zero before the first step that counts). `initial_state` is what the steps begin with.

    >>> from nnseq.layers import GRUCell
    >>> RNN([GRUCell(4), GRUCell(6)], return_sequences=True)(ops.ones((2, 5, 3))).shape
    (2, 5, 6)
    """

    _untracked = Layer._untracked | {"states"}

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else checked_cell(cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.states: Any = None
        size = self.cell.state_size
        self.state_size = list(size) if isinstance(size, list | tuple) else [size]

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if len(sequences_shape) < 3:
            raise ValueError(
                "RNN takes sequences (N, T, ...), one vector or more for each time step. "
                f"Received: shape={tuple(sequences_shape)}"
            )
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            self._make_states(sequences_shape)

    def _make_states(self, shape: Any) -> None:
        if shape[0] is None:
            raise ValueError(
                "When using `stateful=True` in a RNN, the batch size must be static. Found dynamic "
                f"batch size: sequence.shape={tuple(shape)}"
            )
        with eager_scope():
            self.states = nest.map_structure(
                lambda state: Variable(state.numpy(), trainable=False, name="rnn_state"),
                self.get_initial_state(shape[0]),
            )

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to 0."""
        for state in nest.flatten(self.states or []):
            state.assign(ops.zeros(state.shape))

    reset_states = reset_state

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The states of the cell that the steps begin with: (batch_size, units) unless it says
        otherwise."""
        states = initial_state(self.cell, batch_size)
        return list(states) if isinstance(states, list | tuple) else [states]

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        states = self._first_states(sequences, initial_state)
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        steps = Steps(
            mask=None if mask is None else ops.cast(mask, "bool"),
            training=training,
            zero_output=self.zero_output_for_mask,
            reverse=self.go_backwards,
        )
        last, outputs, states = over_steps(self.cell, sequences, states, steps)
        if self.stateful:
            pairs = zip(nest.flatten(self.states), nest.flatten(states), strict=True)
            for variable, state in pairs:
                variable.assign(state)
        if self.return_sequences:
            last = ops.flip(outputs, 1) if self.go_backwards else outputs
        return (last, *states) if self.return_state else last

    def _first_states(self, sequences: Any, given: Any) -> list[Any]:
        batch = ops.shape(sequences)[0]
        if self.states is not None:
            size = nest.flatten(self.states)[0].shape[0]
            if isinstance(batch, int) and batch != size:
                raise ValueError(
                    "If an RNN is stateful, the batch size of the input sequences must be the same "
                    f"as the batch size of the initial state. \n- Expected batch size: {size}\n"
                    f"- Received batch size: {batch}"
                )
        if given is None:
            given = self.states if self.stateful else self.get_initial_state(batch)
        states = list(given) if isinstance(given, list | tuple) else [given]
        count, wanted = len(nest.flatten(states)), len(nest.flatten(self.state_size))
        if count != wanted or len(states) != len(self.state_size):
            raise ValueError(
                f"`initial_state` must be {wanted} tensors of shape (batch, state size), in the "
                f"structure of {self.state_size}. Received {count}"
            )
        return nest.map_structure(ops.convert_to_tensor, states)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        return (mask, *[None] * len(self.state_size)) if self.return_state else mask

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": serialize_keras_object(self.cell),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        with custom_object_scope(custom_objects):
            cell = deserialize_keras_object(config["cell"])
        return cls(**{**config, "cell": cell})


class CellRNN(RNN):
    """The base of layers whose cell is their own: they take its arguments and have its attributes.

    Args:
        arguments: those of the layer's own `__init__`, by name.
        implementation: no effect.
    """

    cell_type: type

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "cell_type" in vars(cls):
            for name in inspect.signature(cls.cell_type).parameters:
                if name != "kwargs":
                    setattr(cls, name, _of_cell(name))

    def __init__(self, arguments: dict[str, Any], implementation: int = 2, **kwargs: Any) -> None:
        names = inspect.signature(self.cell_type).parameters
        own = {name: arguments.pop(name) for name in list(arguments) if name in names}
        name = to_snake_case(self.cell_type.__name__)
        cell = self.cell_type(**own, implementation=implementation, name=name)
        super().__init__(cell, **arguments, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **serialized(self, "activity_regularizer")}
        cell = config.pop("cell")["config"]
        return {**cell, **config}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(**config)


def _of_cell(name: str) -> Any:
    return property(lambda layer: getattr(layer.cell, name), doc=f"`{name}` of the cell.")
