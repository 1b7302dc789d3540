"""Evaluates and saves the averages of the weights instead of the weights."""

from typing import Any

from nnseq.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """While the model is evaluated or predicts, its weights are the averages that an optimizer
    with `use_ema=True` keeps; training goes on from the weights.

    swap_on_epoch: also from the end of an epoch to the start of the next one, so that callbacks
    after this one, such as ModelCheckpoint, see the averages.
    """

    kept = ("_swapped",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _averages(self) -> Any:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. "
                f"Received: use_ema={getattr(optimizer, 'use_ema', None)}"
            )
        return optimizer._averages

    def _swap(self, swapped: bool) -> None:
        """Has the averages in the model, or the weights; before the first step there are none."""
        averages = self._averages()
        if swapped != self._swapped and (swapped is False or averages.are_known):
            averages.swap()
            self._swapped = swapped

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._averages()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._swap(False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.swap_on_epoch:
            return
        self._swap(True)
        if epoch == self.params.get("epochs", 0) - 1 or self.model.stop_training:
            self._averages().settle()  # fit sets the weights to them when it ends
            self._swapped = False

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swap(False)
