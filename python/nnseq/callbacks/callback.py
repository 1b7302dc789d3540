"""The base of all callbacks."""

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _default(method: _Method) -> _Method:
    """Marks a method that does nothing; an override does not bear the mark."""
    method._is_default = True  # type: ignore[attr-defined]
    return method


def wants_batches(callback: Any, mode: str) -> bool:
    """Whether a callback overrides a method of batches of this mode ("train", "test", "predict"),
    so that it has to be told about each single one."""
    names = [f"on_{mode}_batch_begin", f"on_{mode}_batch_end"]
    if mode == "train":
        names += ["on_batch_begin", "on_batch_end"]
    return getattr(callback, "every_batch", True) and any(
        not getattr(getattr(callback, name), "_is_default", False) for name in names
    )


class Callback:
    """Is told what happens in fit, evaluate and predict; subclasses override what they need.

    `self.model` is the model, `self.params` a dict with verbose, epochs and steps. `logs` are
    dicts of Python floats; what a callback puts into those of an epoch is seen by the callbacks
    after it and by History. While a callback overrides a method of batches, steps run one by one
    instead of many at a time.

    >>> class Stop(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.model.stop_training = logs["loss"] < 0.1
    """

    # False if the methods of batches may be called once for several batches.
    every_batch = True
    # The attributes that BackupAndRestore keeps, numbers, texts, arrays and lists of them.
    kept: tuple[str, ...] = ()
    # True if it is told of everything after the other callbacks.
    comes_last = False
    # True if steps of fit whose loss or gradients are not finite must not be taken.
    wants_finite = False

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: weakref.ref[Any] | None = None

    @property
    def model(self) -> Any:
        """The model that is being trained or evaluated."""
        reference = getattr(self, "_model", None)
        return None if reference is None else reference()

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before anything else with the parameters of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before anything else with the model."""
        self._model = None if model is None else weakref.ref(model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """At the start of an epoch of fit."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """At the end of an epoch of fit, `logs` with the results of validation."""

    @_default
    def on_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The older name of on_train_batch_begin."""

    @_default
    def on_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The older name of on_train_batch_end."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of fit."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of fit."""

    @_default
    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before a training step."""
        self.on_batch_begin(batch, logs)

    @_default
    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After a training step; `logs` are the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of evaluate and of validation."""

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of evaluate and of validation."""

    @_default
    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before a step of evaluate."""

    @_default
    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After a step of evaluate."""

    def on_predict_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of predict."""

    def on_predict_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of predict."""

    @_default
    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a step of predict."""

    @_default
    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a step of predict; `logs` holds the outputs."""
