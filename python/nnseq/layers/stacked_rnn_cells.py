"""StackedRNNCells: cells on top of each other, used as one."""

from collections.abc import Sequence
from typing import Any

from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.layers.layer import Layer
from nnseq.layers.rnn_steps import (
    Results,
    Steps,
    call_cell,
    initial_state,
    output_size,
    over_steps,
)


def checked_cell(cell: Any) -> Any:
    """`cell` if it has what a cell needs."""
    if not hasattr(cell, "call"):
        raise ValueError(f"Argument `cell` should have a `call` method. Received: cell={cell}")
    if not isinstance(getattr(cell, "state_size", None), int | list | tuple):
        raise ValueError(
            "The RNN cell should have a `state_size` attribute (single integer or list of "
            f"integers, one integer per RNN state). Received: cell={cell}"
        )
    return cell


class StackedRNNCells(Layer):
    """Cells of which each takes the output of the one before.

    Args:
        cells: the cells, at least one. The states are a list with those of each cell.

    >>> from nnseq import ops
    >>> from nnseq.layers import LSTMCell, RNN
    >>> RNN(StackedRNNCells([LSTMCell(4), LSTMCell(6)]))(ops.ones((2, 5, 3))).shape
    (2, 6)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not cells:
            raise ValueError("`cells` must hold at least one cell. Received none")
        self.cells = [checked_cell(cell) for cell in cells]

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """That of the last cell."""
        return output_size(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """What each cell begins with."""
        return [initial_state(cell, batch_size) for cell in self.cells]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        after = []
        for cell, before in zip(self.cells, states, strict=True):
            inputs, new = call_cell(cell, inputs, _listed(before), training)
            after.append(_as_given(new, before))
        return inputs, after[0] if len(after) == 1 else after

    def over_steps(self, sequence: Any, states: list[Any], steps: Steps) -> Results:
        """One cell after the other over all steps, which is the same: a masked step counts in none
        of them."""
        ends, outputs = [], sequence
        for cell, before in zip(self.cells, states, strict=True):
            last, outputs, after = over_steps(cell, outputs, _listed(before), steps)
            ends.append(_as_given(after, before))
        return last, outputs, ends

    def get_config(self) -> dict[str, Any]:
        cells = [serialize_keras_object(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        with custom_object_scope(custom_objects):
            cells = [deserialize_keras_object(cell) for cell in config["cells"]]
        return cls(**{**config, "cells": cells})


def _listed(states: Any) -> list[Any]:
    return list(states) if isinstance(states, list | tuple) else [states]


def _as_given(after: list[Any], before: Any) -> Any:
    return after if isinstance(before, list | tuple) else after[0]
