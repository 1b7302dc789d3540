"""Tells several callbacks what happens."""

from collections.abc import Iterable
from typing import Any

from nnseq.callbacks.callback import Callback
from nnseq.callbacks.history import History
from nnseq.callbacks.progbar_logger import ProgbarLogger


class CallbackList(Callback):
    """Calls the same method of every callback, in order; the progress line and History come last.

    callbacks: one callback, or any number of them.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        if callbacks is None:
            callbacks = []
        elif not isinstance(callbacks, Iterable):
            callbacks = [callbacks]
        self.callbacks: list[Callback] = list(callbacks)
        for callback in self.callbacks:
            if not hasattr(callback, "set_params") or isinstance(callback, type):
                raise TypeError(
                    f"Expected instances of Callback; received {callback!r} "
                    f"(of type {type(callback).__name__})"
                )
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        found = [c for c in self.callbacks if isinstance(c, History)]
        if add_history and not found:
            found = [History()]
            self.callbacks += found
        self.history = found[-1] if found else None
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Adds a callback at the end."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def wants_batches(self, mode: str) -> bool:
        return any(callback.wants_batches(mode) for callback in self.callbacks)

    def shows_progress(self) -> bool:
        """Whether a progress line moves, so that steps run in short chunks."""
        return any(isinstance(c, ProgbarLogger) and c.moves for c in self.callbacks)


def _forwarding(name: str, has_index: bool) -> Any:
    def with_index(self: CallbackList, index: int, logs: Any = None) -> None:
        for callback in self.callbacks:
            getattr(callback, name)(index, logs)

    def without(self: CallbackList, logs: Any = None) -> None:
        for callback in self.callbacks:
            getattr(callback, name)(logs)

    method = with_index if has_index else without
    method.__name__ = name
    return method


for _event in ("train", "test", "predict", "epoch", "batch", "train_batch", "test_batch",
               "predict_batch"):  # fmt: skip
    for _when in ("begin", "end"):
        _name = f"on_{_event}_{_when}"
        setattr(CallbackList, _name, _forwarding(_name, _event not in ("train", "test", "predict")))
