"""Lowers the learning rate when a value no longer gets better."""

import warnings
from typing import Any

import numpy as np

from nnseq.callbacks import learning_rate
from nnseq.callbacks.monitor_callback import MonitorCallback
from nnseq.utils.messages import print_msg


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` after `patience` epochs without an improvement.

    monitor, mode, min_delta: see MonitorCallback. cooldown: epochs after a reduction in which
    nothing is counted. min_lr: the rate never gets lower. The logs of an epoch get
    `learning_rate`. verbose: 1 prints reductions.

    >>> ReduceLROnPlateau(factor=2.0)
    Traceback (most recent call last):
    ValueError: ReduceLROnPlateau does not support a factor >= 1.0. Received factor=2.0
    """

    kept = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if "epsilon" in kwargs:
            raise ValueError(
                "ReduceLROnPlateau: `epsilon` is deprecated; it is called `min_delta` now."
            )
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau has no argument {', '.join(map(repr, kwargs))}.")
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}"
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        learning_rate.check_settable(self)
        self._reset()

    def in_cooldown(self) -> bool:
        """Whether the last reduction was less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        logs["learning_rate"] = learning_rate.read(self.model)
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is not "
                f"available. Available metrics are: {','.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        """Whether there was anything left to reduce."""
        old = learning_rate.read(self.model)
        if old <= np.float32(self.min_lr):
            return False
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        return True
