"""Tells several callbacks what happens."""

from collections.abc import Iterator
from typing import Any

from nnseq.callbacks.callback import Callback, wants_batches
from nnseq.callbacks.history import History
from nnseq.callbacks.logs import to_floats
from nnseq.callbacks.progbar_logger import ProgbarLogger


class CallbackList(Callback):
    """Calls the same method of every callback, in order, with logs as Python floats.

    callbacks: a callback, (nested) lists of them, a CallbackList, or None; those that come last
    are put behind the others. add_history,
    add_progbar: put a History and a ProgbarLogger at the end unless there is one. params: what
    callbacks find in `self.params`.

    >>> told = CallbackList([History()], epochs=1)
    >>> told.on_train_begin(); told.on_epoch_end(0, {"loss": 0.5})
    >>> told.history.history
    {'loss': [0.5]}
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
        self.callbacks: list[Callback] = list(_flat(callbacks))
        if add_history and self.history is None:
            self.append(History())
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.append(ProgbarLogger())
        self.callbacks.sort(key=lambda callback: getattr(callback, "comes_last", False))
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    @property
    def history(self) -> History | None:
        """The last History among the callbacks."""
        found = [callback for callback in self.callbacks if isinstance(callback, History)]
        return found[-1] if found else None

    def append(self, callback: Callback) -> None:
        """Adds a callback at the end."""
        self.callbacks += _flat(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def wants_batches(self, mode: str) -> bool:
        """Whether a callback has to be told about each batch of "train", "test" or "predict"."""
        return any(wants_batches(callback, mode) for callback in self.callbacks)

    def wants_finite_steps(self) -> bool:
        """Whether steps whose loss or gradients are not finite must not be taken."""
        return any(getattr(callback, "wants_finite", False) for callback in self.callbacks)

    def shows_progress(self) -> bool:
        """Whether a progress line moves, so that steps run in short chunks."""
        return any(isinstance(c, ProgbarLogger) and c.moves for c in self.callbacks)


def _flat(callbacks: Any) -> Iterator[Callback]:
    if callbacks is None:
        return
    if isinstance(callbacks, CallbackList):
        callbacks = callbacks.callbacks
    if isinstance(callbacks, list | tuple | set):
        for callback in callbacks:
            yield from _flat(callback)
        return
    if isinstance(callbacks, type) or not hasattr(callbacks, "set_model"):
        raise TypeError(
            "`callbacks` must be instances of Callback, or a list of them. "
            f"Received: {callbacks!r} (of type {type(callbacks).__name__})"
        )
    yield callbacks


def _forwarding(name: str, has_index: bool) -> Any:
    # What predict tells are arrays of outputs, which are handed on as they are.
    as_logs = dict if "predict" in name else to_floats

    def with_index(self: CallbackList, index: int, logs: Any = None) -> None:
        logs = as_logs(logs or {})
        for callback in self.callbacks:
            getattr(callback, name)(index, logs)

    def without(self: CallbackList, logs: Any = None) -> None:
        logs = as_logs(logs or {})
        for callback in self.callbacks:
            getattr(callback, name)(logs)

    method = with_index if has_index else without
    method.__name__ = name
    method.__doc__ = f"Calls {name} of every callback."
    return method


for _event in ("train", "test", "predict", "epoch", "batch", "train_batch", "test_batch",
               "predict_batch"):  # fmt: skip
    for _when in ("begin", "end"):
        _name = f"on_{_event}_{_when}"
        setattr(CallbackList, _name, _forwarding(_name, _event not in ("train", "test", "predict")))
