"""Writes what TensorBoard shows."""

import os
import time
import warnings
from typing import Any

import numpy as np

from nnseq.callbacks.callback import Callback
from nnseq.utils.event_file import EventFile, histogram, model_graph, scalar


class TensorBoard(Callback):
    """Writes the logs of fit and evaluate as event files, without TensorFlow.

    `log_dir`/train holds `epoch_<name>` at each epoch, with the learning rate, and
    `log_dir`/validation those of validation and `evaluation_<name>_vs_iterations` of each
    evaluation. See them with `tensorboard --logdir log_dir`.

    Args:
        log_dir: str or path.
        histogram_freq: histograms of all weights every so many epochs; 0: none.
        write_graph: the configuration of a Sequential or functional model.
        write_steps_per_second: also `epoch_steps_per_second` and, with single batches,
            `batch_steps_per_second`.
        update_freq: "epoch"; or "batch" or a number of batches, after which `batch_<name>` is
            written too.

    write_images, profile_batch, embeddings_freq and embeddings_metadata are not supported.

    >>> TensorBoard("logs", update_freq=0)
    Traceback (most recent call last):
    ValueError: TensorBoard: `update_freq` must be 'batch', 'epoch' or a number of batches. ...
    """

    kept = ("_batches",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        for name, value in (
            ("write_images", write_images),
            ("profile_batch", profile_batch),
            ("embeddings_freq", embeddings_freq),
            ("embeddings_metadata", embeddings_metadata),
        ):
            if value:
                raise ValueError(f"TensorBoard does not support {name}={value!r}; leave it out.")
        every = 1 if update_freq == "batch" else update_freq
        if every != "epoch" and (type(every) is not int or every < 1):
            raise ValueError(
                "TensorBoard: `update_freq` must be 'batch', 'epoch' or a number of batches. "
                f"Received: update_freq={update_freq!r}"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = every
        self.every_batch = every != "epoch"
        self._files: dict[str, EventFile] = {}
        self._batches = 0
        self._batch_start = 0.0
        self._epoch_start = (0.0, 0)  # time, iterations

    def _file(self, name: str) -> EventFile:
        if name not in self._files:
            self._files[name] = EventFile(os.path.join(self.log_dir, name))
        return self._files[name]

    def _write(self, name: str, logs: dict[str, Any], step: int) -> None:
        """Scalars; several numbers of one name are counted from 0."""
        values = []
        for tag, value in logs.items():
            flat = np.asarray(value, "float64").reshape(-1)
            tags = [tag] if np.ndim(value) == 0 else [f"{tag}_{k}" for k in range(flat.size)]
            values += [scalar(*pair) for pair in zip(tags, flat, strict=True)]
        self._file(name).add(values, step)

    def _iterations(self) -> int:
        optimizer = getattr(self.model, "optimizer", None)
        return 0 if optimizer is None else int(optimizer.iterations)

    # --- fit ----------------------------------------------------------------------------------
    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._batches = 0
        train = self._file("train")
        if self.write_graph and type(self.model).__name__ in ("Functional", "Sequential"):
            try:
                train.add([model_graph(self.model.to_json())], 0)
            except (TypeError, NotImplementedError) as error:  # no configuration, a lambda
                warnings.warn(f"TensorBoard: the model has no graph to show: {error}", stacklevel=2)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch_start = (time.perf_counter(), self._iterations())

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches += 1
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.update_freq == "epoch" or self._batches % int(self.update_freq):
            return
        found = {f"batch_{name}": value for name, value in (logs or {}).items()}
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self._batch_start
            found["batch_steps_per_second"] = 1.0 / max(seconds, 1e-9)
        self._write("train", found, self._batches)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        found = {f"epoch_{k}": v for k, v in logs.items() if not k.startswith("val_")}
        found["epoch_learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._epoch_start[0], 1e-9)
            steps = self._iterations() - self._epoch_start[1]
            found["epoch_steps_per_second"] = steps / seconds
        self._write("train", found, epoch)
        held = {f"epoch_{k[4:]}": v for k, v in logs.items() if k.startswith("val_")}
        if held:
            self._write("validation", held, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            weights = [variable for layer in self.model.layers for variable in layer.weights]
            values = [histogram(f"{v.path}/histogram", v.numpy()) for v in weights]
            self._file("train").add(values, epoch)
        for file in self._files.values():
            file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    # --- evaluate -----------------------------------------------------------------------------
    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        found = {f"evaluation_{name}_vs_iterations": v for name, v in (logs or {}).items()}
        self._write("validation", found, self._iterations())
        self._file("validation").flush()
