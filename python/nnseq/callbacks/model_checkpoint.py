"""Saves the model while it is trained."""

import os
import warnings
from typing import Any

import numpy as np

from nnseq.callbacks.monitor_callback import MonitorCallback
from nnseq.utils.messages import print_msg


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after every epoch or every `save_freq` batches.

    filepath: ends in `.keras`, or in `.weights.h5` with save_weights_only; may name `epoch`
        (counted from 1), `batch` and what is in the logs: "{epoch:02d}-{val_loss:.2f}.keras".
        Missing directories are made.
    monitor, mode: see MonitorCallback; used with save_best_only, which saves only when the value
        got better. initial_value_threshold: what the first value has to be better than.
    save_freq: "epoch", or a number of batches, counted over epochs.
    verbose: 1 prints what is done.

    >>> ModelCheckpoint("model.ckpt")
    Traceback (most recent call last):
    ValueError: ModelCheckpoint: `filepath` must end in `.keras`. Received: filepath=model.ckpt
    """

    kept = ("best", "_current_epoch", "_unsaved_batches")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.every_batch = save_freq != "epoch"
        is_count = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if self.every_batch and not is_count:
            raise ValueError(
                "ModelCheckpoint: `save_freq` must be 'epoch' or a number of batches. "
                f"Received: {save_freq!r}"
            )
        _check_path(self.filepath, save_weights_only)
        self._current_epoch = 0
        self._unsaved_batches = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.save_freq == "epoch":
            return
        self._unsaved_batches += 1
        if self._unsaved_batches >= int(self.save_freq):
            self._unsaved_batches = 0
            self._save_model(self._current_epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor_op is None and self.save_best_only:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save_model(epoch, None, logs or {})

    def _save_model(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        filepath = self._path(epoch, batch, logs)
        if os.path.isdir(filepath):
            raise IsADirectoryError(
                f"ModelCheckpoint: `filepath` must name a file; a directory is at {filepath}"
            )
        if not self._should_save(epoch, logs, filepath):
            return
        os.makedirs(os.path.dirname(filepath) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(filepath, overwrite=True)
        else:
            self.model.save(filepath, overwrite=True)
        self._say(epoch, f"finished saving model to {filepath}")

    def _should_save(self, epoch: int, logs: dict[str, Any], filepath: str) -> bool:
        if not self.save_best_only:
            self._say(epoch, f"saving model to {filepath}")
            return True
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"Can save best model only with {self.monitor} available. Available are: "
                f"{','.join(logs)}",
                stacklevel=4,
            )
            return True
        if np.ndim(value) > 0:
            warnings.warn(
                "Can save best model only when `monitor` is a scalar value. Received: "
                f"{value}. Falling back to `save_best_only=False`.",
                stacklevel=4,
            )
            return True
        before = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(value, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {before}")
            return False
        self._say(
            epoch,
            f"{self.monitor} improved from {before} to {value:.5f}, saving model to {filepath}",
        )
        self.best = value
        return True

    def _say(self, epoch: int, what: str) -> None:
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: {what}")

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        values = {"epoch": epoch + 1, **logs}
        if batch is not None:
            values.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**values)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} names {error}, which is not in the "
                f"logs. Known are: {', '.join(values)}."
            ) from None


def _check_path(filepath: str, save_weights_only: bool) -> None:
    if save_weights_only:
        if not filepath.endswith(".weights.h5"):
            raise ValueError(
                "ModelCheckpoint: with save_weights_only=True `filepath` must end in "
                f"`.weights.h5`. Received: filepath={filepath}"
            )
    elif not filepath.endswith(".keras"):
        hint = (
            " (`.weights.h5` goes with save_weights_only=True.)"
            if filepath.endswith(".weights.h5")
            else ""
        )
        raise ValueError(
            f"ModelCheckpoint: `filepath` must end in `.keras`. Received: filepath={filepath}{hint}"
        )
    import string  # not needed until a checkpoint is made

    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(filepath) if name is not None]
    except ValueError as error:
        raise ValueError(
            f"ModelCheckpoint: `filepath` {filepath!r} is no format: {error}"
        ) from None
    if any(not name or name[0].isdigit() for name in fields):
        raise ValueError(
            f"ModelCheckpoint: fields in `filepath` need names, like {{epoch}}. "
            f"Received: filepath={filepath}"
        )
