"""Where a running fit is, and a file of it from which another process goes on.

The file holds all Variables that steps change (weights, optimizers, metrics, random generators)
and, as JSON, the place in the data and what callbacks remember. It is written whole or not at all
and has a checksum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnseq.engine.random_state import default_generator
from nnseq.engine.variable import Variable, assign_stored
from nnseq.saving.errors import ModelFileError, naming
from nnseq.saving.files import open_regular
from nnseq.saving.h5 import new_h5
from nnseq.saving.h5_checks import Contents, numbers, open_h5
from nnseq.saving.json_checks import parse_json
from nnseq.training.data import Source

if TYPE_CHECKING:
    from pathlib import Path

_STATE = "state"  # the JSON, as bytes
_VARIABLES = "variables"
_ARRAYS = "arrays"


class Progress:
    """Epochs and steps of one fit.

    epoch, step: the steps that are done: all of the epochs before `epoch`, and `step` of it.
    logs: of the last of these steps; epoch_logs: of the last epoch that is over.
    is_over: whether a callback has ended the training after the last epoch.
    """

    def __init__(self, model: Any, source: Source, callbacks: list[Any], epoch: int) -> None:
        self.model = model
        self.source = source
        self.callbacks = [callback for callback in callbacks if _kept(callback)]
        self.epoch = epoch
        self.step = 0
        self.logs: dict[str, Any] | None = None
        self.epoch_logs: dict[str, Any] = {}
        self.is_over = False

    def end_step(self, steps: int, logs: dict[str, Any]) -> None:
        """So many steps of the epoch are done."""
        self.step, self.logs = steps, logs

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """The epoch is over."""
        self.epoch, self.step, self.logs, self.epoch_logs = self.epoch + 1, 0, None, logs

    # --- writing ----------------------------------------------------------------------------------
    def save(self, path: Path) -> None:
        """Writes the file.

        Raises:
            OSError: if it cannot be written.
        """
        import json

        from nnseq.saving.atomic import atomic_file

        arrays: list[np.ndarray] = []
        variables = self._variables()
        state = {
            "epoch": self.epoch,
            "step": self.step,
            "logs": _plain(self.logs, arrays),
            "epoch_logs": _plain(self.epoch_logs, arrays),
            "stopped": self.model.stop_training,
            "source": self.source.get_state(),
            "variables": [variable.path for variable in variables],
            "callbacks": [
                [type(c).__name__, {name: _plain(getattr(c, name), arrays) for name in _kept(c)}]
                for c in self.callbacks
            ],
        }
        with atomic_file(path) as file, new_h5(file, is_sealed=True) as h5:
            h5[_STATE] = np.frombuffer(json.dumps(state).encode(), np.uint8)
            for index, variable in enumerate(variables):
                h5[f"{_VARIABLES}/{index}"] = variable.numpy()
            for index, array in enumerate(arrays):
                h5[f"{_ARRAYS}/{index}"] = array

    # --- reading ----------------------------------------------------------------------------------
    def restore(self, path: Path, of_epoch_begin: bool = False) -> None:
        """Goes on where the file was written.

        of_epoch_begin: the epoch that was interrupted has begun again: only what its beginning
            may have changed is restored.

        Raises:
            ModelFileError: if the file is damaged, or of another model, other data or callbacks.
        """
        with naming(path), open_regular(path) as file:
            h5, contents = open_h5(file)
            with h5:
                data = np.asarray(numbers(contents.datasets[_STATE], _STATE))
                state = parse_json(data.tobytes(), _STATE)
                if not of_epoch_begin:
                    self.source.set_state(state["source"])
                    self.epoch, self.step = state["epoch"], state["step"]
                    self.logs = _restored(state["logs"], contents)
                    self.epoch_logs = _restored(state["epoch_logs"], contents)
                    self.model.stop_training = state["stopped"]
                    self.is_over = state["stopped"] and not self.step
                    self._make_all_variables()
                self._restore_values(state, contents)

    def _restore_values(self, state: Any, contents: Contents) -> None:
        variables = self._variables()
        found = [type(c).__name__ for c in self.callbacks]
        expected = [name for name, _ in state["callbacks"]]
        if expected != found:
            raise ModelFileError(f"it was written with the callbacks {expected}, now {found}.")
        if len(variables) != len(state["variables"]):
            raise ModelFileError(
                f"it was written with {len(state['variables'])} variables of model, optimizer and "
                f"metrics; now there are {len(variables)}."
            )
        places = [f"{_VARIABLES}/{index}" for index in range(len(variables))]
        values = [numbers(contents.datasets[place], place) for place in places]
        assign_stored(f"Model '{self.model.name}'", variables, values)
        for callback, (_, kept) in zip(self.callbacks, state["callbacks"], strict=True):
            for name in _kept(callback):
                setattr(callback, name, _restored(kept[name], contents))

    def _make_all_variables(self) -> None:
        """Those of the optimizer and of metrics are made by the first trace, if not before."""
        model = self.model
        if model.optimizer is not None and not model.optimizer.built:
            with model._state().trainable_as_compiled():
                model.optimizer.build(model._trained())
        if self.step and (batch := self.source.ahead()) is not None:
            model._compiled_step("train", batch)

    def _variables(self) -> list[Variable]:
        """All Variables that steps change, each once; those of metrics only amid an epoch, for
        they begin anew with each."""
        found = [*self.model.variables, default_generator().state]
        for optimizer in self.model._optimizers():
            found += optimizer.variables
        for metric in self.model.metrics if self.step else ():
            found += metric.variables
        return list({id(variable): variable for variable in found}.values())


def _kept(callback: Any) -> tuple[str, ...]:
    """The attributes in which a callback remembers what it has seen."""
    return tuple(getattr(callback, "kept", ()))


def _plain(value: Any, arrays: list[np.ndarray]) -> Any:
    """A value as JSON can hold it; arrays are put into the list."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, Mapping):
        return {"dict": {key: _plain(x, arrays) for key, x in value.items()}}
    return [_plain(x, arrays) for x in value]


def _restored(value: Any, contents: Contents) -> Any:
    if isinstance(value, list):
        return [_restored(x, contents) for x in value]
    if not isinstance(value, dict):
        return value
    if "dict" in value:
        return {key: _restored(x, contents) for key, x in value["dict"].items()}
    place = f"{_ARRAYS}/{value['array']}"
    return np.asarray(numbers(contents.datasets[place], place))
