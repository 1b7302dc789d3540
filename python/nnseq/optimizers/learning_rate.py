"""The learning rate of an optimizer: a Variable, a schedule, or a Python function."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.engine.naming import root_scope
from nnseq.engine.state import eager_scope
from nnseq.engine.variable import Variable
from nnseq.optimizers import schedules
from nnseq.optimizers.schedules import LearningRateSchedule


class LearningRate:
    """What `learning_rate` was given as.

    variable: holds the rate, unless a schedule computes it. function: called before every step,
    its result is stored in the Variable. revision: counts changes that make traces stale.
    """

    def __init__(self, value: Any, scope: str) -> None:
        self._scope = scope
        self.schedule: LearningRateSchedule | None = None
        self.function: Callable[[], Any] | None = None
        self.variable: Variable | None = None
        self.revision = 0
        self._set(value)

    def _set(self, value: Any) -> None:
        self.schedule = value if isinstance(value, LearningRateSchedule) else None
        is_function = callable(value) and self.schedule is None and not hasattr(value, "dtype")
        self.function = value if is_function else None
        if self.schedule is not None:
            self.variable = None
            return
        number = _number(value() if self.function is not None else value)
        if self.variable is not None:
            self.variable.assign(number)
            return
        with root_scope(self._scope):
            self.variable = Variable(number, trainable=False, name="learning_rate")

    def change(self, value: Any) -> None:
        """Sets it to a number, a schedule or a function.

        Raises:
            TypeError: a number in place of a schedule.
        """
        if self.schedule is not None and not callable(value):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its "
                "`learning_rate`, hence its learning rate is not settable; make the optimizer "
                "with a number as `learning_rate` instead."
            )
        before = (self.schedule, self.function)
        self._set(value)
        if before != (None, None) or self.schedule is not None or self.function is not None:
            self.revision += 1

    def at(self, iterations: Variable) -> Any:
        """The Variable, or what the schedule computes for this number of steps."""
        return self.variable if self.schedule is None else self.schedule(iterations.value)

    def refresh(self) -> None:
        """Calls the function, if it is one."""
        if self.function is not None and self.variable is not None:
            with eager_scope():
                self.variable.assign(_number(self.function()))

    def config(self) -> Any:
        """The number, or the configuration of the schedule."""
        if self.schedule is not None:
            return schedules.serialize(self.schedule)
        return None if self.variable is None else float(self.variable.numpy())


def _number(value: Any) -> np.float32:
    try:
        if isinstance(value, str):
            raise TypeError(value)
        return np.float32(float(value))
    except (TypeError, ValueError):
        raise ValueError(
            "Argument `learning_rate` should be a number, a LearningRateSchedule, or a function "
            f"without arguments that returns a number. Received: learning_rate={value!r}"
        ) from None
