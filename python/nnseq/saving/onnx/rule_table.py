"""The one table of rules: for each op of the core what writes its nodes, or why nothing can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnseq.saving.onnx.emitter import Emitter
    from nnseq.saving.onnx.writer import Size


@dataclass(frozen=True)
class Step:
    """A node of the core's graph.

    inputs: its tensors. attrs: its attributes, in which every host operand has become a Size.
    first: the value of its output 0; of output k it is first + k.
    """

    op: str
    first: int
    inputs: Sequence[int]
    attrs: dict[str, Any]
    scope: str

    def sizes(self, name: str) -> list[Size]:
        return list(self.attrs[name])


Rule = Callable[["Emitter", Step], Any]

# A rule returns the name of the tensor that holds output 0, or a list of one for each output, or
# None if it has said itself where the outputs are.
RULES: dict[str, Rule] = {}

_TRAINING = "it belongs to training; predict without `training=True`"
_GRADIENT = "it is part of a gradient; take gradients outside of the model"
# What no predict step holds, or what ONNX cannot express.
REFUSED = {
    "random": "ONNX has no random numbers that a seed repeats; sample outside of the model",
    "dropout": _TRAINING,
    "batch_norm": _TRAINING,
    "update": _TRAINING,
    "check_finite": _TRAINING,
    "gradient": _GRADIENT,
    "unary_grad": _GRADIENT,
    "conv2d_by_weights": _GRADIENT,
    "max_pool_grad": _GRADIENT,
    "avg_pool_grad": _GRADIENT,
    "softmax_grad": _GRADIENT,
    "log_softmax_grad": _GRADIENT,
    "softmax_cross_entropy_grad": _GRADIENT,
    "batch_norm_grad": _GRADIENT,
    "layer_norm_grad": _GRADIENT,
    "recurrent_grad": _GRADIENT,
    "chain": "it is made by passes only",
    "unstack": "it is made by passes only",
}


class CannotExport(ValueError):
    """A layer has no form in ONNX."""

    def __init__(self, scope: str, op: str, why: str) -> None:
        super().__init__(f"export to ONNX: layer '{scope or 'the model'}', op '{op}': {why}.")


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Registers what writes the nodes of an op."""

    def register(function: Rule) -> Rule:
        for op in ops:
            RULES[op] = function
        return function

    return register
