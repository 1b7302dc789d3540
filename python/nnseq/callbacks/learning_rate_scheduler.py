"""Sets the learning rate by epoch."""

import inspect
import math
from collections.abc import Callable
from typing import Any

from nnseq.callbacks import learning_rate
from nnseq.callbacks.callback import Callback
from nnseq.utils.messages import print_msg


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch to `schedule(epoch, learning_rate)` or, if it
    takes one argument, `schedule(epoch)`; epochs are counted from 0.

    The logs of an epoch get `learning_rate`. verbose: 1 prints what is set.

    Raises (in fit):
        ValueError: the optimizer follows a LearningRateSchedule, or the result of `schedule` is
            not a finite number.

    >>> LearningRateScheduler(lambda epoch, lr: lr * 0.9).verbose
    0
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                "LearningRateScheduler: `schedule` must be a function of (epoch, learning_rate) "
                f"or of (epoch). Received: {schedule!r} (of type {type(schedule).__name__})"
            )
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _accepts(schedule, 2)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        learning_rate.check_settable(self)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rate = learning_rate.read(self.model)
        value = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        number = _as_number(value)
        if number is None:
            raise ValueError(
                "The output of the `schedule` function should be a finite number. "
                f"Got for epoch {epoch}: {value!r}"
            )
        self.model.optimizer.learning_rate = number
        if self.verbose > 0:
            print_msg(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {number}."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate.read(self.model)


def _accepts(function: Callable[..., Any], count: int) -> bool:
    """Whether it can be called with so many arguments; yes if it does not tell."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        return True
    return True


def _as_number(value: Any) -> float | None:
    if value is None or isinstance(value, bool | str | bytes | complex):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and getattr(value, "ndim", 0) == 0 else None
