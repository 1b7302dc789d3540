"""Trainer: fit, evaluate and predict."""

import math
import warnings
from collections.abc import Collection
from typing import Any

import numpy as np

from nnseq.callbacks import CallbackList, History
from nnseq.engine.nest import map_structure
from nnseq.engine.settings import settings
from nnseq.training.arrays import is_data, split_validation
from nnseq.training.data import (
    DEFAULT_BATCH_SIZE,
    ArraySource,
    Source,
    check_batch_size,
    make_source,
)
from nnseq.training.loop import Loop, checked_logs, to_numpy
from nnseq.training.profile import Profile, profile
from nnseq.training.progress import Progress
from nnseq.training.steps import Steps
from nnseq.utils.batches import PyDataset, unpack_x_y_sample_weight


class Trainer(Steps):
    """What a model needs to be trained and used on data; mixed into Model."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Trains the model.

        Args:
            x, y: arrays, lists of numbers, structures of them; or x alone yields batches
                (a PyDataset, a generator, any iterable).
            batch_size: 32 by default; the last batch may be smaller.
            verbose: 0 silent, 1 or "auto" a progress line, 2 one line per epoch.
            validation_split: this part of the rows, the last ones, is kept for validation.
            validation_data: (x, y), (x, y, sample_weight) or what yields batches.
            shuffle: whether the rows are drawn in a new order every epoch; "batch" keeps the rows
                of each batch of arrays together.
            class_weight: dict class -> weight, multiplied into the loss.
            steps_per_epoch: batches per epoch; the next epoch goes on in the data.
            validation_steps: batches of validation, the same ones every time.
            validation_freq: every so many epochs, or a list of epochs counted from 1.

        Returns:
            A History; `.history` maps names to one value per epoch.
        """
        self._assert_compiled()
        check_verbose(verbose)
        check_count("epochs", epochs, least=0)
        check_count("initial_epoch", initial_epoch, least=0)
        for name, value in (
            ("steps_per_epoch", steps_per_epoch),
            ("validation_steps", validation_steps),
            ("validation_batch_size", validation_batch_size),
        ):
            if value is not None:
                check_count(name, value)
        epochs = limited("epochs", epochs, settings.max_epochs)
        steps_per_epoch = limited("steps_per_epoch", steps_per_epoch, settings.max_steps_per_epoch)
        if validation_data is not None or validation_split:
            validation_steps = limited(
                "validation_steps", validation_steps, settings.max_steps_per_epoch
            )
        if isinstance(validation_freq, str) or not isinstance(validation_freq, Collection):
            check_count("validation_freq", validation_freq)
        x, prepare = self._host_data(x)
        was_split = bool(validation_split) and validation_data is None
        if was_split:
            given, held = split_validation(validation_split, x=x, y=y, sample_weight=sample_weight)
            x, y, sample_weight = given["x"], given["y"], given["sample_weight"]
            validation_data = (held["x"], held["y"], held["sample_weight"])
        source = make_source(
            x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight, prepare
        )
        _refuse_no_rows("fit", source)
        validation = None
        if validation_data is not None:
            x, y, sample_weight = _validation_arrays(validation_data)
            if not was_split:
                x, prepare = self._host_data(x)
            validation = make_source(
                x, y, sample_weight, validation_batch_size or batch_size, prepare=prepare
            )
            _refuse_no_rows("validation", validation)
        self._warn_if_trainable_changed()
        if isinstance(source, ArraySource) and not self.run_eagerly:
            self._prepared_step("train", source)
        if isinstance(validation, ArraySource) and not self.run_eagerly:
            self._prepared_step("test", validation)
        told = CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps_per_epoch or source.num_batches,
        )

        def validate(epoch: int) -> dict[str, Any]:
            if validation is None or not _is_due(validation_freq, epoch):
                return {}
            logs = self._evaluate(validation, validation_steps, told)
            return {f"val_{name}": value for name, value in logs.items()}

        return self._fit(source, steps_per_epoch, range(initial_epoch, epochs), told, validate)

    def _fit(
        self, source: Source, steps: int | None, epochs: range, told: CallbackList, validate: Any
    ) -> History:
        state = self._state()
        self.stop_training = False
        state.history = told.history
        state.progress = Progress(self, source, told.callbacks, epochs.start)
        try:
            told.on_train_begin()
            state.checks_finite = told.wants_finite_steps()
            logs = self._epochs(source, steps, epochs, told, validate)
        finally:
            state.checks_finite = False
            state.progress = None
            source.rewind()
        if logs and self.optimizer is not None and self.optimizer.built:
            with state.trainable_as_compiled():
                self.optimizer.finalize_variable_values(self._trained())
        told.on_train_end(logs)
        assert told.history is not None
        return told.history

    def _epochs(
        self, source: Source, steps: int | None, epochs: range, told: CallbackList, validate: Any
    ) -> dict[str, Any]:
        """The epochs of fit; returns the logs of the last one."""
        progress = self._state().progress
        loop = Loop(self, "train", source, told, progress)
        first, logs = progress.epoch, progress.epoch_logs  # a callback may have restored them
        for epoch in range(first, first if progress.is_over else epochs.stop):
            self.reset_metrics()
            told.on_epoch_begin(epoch)
            found = loop.run(steps)
            if found is None:
                if epoch == epochs.start:
                    raise ValueError("fit was given no batches.")
                warnings.warn("Your input ran out of data; interrupting training.", stacklevel=3)
                break
            logs = dict(sorted({**found, **validate(epoch)}.items()))
            progress.end_epoch(logs)
            told.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        return logs

    def _warn_if_trainable_changed(self) -> None:
        changed = self._state().changed_layers()
        if changed:
            warnings.warn(
                f"`trainable` of {', '.join(changed)} was changed after compile(); the model is "
                "trained as it was compiled. Call compile() again for the change to take effect.",
                stacklevel=3,
            )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on data: [loss, metrics...], the loss alone, or a dict."""
        self._assert_compiled()
        if steps is not None:
            check_count("steps", steps)
        steps = limited("steps", steps, settings.max_steps_per_epoch)
        x, prepare = self._host_data(x)
        source = make_source(x, y, sample_weight, batch_size, steps, prepare=prepare)
        _refuse_no_rows("evaluate", source)
        told = self._told(callbacks, verbose, steps or source.num_batches)
        logs = self._evaluate(source, steps, told)
        return logs if return_dict else self._in_order(logs)

    def _evaluate(self, source: Source, steps: int | None, told: CallbackList) -> dict[str, Any]:
        self.reset_metrics()
        source.rewind()
        self.stop_evaluating = False
        told.on_test_begin()
        logs = Loop(self, "test", source, told).run(steps)
        source.rewind()
        if logs is None:
            raise ValueError("evaluate was given no batches.")
        told.on_test_end(logs)
        return logs

    def _told(self, callbacks: Any, verbose: Any, steps: int | None) -> CallbackList:
        check_verbose(verbose)
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=1,
            steps=steps,
        )

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The values in the order of `metrics_names`, then the others; one value by itself."""
        names = self._state().metric_names()
        if any(name not in names for name in logs):
            names = self.metrics_names
        names = [name for name in names if name in logs]
        values = [logs[name] for name in [*names, *(k for k in logs if k not in names)]]
        return values[0] if len(values) == 1 else values

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs of the model as arrays, for arrays or for what yields batches."""
        if steps is not None:
            check_count("steps", steps)
        steps = limited("steps", steps, settings.max_steps_per_epoch)
        x, prepare = self._host_data(x)
        is_quiet = verbose == 0 and callbacks is None and steps is None
        if is_quiet:
            found = self._predict_ready(x, check_batch_size(batch_size) or DEFAULT_BATCH_SIZE)
            if found is not None:
                return found
        source = make_source(x, batch_size=batch_size, steps=steps, prepare=prepare)
        if isinstance(source, ArraySource) and source.rows == 0:
            return self._predict_nothing(source)
        if is_quiet and isinstance(source, ArraySource) and source.per_pass == 1:
            return to_numpy(self._run_step("predict", source.data))
        told = self._told(callbacks, verbose, steps or source.num_batches)
        self.stop_predicting = False
        told.on_predict_begin()
        outputs = Loop(self, "predict", source, told).predict(steps)
        told.on_predict_end()
        return outputs

    def _predict_ready(self, x: Any, most: float = math.inf) -> Any:
        """The output for 1 to `most` rows of an array like one before; None for anything else."""
        function = self._ready(x)
        if function is None or not 0 < len(x) <= most:
            return None
        return function(x)[0].numpy()

    def _predict_nothing(self, source: ArraySource) -> Any:
        """Arrays of 0 rows with the shapes of the outputs, found with one row of zeros."""
        row = map_structure(
            lambda a: None if a is None else np.zeros((1, *a.shape[1:]), a.dtype), source.data
        )
        return map_structure(lambda a: a[:0], to_numpy(self._run_step("predict", row)))

    def profile(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        runs: int = 10,
    ) -> Profile:
        """How long each part of a step takes, which kernel it runs, and why no faster one.

        Args:
            x, y, sample_weight: arrays as for `fit`, of which the first batch is used. With y it is
                a training step of the compiled model, without y a step of predict.
            batch_size: at most so many samples; 32 by default.
            runs: over so many runs the times are averaged, after one that is not counted.

        Returns:
            A Profile, which prints itself as a table. The runs take place on a copy: weights,
            optimizer and metrics of the model stay what they are.

        >>> from nnseq import Input, Sequential, layers
        >>> model = Sequential([Input((4,)), layers.Dense(2, name="d")])
        >>> profile = model.profile(np.ones((3, 4), "float32"))
        >>> for row in profile.rows:
        ...     print(row.layer.split("/")[-1], row.op, row.shapes, int(row.flops))
        d matmul (3, 4), (4, 2), (2,) -> (3, 2) 48
        """
        check_count("runs", runs)
        return profile(self, x, y, sample_weight, batch_size, runs)

    def _host_data(self, x: Any) -> tuple[Any, Any]:
        """Inputs after the layers on the host, and what does that with batches to come."""
        return x, None

    # --- one batch ------------------------------------------------------------------------------
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One training step; returns [loss, metrics...] of this batch."""
        self._assert_compiled()
        self._warn_if_trainable_changed()
        for optimizer in self._optimizers():
            optimizer.refresh_learning_rate()
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluate; returns [loss, metrics...] of this batch."""
        self._assert_compiled()
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(
        self, mode: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        x, _ = self._host_data(x)
        source = make_source(x, y, sample_weight, class_weight=class_weight)
        _refuse_no_rows(f"{mode}_on_batch", source)
        self.reset_metrics()
        logs = checked_logs(self._run_step(mode, _only_batch(source)))
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as arrays."""
        x, _ = self._host_data(x)
        found = self._predict_ready(x)
        if found is not None:
            return found
        source = make_source(x)
        if isinstance(source, ArraySource) and source.rows == 0:
            return self._predict_nothing(source)
        return to_numpy(self._run_step("predict", _only_batch(source)))


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Refuses what is not an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"`{name}` must be an int of at least {least}. Received: {value!r}")


