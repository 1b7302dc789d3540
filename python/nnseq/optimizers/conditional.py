"""A step that is only taken under a condition known when it runs."""

from collections.abc import Callable, Iterable
from typing import Any

from nnseq import ops
from nnseq.engine.state import current_trace
from nnseq.engine.variable import Variable


def only_if(condition: Any, variables: Iterable[Variable], change: Callable[[], None]) -> None:
    """Calls `change`; of the Variables it assigned, these keep their values unless the condition
    holds. A graph has no branches, so both values are computed and one is chosen.

    >>> v = Variable([1.0])
    >>> only_if(ops.convert_to_tensor(False), [v], lambda: v.assign([2.0]))
    >>> v.numpy()
    array([1.], dtype=float32)
    """
    if current_trace() is None:
        if bool(condition):
            change()
        return
    before = [(variable, variable.value) for variable in variables]
    change()
    for variable, old in before:
        new = variable.value
        if new is not old:
            variable.assign(ops.where(condition, new, old))
