"""Rules of what a graph is made of: constants, Variables, sizes, and ways through."""

from __future__ import annotations

import numpy as np

from nnseq.saving.onnx.emitter import Emitter
from nnseq.saving.onnx.rule_table import Step, rule


@rule("input")
def graph_input(e: Emitter, step: Step) -> None:
    """Inputs are named before the walk."""
    raise AssertionError(f"input {step.attrs['name']} has no name")


@rule("constant")
def constant(e: Emitter, step: Step) -> None:
    e.put_static(step.first, np.asarray(step.attrs["value"]), "constant")


@rule("read")
def read(e: Emitter, step: Step) -> None:
    path, array = e.variables[step.attrs["slot"]]
    e.put_static(step.first, array, path)


@rule("dim")
def dim(e: Emitter, step: Step) -> None:
    e.put_size(step.first, e.dim(step.inputs[0], step.attrs["axis"]))


@rule("host")
def host(e: Emitter, step: Step) -> None:
    a, b = (e.size(x) for x in step.inputs)
    e.put_size(step.first, e.writer.size(step.attrs["fn"], a, b))


@rule("stop_gradient")
def stop_gradient(e: Emitter, step: Step) -> None:
    e.alias(step.first, step.inputs[0])
