"""The record of fit."""

from nnseq.callbacks.callback import Callback


class History(Callback):
    """What fit returns: `history` maps each name to a list with one float per epoch, `epoch` lists
    the epochs (counted from 0), `params` is {'verbose', 'epochs', 'steps'} of the fit."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
