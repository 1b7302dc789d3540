"""Progress on standard output."""

from typing import Any

from nnseq.callbacks.callback import Callback
from nnseq.utils.progbar import Progbar, is_dynamic


class ProgbarLogger(Callback):
    """Shows the progress of fit, evaluate and predict as `params["verbose"]` says."""

    every_batch = False

    def __init__(self) -> None:
        super().__init__()
        self.progbar: Progbar | None = None
        self._seen = 0
        self._in_fit = False

    @property
    def verbose(self) -> int:
        """0 silent, 1 a line that moves, 2 one line per epoch."""
        verbose = self.params.get("verbose", 1)
        return 1 if verbose in ("auto", True) else int(verbose or 0)

    @property
    def moves(self) -> bool:
        """Whether the line is redrawn while steps are done."""
        return self.verbose == 1 and is_dynamic()

    def _begin(self) -> None:
        self.progbar = Progbar(self.params.get("steps"), verbose=self.verbose)
        self._seen = 0

    def _update(self, batch: int, logs: dict[str, Any] | None) -> None:
        self._seen = batch + 1
        if self.progbar is not None:
            self.progbar.update(self._seen, logs, finalize=False)

    def _end(self, logs: dict[str, Any] | None) -> None:
        if self.progbar is not None:
            self.progbar.update(self._seen, logs, finalize=True)
            self.progbar = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.verbose and self.params.get("epochs", 1) > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}", flush=True)
        self._begin()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._update(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._end(logs)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._in_fit = False

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if not self._in_fit:
            self._update(batch, logs)

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        if not self._in_fit:
            self._end(logs)

    def on_predict_begin(self, logs: dict[str, float] | None = None) -> None:
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._update(batch, None)

    def on_predict_end(self, logs: dict[str, float] | None = None) -> None:
        self._end(None)
