"""A Keras model as an ONNX file: its predict step."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnseq.saving.native import inputs_of, predict_step
from nnseq.saving.onnx.model import write_onnx


def export_onnx(
    model: Any, path: Path, input_signature: Any, classes: Sequence[str], opset: int | None
) -> None:
    """Writes what `predict` computes; the arguments are those of `native.export_model`, and the
    version of the operators. See `write_onnx` for what is refused."""
    x = inputs_of(model, input_signature)
    predict, inputs, outputs = predict_step(copy.deepcopy(model), x)
    paths = [variable.path for variable in predict.variables]
    write_onnx(
        path,
        predict.function,
        inputs,
        outputs,
        name=model.name,
        paths=paths,
        classes=classes,
        opset=opset,
    )
