"""Rules of reductions, order, softmax and normalisation."""

from __future__ import annotations

import numpy as np

from nnseq.saving.onnx.emitter import Emitter, channels_first
from nnseq.saving.onnx.rule_table import Step, rule


@rule("reduce")
def reduce(e: Emitter, step: Step) -> None:
    [x], fn, w = step.inputs, step.attrs["fn"], e.writer
    rank, keepdims = e.rank(x), step.attrs["keepdims"]
    axes = sorted({axis % rank for axis in step.attrs["axes"]})
    order, is_first = list(range(rank)), False
    if e.is_first(x):
        order = channels_first(rank)
        kept = [axis for axis in order if axis not in axes]
        is_first = keepdims or kept == sorted(kept)
    name = e.first(x) if is_first else e.name(x)
    if is_first:
        axes = sorted(order.index(axis) for axis in axes)
    dtype = e.dtype(x)
    work = "int32" if dtype in ("bool", "uint8") else dtype
    if fn == "mean" and dtype == "int64":
        work = "float64"
    name = name if work == dtype else w.cast(name, work)
    y = w.reduce(fn.capitalize(), name, axes, keepdims)
    y = y if work == dtype else w.cast(y, dtype)
    e.placed(step.first, y, is_first and keepdims)


@rule("arg_reduce")
def arg_reduce(e: Emitter, step: Step) -> str:
    op = "ArgMax" if step.attrs["max"] else "ArgMin"
    y = e.writer.add(op, _ordered(e, step), axis=step.attrs["axis"], keepdims=0)
    return e.writer.cast(y, "int32")


@rule("arg_sort")
def arg_sort(e: Emitter, step: Step) -> str:
    [x], w = step.inputs, e.writer
    size = w.vector([e.dim(x, e.rank(x) - 1)])
    largest = int(step.attrs["descending"])
    node = w.node("TopK", [_ordered(e, step), size], 2, axis=-1, largest=largest, sorted=1)
    return w.cast(node.outputs[1], "int32")


def _ordered(e: Emitter, step: Step) -> str:
    """The operand in a dtype whose order onnxruntime knows."""
    [x] = step.inputs
    name = e.name(x)
    return e.writer.cast(name, "int32") if e.dtype(x) in ("bool", "uint8") else name


@rule("cumsum")
def cumsum(e: Emitter, step: Step) -> str:
    axis = e.writer.constant(np.asarray(step.attrs["axis"], np.int64))
    return e.writer.add("CumSum", e.name(step.inputs[0]), axis)


@rule("softmax", "log_softmax")
def softmax(e: Emitter, step: Step) -> None:
    op = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[step.op]
    x, is_first = e.either(step.inputs[0])
    e.placed(step.first, e.writer.add(op, x, axis=1 if is_first else -1), is_first)


@rule("softmax_cross_entropy")
def softmax_cross_entropy(e: Emitter, step: Step) -> str:
    """-sum of target * log_softmax; a label picks one."""
    (logits, target), w = step.inputs, e.writer
    log = w.add("LogSoftmax", e.name(logits), axis=-1)
    if e.dtype(target) == "float32":
        return w.add("Neg", w.reduce("Sum", w.add("Mul", log, e.name(target)), [-1]))
    labels = w.add("Unsqueeze", w.cast(e.name(target), "int64"), w.ints(-1))
    picked = w.add("GatherElements", log, labels, axis=-1)
    return w.add("Neg", w.add("Squeeze", picked, w.ints(-1)))


@rule("layer_norm")
def layer_norm(e: Emitter, step: Step) -> list[str]:
    w = e.writer
    attrs = {"axis": -1, "epsilon": step.attrs["epsilon"]}
    node = w.node("LayerNormalization", [e.name(x) for x in step.inputs], 3, **attrs)
    y, mean, deviation = node.outputs
    last = w.ints(-1)
    return [y, w.add("Squeeze", mean, last), w.add("Squeeze", deviation, last)]
