"""Rules of what moves elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq.saving.onnx.emitter import Emitter, channels_first
from nnseq.saving.onnx.rule_table import Step, rule
from nnseq.saving.onnx.writer import Size


@rule("reshape")
def reshape(e: Emitter, step: Step) -> str | None:
    [x] = step.inputs
    sizes = step.sizes("sizes")
    if e.is_first(x) and _moves_one(e, step, sizes):
        return None
    known = [size if isinstance(size, int) and size >= 0 else None for size in sizes]
    if known.count(None) == 1 and 0 not in known:
        sizes = [-1 if size is None else size for size in known]
    shape = e.writer.vector(sizes)
    return e.writer.add("Reshape", e.name(x), shape, allowzero=int(0 in known))


def _moves_one(e: Emitter, step: Step, sizes: Sequence[Size]) -> bool:
    """An axis of 1 put in or taken out in the middle, as by convolutions of sequences, leaves the
    channels first."""
    [x] = step.inputs
    dims, ours = e.dims(x), list(sizes)
    for axis in range(1, max(len(dims), len(ours)) - 1):
        if len(ours) == len(dims) + 1 and ours[axis] == 1:
            op, kept = "Unsqueeze", [*range(axis), None, *range(axis, len(dims))]
        elif len(ours) == len(dims) - 1 >= 3 and dims[axis] == 1:
            op, kept = "Squeeze", [*range(axis), *range(axis + 1, len(dims))]
        else:
            continue
        pairs = zip(ours, kept, strict=True)
        if all(old is None or e.is_dim_of(size, x, old) for size, old in pairs):
            e.put_first(step.first, e.writer.add(op, e.first(x), e.writer.ints(axis + 1)))
            if x in e.convolutions and e.uses[x] == 1:
                e.convolutions[step.first] = e.convolutions[x]
            return True
    return False


@rule("transpose")
def transpose(e: Emitter, step: Step) -> str | None:
    [x], axes = step.inputs, step.attrs["axes"]
    rank = len(axes)
    if rank > 2 and axes == channels_first(rank):
        return e.first(x)
    if rank > 2 and axes == [0, *range(2, rank), 1]:
        e.put_first(step.first, e.name(x))
        return None
    return e.writer.add("Transpose", e.name(x), perm=axes)


@rule("broadcast")
def broadcast(e: Emitter, step: Step) -> str:
    sizes = step.sizes("sizes")
    sizes = [1 if size == -1 else size for size in sizes]  # as large as it is
    return e.writer.add("Expand", e.name(step.inputs[0]), e.writer.vector(sizes))


def _in_form(e: Emitter, step: Step, lists: Sequence[Sequence[Any]]) -> tuple[str, list[Any], bool]:
    """The one operand, lists of one entry for each of its axes in its order, and whether it has
    its channels first."""
    [x] = step.inputs
    name, is_first = e.either(x)
    axes = channels_first(e.rank(x)) if is_first else range(e.rank(x))
    return name, [[values[axis] for axis in axes] for values in lists], is_first


@rule("concat")
def concat(e: Emitter, step: Step) -> None:
    rank = e.rank(step.first)
    axis = step.attrs["axis"] % rank
    is_first = any(e.is_first(x) for x in step.inputs)
    if is_first:
        axis = channels_first(rank).index(axis)
    names = [e.first(x) if is_first else e.name(x) for x in step.inputs]
    e.placed(step.first, e.writer.add("Concat", *names, axis=axis), is_first)


@rule("slice")
def slices(e: Emitter, step: Step) -> None:
    [x], w = step.inputs, e.writer
    begin, sizes, steps = (step.sizes(key) for key in ("begin", "sizes", "step"))
    whole = [
        (begin[i], steps[i]) == (0, 1) and e.is_dim_of(sizes[i], x, i) for i in range(e.rank(x))
    ]
    if all(whole):
        e.alias(step.first, x)
        return
    name, [begin, sizes, steps, whole], is_first = _in_form(e, step, [begin, sizes, steps, whole])
    axes = [i for i in range(len(whole)) if not whole[i]]
    ends = []
    for i in axes:
        span = w.size("multiply", sizes[i], steps[i])
        ends.append(w.size("add", begin[i], span))
    start, end = w.vector([begin[i] for i in axes]), w.vector(ends)
    y = w.add("Slice", name, start, end, w.ints(*axes), w.ints(*(steps[i] for i in axes)))
    e.placed(step.first, y, is_first)


@rule("pad")
def pad(e: Emitter, step: Step) -> None:
    w = e.writer
    lists = [*(step.attrs[key] for key in ("low", "high", "interior")), e.dims(step.inputs[0])]
    y, [low, high, interior, dims], is_first = _in_form(e, step, lists)
    value = w.constant(np.asarray(step.attrs["value"], e.dtype(step.first)))
    for axis, gap in enumerate(interior):
        if gap:
            y = _dilated(e, y, axis, len(low), gap, value)
    if not any(interior):
        y = _cropped(e, y, low, high, dims)
    if any(size != 0 for size in [*low, *high]):
        y = w.add("Pad", y, w.vector([*low, *high]), value)
    e.placed(step.first, y, is_first)


def _cropped(e: Emitter, x: str, low: list[Any], high: list[Any], dims: list[int | None]) -> str:
    """Negative padding as a slice, which more programs know; what is left of it is in the lists."""
    w = e.writer
    cuts = []
    for axis, (before, behind, size) in enumerate(zip(low, high, dims, strict=True)):
        if size is None or isinstance(before, str) or isinstance(behind, str):
            continue
        begin, end = max(0, -before), size - max(0, -behind)
        if (begin, end) != (0, size) and begin <= end:
            cuts.append((begin, end, axis))
            low[axis], high[axis] = max(0, before), max(0, behind)
    if not cuts:
        return x
    return w.add("Slice", x, *(w.ints(*values) for values in zip(*cuts, strict=True)))


def _dilated(e: Emitter, x: str, axis: int, rank: int, gap: Any, value: str) -> str:
    """`gap` elements between those of an axis: each becomes a row of 1 + gap, and the end is cut
    off."""
    w = e.writer
    y = w.add("Unsqueeze", x, w.ints(axis + 1))
    high = [0] * (rank + 1)
    high[axis + 1] = gap
    y = w.add("Pad", y, w.ints(*[0] * (rank + 1), *high), value)
    shape = w.add("Shape", x)
    factors = [1] * rank
    factors[axis] = gap + 1
    y = w.add("Reshape", y, w.add("Mul", shape, w.ints(*factors)), allowzero=1)
    return w.add("Slice", y, w.ints(0), w.ints(-gap), w.ints(axis))


@rule("reverse")
def reverse(e: Emitter, step: Step) -> str:
    axes, w = step.attrs["axes"], e.writer
    if not axes:
        return w.add("Identity", e.name(step.inputs[0]))
    starts, ends, steps = ([value] * len(axes) for value in (-1, -(2**63) + 1, -1))
    lists = (w.ints(*values) for values in (starts, ends, axes, steps))
    return w.add("Slice", e.name(step.inputs[0]), *lists)


@rule("iota")
def iota(e: Emitter, step: Step) -> str:
    [size], w, dtype = step.sizes("sizes"), e.writer, step.attrs["dtype"]
    start, by = step.attrs["start"], step.attrs["step"]
    if isinstance(size, int):
        return w.constant((start + by * np.arange(size)).astype(dtype))
    scalar = w.add("Reshape", size, w.ints())
    y = w.add("Range", *(w.constant(np.int64(0)), scalar, w.constant(np.int64(1))))
    work = dtype if dtype in ("float32", "int32", "int64") else "int32"
    y = w.cast(y, work)
    if by != 1:
        y = w.add("Mul", y, w.constant(np.asarray(by, work)))
    if start != 0:
        y = w.add("Add", y, w.constant(np.asarray(start, work)))
    return y if work == dtype else w.cast(y, dtype)


@rule("gather")
def gather(e: Emitter, step: Step) -> str:
    table, indices = step.inputs
    return e.writer.add("Gather", e.name(table), index(e, indices), axis=step.attrs["axis"])


def index(e: Emitter, value: int) -> str:
    """Indices in a dtype that ONNX takes."""
    name = e.name(value)
    return name if e.dtype(value) in ("int32", "int64") else e.writer.cast(name, "int64")


@rule("one_hot")
def one_hot(e: Emitter, step: Step) -> str:
    """By comparison: OneHot would count negative indices from the end."""
    [x], w = step.inputs, e.writer
    classes = w.constant(np.arange(step.attrs["depth"], dtype=np.int64))
    column = w.add("Unsqueeze", w.cast(e.name(x), "int64"), w.ints(-1))
    return w.cast(w.add("Equal", column, classes), "float32")


@rule("scatter_add")
def scatter_add(e: Emitter, step: Step) -> str:
    """Rows are added one by one into a table whose axis of indices is the first."""
    (x, indices), w, size = step.inputs, e.writer, step.attrs["size"]
    count, rank = e.rank(indices), e.rank(x)
    axis = step.attrs["axis"] % (rank - count + 1)
    dims = [e.dim(x, i) for i in range(rank)]
    wide = list(dims)
    wide[axis : axis + count] = [e.dim(indices, i) for i in range(count)]
    rows = w.add("Expand", e.name(x), w.vector(wide))
    outer, inner = list(range(axis)), list(range(axis + count, rank))
    rows = w.add("Transpose", rows, perm=[*range(axis, axis + count), *outer, *inner])
    shape = w.vector([size, *(dims[i] for i in [*outer, *inner])])
    zero = w.add("Expand", w.constant(np.zeros((1,) * (rank - count + 1), np.float32)), shape)
    places = w.add("Unsqueeze", w.cast(e.name(indices), "int64"), w.ints(count))
    table = w.add("ScatterND", zero, places, rows, reduction="add")
    back = [*range(1, axis + 1), 0, *range(axis + 1, rank - count + 1)]
    return w.add("Transpose", table, perm=back)
