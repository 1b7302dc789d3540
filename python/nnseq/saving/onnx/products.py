"""Rules of matrix products, convolutions and pooling.

ONNX has the channels first, (N, C, H, W) and kernels (O, I, h, w); the core has them last.
"""

from __future__ import annotations

from typing import Any

from nnseq.saving.onnx.emitter import Emitter
from nnseq.saving.onnx.rule_table import CannotExport, Step, rule
from nnseq.saving.onnx.writer import Size

_Pads = tuple[list[Any], list[Any]]


@rule("matmul")
def matmul(e: Emitter, step: Step) -> str:
    names = []
    for x, turned in zip(step.inputs, ("trans_a", "trans_b"), strict=True):
        rank = e.rank(x)
        axes = [*range(rank - 2), rank - 1, rank - 2]
        names.append(_turned(e, x, axes) if step.attrs[turned] else e.name(x))
    return e.writer.add("MatMul", *names)


def _turned(e: Emitter, x: int, axes: list[int]) -> str:
    """A transposed operand; a Variable is stored that way."""
    array = e.static(x)
    if array is not None:
        return e.constant(x, array.transpose(axes), str(axes))
    return e.writer.add("Transpose", e.name(x), perm=axes)


def _window(e: Emitter, step: Step) -> list[int]:
    """Height and width of a kernel."""
    window = list(e.dims(step.inputs[1])[:2])
    if None in window:
        raise CannotExport(step.scope, step.op, "the size of its kernel is not known")
    return window  # type: ignore[return-value]


def _geometry(step: Step, window: list[Any]) -> tuple[list[int], list[int]]:
    """Strides, and how far a window reaches."""
    dilation = step.attrs.get("dilation", [1, 1])
    return step.attrs["strides"], [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]


def _pads(step: Step, sizes: list[int | None], window: list[Any]) -> _Pads | None:
    """What is put before and behind the axes of an image; None: it depends on unknown sizes."""
    strides, extent = _geometry(step, window)
    if step.attrs["padding"] == "valid":
        return [0, 0], [0, 0]
    if step.attrs["padding"] == "explicit":
        top, bottom, left, right = step.attrs["pads"]
        return [top, left], [bottom, right]
    totals = []
    for n, stride, reach in zip(sizes, strides, extent, strict=True):
        if n is None and stride > 1:
            return None
        rest = 0 if n is None else (n - 1) % stride  # of the last window's first place
        totals.append(max(0, reach - 1 - rest))
    return [t // 2 for t in totals], [t - t // 2 for t in totals]


def _windows(e: Emitter, step: Step, window: list[Any]) -> dict[str, Any]:
    """The attributes of Conv and the pools."""
    pads = _pads(step, list(e.dims(step.inputs[0])[1:3]), window)
    found: dict[str, Any] = {"strides": step.attrs["strides"]}
    if pads is None:
        found["auto_pad"] = "SAME_UPPER"
    elif any([*pads[0], *pads[1]]):
        found["pads"] = [*pads[0], *pads[1]]
    return found


@rule("conv2d")
def conv2d(e: Emitter, step: Step) -> None:
    x, kernel = step.inputs
    attrs = _windows(e, step, _window(e, step))
    attrs |= {"dilations": step.attrs["dilation"], "group": step.attrs["groups"]}
    w = _turned(e, kernel, [3, 2, 0, 1])
    node = e.writer.node("Conv", [e.first(x), w], **attrs)
    e.convolutions[step.first] = node
    e.put_first(step.first, node.outputs[0])


@rule("conv2d_by_data")
def conv2d_by_data(e: Emitter, step: Step) -> None:
    """dy (n, oh, ow, o), kernel (h, w, c / groups, o) -> (n, sizes..., c)."""
    (dy, kernel), sizes, w = step.inputs, step.sizes("sizes"), e.writer
    strides, extent = _geometry(step, _window(e, step))
    before, after, more = [0, 0], [0, 0], [0, 0]
    cut: dict[int, tuple[Size, Size]] = {}  # axis -> (begin, size) of what is kept
    for i in range(2):
        begin, full = _behind(e, step, i, strides[i], extent[i])
        size = sizes[i]
        if isinstance(begin, int) and isinstance(full, int) and isinstance(size, int):
            before[i] = begin
            after[i] = max(0, full - begin - size)
            more[i] = max(0, begin + size - full)
        else:
            more[i] = strides[i] - 1
            cut[2 + i] = (begin, size)
    attrs = {"strides": strides, "dilations": step.attrs["dilation"]}
    attrs |= {"group": step.attrs["groups"], "pads": [*before, *after], "output_padding": more}
    operands = [e.first(dy), _turned(e, kernel, [3, 2, 0, 1])]
    node = w.node("ConvTranspose", operands, **attrs)
    y = node.outputs[0]
    if cut:
        begins = w.vector([begin for begin, _ in cut.values()])
        ends = w.vector([w.size("add", begin, size) for begin, size in cut.values()])
        y = w.add("Slice", y, begins, ends, w.ints(*cut))
    else:
        e.convolutions[step.first] = node
    e.put_first(step.first, y)


def _behind(e: Emitter, step: Step, i: int, stride: int, extent: int) -> tuple[Size, Size]:
    """Along axis i: where what is kept begins, in the size that all windows together have."""
    w = e.writer
    steps = w.size("subtract", e.dim(step.inputs[0], 1 + i), 1)
    full = w.size("add", w.size("multiply", steps, stride), extent)
    if step.attrs["padding"] == "valid":
        return 0, full
    if step.attrs["padding"] == "explicit":
        return step.attrs["pads"][2 * i], full
    total = w.size("maximum", w.size("subtract", full, step.attrs["sizes"][i]), 0)
    return w.size("floor_divide", total, 2), full


def _pool(e: Emitter, step: Step, op: str, **attrs: Any) -> None:
    window = step.attrs["window"]
    attrs |= {"kernel_shape": window, **_windows(e, step, window)}
    e.put_first(step.first, e.writer.add(op, e.first(step.inputs[0]), **attrs))


@rule("max_pool")
def max_pool(e: Emitter, step: Step) -> None:
    _pool(e, step, "MaxPool")


@rule("avg_pool")
def avg_pool(e: Emitter, step: Step) -> None:
    _pool(e, step, "AveragePool", count_include_pad=0)
