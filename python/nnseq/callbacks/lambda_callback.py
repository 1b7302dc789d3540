"""A callback made of functions."""

from collections.abc import Callable
from typing import Any

from nnseq.callbacks.callback import Callback
from nnseq.engine.registry import did_you_mean


class LambdaCallback(Callback):
    """A callback whose methods are the functions given by name, e.g. on_epoch_end=f(epoch, logs).

    >>> LambdaCallback(on_epoch_ends=print)
    Traceback (most recent call last):
    ValueError: LambdaCallback has no on_epoch_ends. Did you mean 'on_epoch_end'?
    """

    def __init__(self, **functions: Callable[..., Any] | None) -> None:
        super().__init__()
        names = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in functions.items():
            if name not in names:
                raise ValueError(f"LambdaCallback has no {name}.{did_you_mean(name, names)}")
            if function is not None:
                setattr(self, name, function)