def limited(name: str, value: int | None, limit: int | None) -> Any:
    """`value`, or the limit of `nnseq.config` where it is less; None is no limit."""
    if limit is None or (value is not None and value <= limit):
        return value
    warnings.warn(f"Limiting {name} to {limit}", stacklevel=3)
    return limit


def check_verbose(verbose: Any) -> None:
    """Refuses what is neither "auto" nor a number."""
    if verbose != "auto" and (not isinstance(verbose, int | np.integer) or verbose < 0):
        raise ValueError(f"`verbose` must be 'auto', 0, 1 or 2. Received: {verbose!r}")


def _refuse_no_rows(what: str, source: Source) -> None:
    if isinstance(source, ArraySource) and source.rows == 0:
        raise ValueError(f"{what} needs at least one sample; `x` has 0 rows.")


def _only_batch(source: Source) -> Any:
    if not isinstance(source, ArraySource):
        raise TypeError("The functions on batches take arrays, not something that yields batches.")
    return source.data


def _validation_arrays(data: Any) -> tuple[Any, Any, Any]:
    if isinstance(data, list | tuple) and 2 <= len(data) <= 3:
        return unpack_x_y_sample_weight(data)
    if isinstance(data, PyDataset) or not is_data(data):
        return data, None, None
    raise ValueError(
        "`validation_data` must be (x, y), (x, y, sample_weight), or something that yields batches."
    )


def _is_due(validation_freq: Any, epoch: int) -> bool:
    """Whether validation takes place after this epoch (counted from 0)."""
    if isinstance(validation_freq, Collection):
        return epoch + 1 in validation_freq
    return (epoch + 1) % validation_freq == 0
