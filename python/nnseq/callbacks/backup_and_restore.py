"""Goes on with a training that was interrupted, as if it had not been."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from nnseq._core import ModelFileError
from nnseq.callbacks.callback import Callback

if TYPE_CHECKING:
    from pathlib import Path


class BackupAndRestore(Callback):
    """Keeps a backup of the running fit in a folder; a later fit that finds one goes on from it.

    Called again with the same model, data, arguments and callbacks, in this process or in a new
    one, fit ends with the same weights, to the bit, as if it had never been interrupted, also amid
    an epoch, with shuffling and dropout. The backup holds the weights, the state of optimizer,
    metrics and random generators, the place in the data, and what callbacks remember: the best
    value, patience, reductions of the learning rate. (Callbacks of your own name the attributes
    that are to be kept in `kept`, a tuple of names.)

    Data from a generator are drawn again from its beginning; it must give the same batches.
    History records the epochs that are run after the interruption.

    Args:
        backup_dir: a folder for this training alone.
        save_freq: "epoch", or a number of batches; False never writes.
        double_checkpoint: keeps the backup before the last one too, and takes that one if the
            last is damaged.
        delete_checkpoint: whether the backup is removed when fit ends.

    >>> BackupAndRestore("backup", save_freq="batch")
    Traceback (most recent call last):
    ValueError: Invalid value for argument `save_freq`. Received: save_freq=batch. ...
    """

    comes_last = True  # after what other callbacks do at the same time
    kept = ("_unsaved_batches",)

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 0):
            raise ValueError(
                "Invalid value for argument `save_freq`. "
                f"Received: save_freq={save_freq}. "
                "Expected either 'epoch' or an integer value."
            )
        from pathlib import Path  # not needed until there is a folder

        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.every_batch = save_freq != "epoch" and bool(save_freq)
        self._path = Path(self.backup_dir) / "latest.h5"
        self._previous = Path(self.backup_dir) / "previous.h5"
        self._unsaved_batches = 0
        self._interrupted: tuple[int, Path] | None = None  # the epoch that begins again

    def _progress(self) -> Any:
        return self.model._state().progress

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self.model.built:
            raise ValueError(
                "To use the BackupAndRestore callback, you model must be built before you call "
                f"`fit()`. Model {self.model} is unbuilt. You can build it beforehand by calling "
                "it on a batch of data."
            )
        self._unsaved_batches = 0
        self._interrupted = None
        for path in (self._path, self._previous):
            if path.exists() and self._restored(path, is_last=not self._previous.exists()):
                progress = self._progress()
                if progress.step:
                    self._interrupted = (progress.epoch, path)
                return

    def _restored(self, path: Path, is_last: bool) -> bool:
        try:
            self._progress().restore(path)
        except ModelFileError:
            if path == self._previous or is_last:
                raise
            return False
        return True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._interrupted is not None and epoch == self._interrupted[0]:
            self._progress().restore(self._interrupted[1], of_epoch_begin=True)
        self._interrupted = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.save_freq == "epoch":
            self._save()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.every_batch:
            return
        self._unsaved_batches += 1
        if self._unsaved_batches >= int(self.save_freq):
            self._unsaved_batches = 0
            self._save()

    def _save(self) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and self._path.exists():
            os.replace(self._path, self._previous)
        self._progress().save(self._path)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if not self.delete_checkpoint:
            return
        for path in (self._path, self._previous):
            path.unlink(missing_ok=True)
        if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)
