"""The learning rate as callbacks read and set it."""

from typing import Any

from nnseq.callbacks.callback import Callback
from nnseq.engine.variable import Variable


def check_settable(callback: Callback) -> None:
    """Refuses a model whose optimizer computes its learning rate by a schedule, or has none."""
    name = type(callback).__name__
    optimizer: Any = getattr(callback.model, "optimizer", None)
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(f"{name} needs a model that is compiled with an optimizer.")
    if not isinstance(optimizer.learning_rate, Variable):
        raise ValueError(
            f"{name} cannot set the learning rate of {type(optimizer).__name__}, which follows a "
            f"LearningRateSchedule; compile with a number as `learning_rate`, or leave out {name}."
        )


def read(model: Any) -> float:
    """The learning rate now."""
    return float(model.optimizer.learning_rate)
