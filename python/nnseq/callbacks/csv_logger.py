"""Writes the logs of epochs to a CSV file."""

import os
from collections.abc import Iterable
from typing import Any, TextIO

from nnseq.callbacks.callback import Callback


class CSVLogger(Callback):
    """Writes one row per epoch to a file: `epoch`, then the values by name.

    The columns are those of the first epoch, sorted; if it had no validation, a `val_` column for
    each follows, so that later epochs have a place for it. What an epoch lacks is `NA`. The file
    is complete after every epoch.

    filename: str or path. separator: one character. append: go on in a file that is there.

    >>> CSVLogger("training.csv", separator="tab")
    Traceback (most recent call last):
    ValueError: CSVLogger: `separator` must be one character. Received: 'tab'
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(
                f"CSVLogger: `separator` must be one character. Received: {separator!r}"
            )
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self.csv_file: TextIO | None = None
        self._needs_header = True

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._close()
        self.keys = None
        # newline="": the csv module writes the line ends
        self.csv_file = open(  # noqa: SIM115 (closed by on_train_end)
            self.filename, "a" if self.append else "w", newline="", encoding="utf-8"
        )
        self._needs_header = os.path.getsize(self.filename) == 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert self.csv_file is not None
        import csv  # not needed until one is written

        logs = logs or {}
        writer = csv.writer(self.csv_file, delimiter=self.sep)
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            if self._needs_header:
                writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self.csv_file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
            self.csv_file = None


def _cell(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
