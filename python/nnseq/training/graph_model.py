"""GraphModel: a model that is only its traced graphs, as a program without Python made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nnseq import _core
from nnseq.engine.nest import flatten
from nnseq.engine.traced import Compiled
from nnseq.engine.variable import Variable
from nnseq.training.trainer import Trainer
from nnseq.utils import table
from nnseq.utils.sizes import parameter_totals

STEPS = {"predict": "predict", "train": "train", "test": "evaluate"}  # mode: name in a file


class GraphModel(Trainer):
    """The model of a `.nnseq` file without a Keras configuration: it has no layers, but predict,
    fit, evaluate and weights.

    Args:
        file: what `_core.ModelFile.load` gave.
    """

    _untracked: frozenset[str] = Trainer._untracked | {"_file", "_metric_state", "_steps"}

    def __init__(self, file: _core.ModelFile) -> None:
        super().__init__(name=file.name.replace("/", "_") or None)
        self._file = file
        self._steps: dict[str, Compiled] = {}
        functions = dict(file.functions)
        for mode, name in STEPS.items():
            if name in functions:
                self._steps[mode] = Compiled.of_file(functions[name], mode != "predict")
        self._weights = [
            Variable.of_handle(v, trained)
            for v, role, trained in file.variables
            if role == "weight"
        ]
        self._metric_state = [
            Variable.of_handle(v, False) for v, role, _ in file.variables if role == "metric"
        ]
        self.compiled = "train" in self._steps or "test" in self._steps
        self.built = True

    @property
    def classes(self) -> list[str]:
        """The labels of the classes, or []; those that are set are written by `export`."""
        return list(self._file.classes)

    @classes.setter
    def classes(self, labels: Sequence[str]) -> None:
        self._file.classes = list(labels)

    @property
    def weights(self) -> list[Variable]:
        """All weights, in the order of the file."""
        return list(self._weights)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [name for name, _, _ in self._steps["predict"].function.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs."""
        return [name for name, _, _ in self._steps["predict"].function.outputs]

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` returns, in order: the loss first."""
        step = self._steps.get("test") or self._steps.get("train")
        names = [] if step is None else [name for name, _, _ in step.function.outputs]
        return sorted(names, key=lambda name: name != "loss")

    def reset_metrics(self) -> None:
        """Sets the state of all metrics to 0."""
        for variable in self._metric_state:
            variable.assign(0 * variable.numpy())

    def summary(self, line_length: int = 88, print_fn: Callable[[str], Any] | None = None) -> None:
        """Prints a table of the parameters, layer by layer, and their numbers and sizes.

        Args:
            print_fn: is called once, with the whole text, instead of printing it.
        """
        layers: dict[str, list[Variable]] = {}
        for variable in self._weights:
            layers.setdefault(variable.path.rpartition("/")[0], []).append(variable)
        rows = [
            [
                layer or "-",
                ", ".join(f"{v.path.rpartition('/')[2]} {v.shape}" for v in found),
                f"{sum(v.size for v in found):,}",
            ]
            for layer, found in layers.items()
        ]
        header = ["Layer", "Parameters", "Param #"]
        widths = table.column_widths([0.4, 0.84, 1.0], line_length)
        lines = [f'Model: "{self.name}"', table.draw(header, rows, widths, "<<>")]
        lines += [f" {what} params: {count}" for what, count in parameter_totals(self)]
        (print_fn or table.write)("\n".join([*lines, ""]))

    def export(
        self, filepath: Any, format: str = "nnseq", opset_version: int | None = None
    ) -> None:
        """Writes the model back into a `.nnseq` file, with the state that it has now, or, with
        `format="onnx"`, what predict computes into an ONNX file."""
        if format not in ("nnseq", "onnx"):
            raise ValueError(f"`format` must be 'nnseq' or 'onnx'. Received: format={format!r}")
        if format == "nnseq":
            self._file.save(str(filepath))
            return
        from pathlib import Path

        from nnseq.saving.onnx.model import write_onnx

        write_onnx(
            Path(filepath),
            self._step_of("predict").function,
            self.input_names,
            self.output_names,
            name=self.name,
            classes=self.classes,
            opset=opset_version,
        )

    def _step_of(self, mode: str) -> Compiled:
        step = self._steps.get(mode)
        if step is None:
            raise ValueError(f"The file of model '{self.name}' has no step to {STEPS[mode]}.")
        return step

    def _compiled_step(self, mode: str, batch: Any) -> Compiled:
        step = self._step_of(mode)
        given = [x for x in flatten(batch) if x is not None]
        wanted = step.function.inputs
        if len(given) != len(wanted):
            raise ValueError(
                f"Model '{self.name}' takes {len(wanted)} arrays to {STEPS[mode]} "
                f"({', '.join(name for name, _, _ in wanted)}), got {len(given)}."
            )
        return step

    def _in_order(self, logs: dict[str, Any]) -> Any:
        values = [logs[name] for name in self.metrics_names]
        return values[0] if len(values) == 1 else values
