"""Steps: how a recurrent layer goes over a sequence."""

from collections.abc import Callable
from typing import Any, NamedTuple

from nnseq import ops
from nnseq.engine import nest
from nnseq.engine.control import scan
from nnseq.layers.call_spec import call_spec
from nnseq.layers.layer import Layer

Results = tuple[Any, Any, Any]  # last output, outputs (N, T, ...) at their steps, last states


class Steps(NamedTuple):
    """How a recurrent layer goes over the steps of (N, T, ...).

    Attributes:
        mask: bool (N, T); where it is False the states and the output stay as they were. None:
            all steps count.
        training: whether dropout is on.
        zero_output: the output of a masked step is 0, not that of the step before.
        reverse: from the last step to the first; outputs stand at their steps.
    """

    mask: Any = None
    training: bool = False
    zero_output: bool = False
    reverse: bool = False

    def scan(self, step: Callable[[Any, Any], Any], xs: Any, states: Any, y: Any) -> Results:
        """Runs `step`, (x, states) -> (output, new states), from `states`; `y` is the output
        before the first step that counts."""

        def one(carry: Any, element: Any) -> Any:
            before, last = carry
            x, counts = element
            new, after = step(x, before)
            if counts is not None:
                new = _where(counts, new, ops.zeros_like(new) if self.zero_output else last)
                after = nest.map_structure(lambda a, b: _where(counts, a, b), after, before)
            return (after, new), new

        keep = None if self.mask is None else ops.swapaxes(self.mask, 0, 1)
        (states, last), outputs = scan(
            one, (states, y), (ops.swapaxes(xs, 0, 1), keep), reverse=self.reverse
        )
        return last, ops.swapaxes(outputs, 0, 1), states


def _where(counts: Any, a: Any, b: Any) -> Any:
    """a where `counts` (N,) is True, else b, both (N, ...)."""
    return ops.where(ops.reshape(counts, (-1, *[1] * (len(a.shape) - 1))), a, b)


def output_size(cell: Any) -> Any:
    """`cell.output_size`, by default the size of the first state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size
        size = size[0] if isinstance(size, list | tuple) else size
    return size


def initial_state(cell: Any, batch_size: Any) -> Any:
    """What the cell gives for its first state, by default zeros of `state_size`."""
    if hasattr(cell, "get_initial_state"):
        return cell.get_initial_state(batch_size=batch_size)
    sizes = cell.state_size
    if not isinstance(sizes, list | tuple):
        return ops.zeros((batch_size, sizes))
    return [ops.zeros((batch_size, size)) for size in sizes]


def call_cell(cell: Any, x: Any, states: list[Any], training: Any) -> tuple[Any, list[Any]]:
    """The output of one step and the new states, as a list."""
    takes = isinstance(cell, Layer) and call_spec(type(cell).call).takes_training
    output, after = (cell if callable(cell) else cell.call)(
        x, states, **({"training": training} if takes else {})
    )
    return output, list(after) if isinstance(after, list | tuple) else [after]


def over_steps(cell: Any, sequence: Any, states: list[Any], steps: Steps) -> Results:
    """Any cell over the steps of a sequence.

    One of nnseq's may know a shorter way, `over_steps`, unless a subclass has a `call` of its own.
    """
    owner = next((c for c in type(cell).__mro__ if {"call", "over_steps"} & vars(c).keys()), None)
    if owner is not None and "over_steps" in vars(owner):
        return cell.over_steps(sequence, states, steps)
    size = output_size(cell)
    batch = ops.shape(sequence)[0]
    y = ops.zeros((batch, *(size if isinstance(size, list | tuple) else [size])))

    def step(x: Any, before: list[Any]) -> Any:
        return call_cell(cell, x, before, steps.training)

    return steps.scan(step, sequence, states, y)
