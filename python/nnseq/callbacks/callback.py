"""The base of all callbacks."""

import weakref
from typing import Any


class Callback:
    """Is told what happens in fit, evaluate and predict; subclasses override what they need.

    `self.model` is the model, `self.params` a dict with verbose, epochs and steps. `logs` are
    dicts of Python floats. While a callback overrides a method of batches, steps run one by one
    instead of many at a time.

    >>> class Stop(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.model.stop_training = logs["loss"] < 0.1
    """

    # False if the methods of batches may be called once for several batches.
    every_batch = True

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

    def on_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The older name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The older name of on_train_batch_end."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of fit."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of fit."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before a training step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After a training step; `logs` are the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of evaluate and of validation."""

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of evaluate and of validation."""

    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Before a step of evaluate."""

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """After a step of evaluate."""

    def on_predict_begin(self, logs: dict[str, float] | None = None) -> None:
        """At the start of predict."""

    def on_predict_end(self, logs: dict[str, float] | None = None) -> None:
        """At the end of predict."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a step of predict."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a step of predict; `logs` holds the outputs."""

    def wants_batches(self, mode: str) -> bool:
        """Whether a method of batches of this mode ("train", "test", "predict") is overridden."""
        names = [f"on_{mode}_batch_begin", f"on_{mode}_batch_end"]
        if mode == "train":
            names += ["on_batch_begin", "on_batch_end"]
        return self.every_batch and any(
            name in vars(self) or getattr(type(self), name) is not getattr(Callback, name)
            for name in names
        )
