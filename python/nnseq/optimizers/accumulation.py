"""Sums of gradients over several steps, which `gradient_accumulation_steps` asks for."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable


class Accumulation:
    """Every `steps` steps the mean of their gradients is what the optimizer sees."""

    def __init__(self, steps: int) -> None:
        if type(steps) is not int or steps < 2:
            raise ValueError(
                "`gradient_accumulation_steps` must be an integer >= 2. "
                f"Received: gradient_accumulation_steps={steps!r}"
            )
        self.steps = steps
        self.of: dict[Variable, Variable] = {}

    def is_due(self, iterations: Any) -> Any:
        """Whether the step after this many is one that updates."""
        return ops.equal((iterations + 1) % self.steps, 0)

    def take(self, grads: Sequence[Any], variables: Sequence[Variable], is_due: Any) -> list[Any]:
        """Adds gradients to the sums, which start again when it is due; returns the means."""
        sums = [g + self.of[v].value for g, v in zip(grads, variables, strict=True)]
        for total, variable in zip(sums, variables, strict=True):
            self.of[variable].assign(ops.where(is_due, 0.0, total))
        return [total / float(self.steps) for total in sums]
