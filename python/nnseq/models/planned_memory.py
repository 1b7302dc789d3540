"""How much memory a step of a model takes, as planned before it is run."""

from __future__ import annotations

import copy
from typing import Any

from nnseq.engine import nest
from nnseq.engine.tensor import KerasTensor
from nnseq.engine.traced import Spec
from nnseq.training.outputs import output_names, outputs_list


def planned_memory(model: Any, batch_size: int) -> tuple[str, int]:
    """What the step is, and its bytes beside those of the parameters and the optimizer.

    A step of a compiled model trains it, on targets of the kind its losses expect; another one
    predicts. It is traced on a copy, so that the model learns nothing of those targets.

    Raises:
        ValueError: if the shape of the model's inputs is not known but for the first dim.
    """
    twin = copy.deepcopy(model)
    losses = twin._state().compile_loss if twin.compiled else None
    x = nest.map_structure(lambda x: _spec(model, x, batch_size), twin.input)
    if losses is None:
        return "predict", _bytes(twin, "predict", (x,))
    return "training", _bytes(twin, "train", (x, _targets(twin, losses, batch_size)))


def _targets(model: Any, losses: Any, batch_size: int) -> Any:
    """Specs of the targets, in the structure of the outputs."""
    names = output_names(model.output, model.output_names)
    outputs = [(y.shape, y.dtype) for y in outputs_list(model.output, names)]
    expected = losses.expected_targets(outputs, names)
    specs = [Spec((batch_size, *shape[1:]), dtype) for shape, dtype in expected]
    if isinstance(model.output, dict):
        return dict(zip(names, specs, strict=True))
    return specs if len(specs) > 1 else specs[0]


def _spec(model: Any, x: KerasTensor, batch_size: int) -> Spec:
    if None in x.shape[1:]:
        raise ValueError(
            f"summary(batch_size=...) needs to know the shape of the inputs of model "
            f"'{model.name}'; that of input '{x.name}' is {x.shape}."
        )
    return Spec((batch_size, *x.shape[1:]), x.dtype)


def _bytes(model: Any, mode: str, batch: Any) -> int:
    compiled = model._traced(mode).get(batch)
    program = compiled.function.program([spec.shape for spec in nest.flatten(batch)])
    return program.arena_bytes + program.scratch_bytes
