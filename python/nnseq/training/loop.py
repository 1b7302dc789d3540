"""Runs the steps of an epoch: many at a time in the core, or batch by batch."""

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from nnseq import _core, ops
from nnseq.callbacks import CallbackList
from nnseq.callbacks.logs import to_floats
from nnseq.engine.nest import flatten, map_structure, pack
from nnseq.engine.traced import Compiled
from nnseq.training.data import ArraySource, Source

if TYPE_CHECKING:
    from nnseq.training.progress import Progress
    from nnseq.training.trainer import Trainer

CHUNK_SECONDS = 0.1  # how long the core works alone while a progress line moves


class Loop:
    """The steps of one mode ("train", "test" or "predict") over a source of batches.

    Callbacks are told about every step if one of them asks for it, else about chunks of steps.
    With a Progress, the first epoch begins behind the steps that it says are done.
    """

    def __init__(
        self,
        model: "Trainer",
        mode: str,
        source: Source,
        callbacks: CallbackList,
        progress: "Progress | None" = None,
    ) -> None:
        self.model = model
        self.mode = mode
        self.source = source
        self._progress = progress
        self._begin = getattr(callbacks, f"on_{mode}_batch_begin")
        self._end = getattr(callbacks, f"on_{mode}_batch_end")
        self._optimizers = model._optimizers() if mode == "train" else []
        self._hosted = [optimizer for optimizer in self._optimizers if optimizer.needs_host]
        self.single = callbacks.wants_batches(mode) or bool(self._hosted)
        self._moves = callbacks.shows_progress()

    def _refresh(self) -> None:
        for optimizer in self._hosted:
            optimizer.refresh_learning_rate()

    @property
    def stopped(self) -> bool:
        """Whether a callback set `stop_training`, `stop_evaluating` or `stop_predicting`."""
        return self.mode in self.model._state().stops

    # --- training and evaluation ----------------------------------------------------------------
    def run(self, steps: int | None) -> dict[str, Any] | None:
        """One epoch; returns the logs of the last step, or None if there was no batch."""
        source = self.source
        done, logs = self._done()
        if done and self.stopped:
            return logs
        if isinstance(source, ArraySource) and not self.model.run_eagerly:
            compiled = self.model._prepared_step(self.mode, source)
            if compiled.batch_free:
                count = source.per_pass if steps is None else steps
                return self._run_chunks(source, compiled, count)
        return self._run_batches(steps)

    def _done(self) -> tuple[int, dict[str, Any] | None]:
        """The steps of this epoch that an interrupted fit has done, and their logs."""
        progress = self._progress
        return (0, None) if progress is None else (progress.step, progress.logs)

    def _after(self, steps: int, logs: dict[str, Any]) -> None:
        """So many steps of the epoch are done."""
        if self._progress is not None:
            self._progress.end_step(steps, logs)
        self._end(steps - 1, logs)

    def _run_batches(self, steps: int | None) -> dict[str, Any] | None:
        done, logs = self._done()
        if steps is None and done and isinstance(self.source, ArraySource):
            steps = self.source.per_pass
        rest = None if steps is None else steps - done
        for step, batch in enumerate(self.source.take(rest), done):
            self._begin(step)
            self._refresh()
            try:
                logs = checked_logs(self.model._run_step(self.mode, batch))
            except _core.NotFiniteError:
                return self._not_finite(step)
            self._after(step + 1, logs)
            if self.stopped:
                break
        return logs

    def _revisions(self) -> list[int]:
        return [optimizer.revision for optimizer in self._optimizers]

    def _run_chunks(
        self, source: ArraySource, compiled: Compiled, steps: int
    ) -> dict[str, Any] | None:
        done, logs = self._done()
        revisions = self._revisions()
        chunk = 1 if self.single or self._moves or self.stopped else steps
        while done < steps:
            number, first = divmod(source.position, source.per_pass)
            count = min(chunk, steps - done, source.per_pass - first)
            self._begin(done)
            self._refresh()
            if compiled.is_stale or self._revisions() != revisions:  # by a callback
                compiled = self.model._compiled_step(self.mode, source.first_batch())
                revisions = self._revisions()
            started = time.perf_counter()
            try:
                cores = compiled.function.run_steps(
                    source.arrays, source.batch_size, first, count, source.shuffle_of(number)
                )
            except _core.NotFiniteError as error:
                whole = error.step - first
                source.position += whole + 1
                return self._not_finite(done + whole)
            seconds = time.perf_counter() - started
            source.position += count
            done += count
            logs = checked_logs(compiled.unpack(cores))
            self._after(done, logs)
            if self.stopped:
                break
            if self._moves and not self.single:
                chunk = next_chunk(count, seconds)
        return logs

    def _not_finite(self, step: int) -> dict[str, Any]:
        """Tells of a step that was not taken: the metrics are of those before it, the loss NaN."""
        logs = {**checked_logs(self.model.get_metrics_result()), "loss": math.nan}
        self._end(step, logs)
        self.model.stop_training = True
        return logs

    # --- prediction -----------------------------------------------------------------------------
    def predict(self, steps: int | None) -> Any:
        """The outputs of all batches as arrays, in the structure of the model's outputs."""
        source = self.source
        if isinstance(source, ArraySource) and not self.model.run_eagerly and steps is None:
            self._begin(0)
            batch = source.first_batch()
            compiled = self.model._compiled_step("predict", batch)
            outputs = to_numpy(self.model._run_step("predict", batch))
            self._end(0, {"outputs": outputs})
            if source.per_pass == 1 or self.stopped:
                return outputs
            if compiled.batch_free and _is_row_wise(outputs, source.batch_size):
                return self._predict_chunks(source, compiled, outputs)
        results = []
        for step, batch in enumerate(source.take(steps)):
            self._begin(step)
            results.append(to_numpy(self.model._run_step("predict", batch)))
            self._end(step, {"outputs": results[-1]})
            if self.stopped:
                break
        if not results:
            raise ValueError("predict was given no batches.")
        return map_structure(lambda *parts: np.concatenate(parts), results[0], *results[1:])

    def _predict_chunks(self, source: ArraySource, compiled: Compiled, first: Any) -> Any:
        leaves = flatten(first)
        arrays = [np.empty((source.rows, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
        for array, leaf in zip(arrays, leaves, strict=True):
            array[: source.batch_size] = leaf
        done, chunk = 1, 1 if self.single or self._moves else source.per_pass
        while done < source.per_pass:
            count = min(chunk, source.per_pass - done)
            self._begin(done)
            started = time.perf_counter()
            compiled.function.run_steps(source.arrays, source.batch_size, done, count, None, arrays)
            seconds = time.perf_counter() - started
            rows = slice(done * source.batch_size, (done + count) * source.batch_size)
            done += count
            self._end(done - 1, {"outputs": pack(first, [array[rows] for array in arrays])})
            if self.stopped:
                return pack(first, [array[: rows.stop] for array in arrays])
            if self._moves and not self.single:
                chunk = next_chunk(count, seconds)
        return pack(first, arrays)


def next_chunk(count: int, seconds: float) -> int:
    """How many steps take about CHUNK_SECONDS; at most eight times as many as before."""
    return max(1, min(8 * count, int(count * CHUNK_SECONDS / max(seconds, 1e-6))))


def _is_row_wise(outputs: Any, rows: int) -> bool:
    return all(leaf.ndim > 0 and leaf.shape[0] == rows for leaf in flatten(outputs))


def to_numpy(outputs: Any) -> Any:
    """The outputs of a step as arrays."""
    return map_structure(ops.convert_to_numpy, outputs)


def checked_logs(logs: Any) -> dict[str, Any]:
    """The logs of a step as Python floats, sorted by name.

    Raises:
        TypeError: if the step returned something else than a dict of numbers.
    """
    if not isinstance(logs, dict):
        raise TypeError(
            "train_step and test_step must return a dict of names and values; received "
            f"{type(logs).__name__}."
        )
    return to_floats(logs)
