"""Moving averages of Variables, which `use_ema` asks for."""

from collections.abc import Iterable
from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable


class Averages:
    """average = momentum * average + (1 - momentum) * w after each step; the first step sets it
    to w.

    overwrite_frequency: every so many steps the Variables are set to their averages.
    """

    def __init__(self, momentum: float, overwrite_frequency: int | None) -> None:
        if not 0 <= momentum <= 1:
            raise ValueError(
                f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={momentum}"
            )
        every = overwrite_frequency
        if every is not None and (type(every) is not int or every < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None. "
                f"Received: ema_overwrite_frequency={every!r}"
            )
        self.momentum = momentum
        self.overwrite_frequency = overwrite_frequency
        self.of: dict[Variable, Variable] = {}

    def update(self, variables: Iterable[Variable], steps: Any) -> None:
        """Takes in the values after one more step; `steps` were done before it."""
        momentum = ops.where(ops.equal(steps, 0), 0.0, self.momentum)
        for variable in variables:
            average = self.of[variable]
            mean = momentum * average.value + (1.0 - momentum) * variable.value
            average.assign(mean)
            if self.overwrite_frequency:
                is_due = ops.equal((steps + 1) % self.overwrite_frequency, 0)
                variable.assign(ops.where(is_due, mean, variable.value))

    @property
    def are_known(self) -> bool:
        """Whether there are averages, and not only their zeros."""
        return any(average.numpy().any() for average in self.of.values())

    def swap(self) -> None:
        """Exchanges the values of the Variables and their averages."""
        for variable, average in self.of.items():
            values = variable.numpy()
            variable.assign(average.numpy())
            average.assign(values)

    def settle(self) -> None:
        """Sets the averages to the values of the Variables."""
        for variable, average in self.of.items():
            average.assign(variable.numpy())
