"""Rules of loops: SimpleRNN, LSTM and GRU as nodes of their own, other loops as Scan.

ONNX has the time first, and the gates of an LSTM in the order i, o, f, c; the core has i, f, c, o.
A mask says of single steps whether they count, which only a Scan can express.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.saving.onnx.emitter import Emitter
from nnseq.saving.onnx.rule_table import Step, rule
from nnseq.saving.onnx.writer import Writer

_OPS = {"simple": "RNN", "lstm": "LSTM", "gru": "GRU"}
_ORDER = {"simple": [0], "lstm": [0, 3, 1, 2], "gru": [0, 1, 2]}


@rule("scan")
def scan(e: Emitter, step: Step) -> list[str]:
    attrs, w = step.attrs, e.writer
    states, body = attrs["num_states"], attrs["body"]
    taken = states + attrs["num_sequences"]
    inner = Emitter(body, w.body(), parent=e)
    for i, value in enumerate(body.inputs):
        if i < taken:
            name = w.unique(f"{step.scope}/{'state' if i < states else 'step'}")
            inner.writer.inputs.append((name, body.dtype(value), body.shape(value)))
            inner.put(value, name)
        else:
            inner.alias(value, step.inputs[i], e)
    inner.run(body.outputs)
    # Each output of a body is a tensor of its own.
    outputs = [inner.writer.add("Identity", inner.name(value)) for value in body.outputs]
    inner.writer.outputs = outputs
    names = [e.name(x) for x in step.inputs[:taken]]
    return _scan(w, inner.writer, names, states, attrs["reverse"])


def _scan(w: Writer, body: Writer, names: list[str], states: int, reverse: bool) -> list[str]:
    """The node Scan: initial states, then sequences -> last states, then results."""
    sequences, results = len(names) - states, len(body.outputs) - states
    node = w.node(
        "Scan",
        names,
        len(body.outputs),
        body=body,
        num_scan_inputs=sequences,
        scan_input_directions=[int(reverse)] * sequences,
        scan_output_directions=[int(reverse)] * results,
    )
    return node.outputs


class _Operands:
    """Of a recurrent node, by their names."""

    def __init__(self, step: Step) -> None:
        cell = step.attrs["cell"]
        rest = iter(step.inputs)
        self.x, self.kernel = next(rest), next(rest)
        self.bias = next(rest) if cell == "gru" else None
        self.states = [next(rest) for _ in range(2 if cell == "lstm" else 1)]
        self.mask = next(rest) if step.attrs["masked"] else None


@rule("recurrent")
def recurrent(e: Emitter, step: Step) -> list[str]:
    operands = _Operands(step)
    is_known = e.static(operands.kernel) is not None
    if operands.bias is not None:
        is_known = is_known and e.static(operands.bias) is not None
    if operands.mask is None and is_known:
        return _as_node(e, step, operands)
    return _as_scan(e, step, operands)


def _input_weights(e: Emitter, x: int) -> tuple[int, int | None, int | None]:
    """(sequence, kernel, bias) of which x is the product, as far as the weights are known."""
    bias = None
    op, inputs, attrs = e.graph.producer(x)
    product = x
    if op == "binary" and attrs["fn"] == "add":
        for a, b in (inputs, inputs[::-1]):
            array = e.static(b)
            if array is not None and array.size == e.dims(x)[-1]:
                product, bias = a, b
    op, inputs, attrs = e.graph.producer(product)
    if op == "matmul" and e.static(inputs[1]) is not None and e.rank(inputs[1]) == 2:
        return inputs[0], inputs[1], bias
    return x, None, None


def _as_node(e: Emitter, step: Step, operands: _Operands) -> list[str]:
    cell, w = step.attrs["cell"], e.writer
    units = e.static(operands.kernel).shape[0]  # type: ignore[union-attr]
    order = _ORDER[cell]

    def gates(array: np.ndarray) -> np.ndarray:
        """The columns in the order of ONNX, as rows."""
        parts = [array[..., k * units : (k + 1) * units] for k in order]
        return np.concatenate(parts, axis=-1).T

    columns = len(order) * units
    x, kernel, bias = _input_weights(e, operands.x)
    if kernel is None:
        first = w.constant(gates(np.eye(columns, dtype=np.float32))[None])
    else:
        first = e.constant(kernel, gates(e.static(kernel))[None], cell)  # type: ignore[arg-type]
    recurrent = gates(e.static(operands.kernel))[None]  # type: ignore[arg-type]
    inputs = [
        w.add("Transpose", e.name(x), perm=[1, 0, 2]),
        first,
        e.constant(operands.kernel, recurrent, cell),
        _biases(e, [bias, operands.bias], columns, gates),
        "",
    ]
    for state in operands.states:
        inputs.append("" if _is_zero(e, state) else w.add("Unsqueeze", e.name(state), w.ints(0)))
    while not inputs[-1]:
        inputs.pop()
    attrs: dict[str, Any] = {"hidden_size": units}
    if step.attrs["reverse"]:
        attrs["direction"] = "reverse"
    if cell == "gru":
        attrs["linear_before_reset"] = 1
    y, *last = w.node(_OPS[cell], inputs, 1 + len(operands.states), **attrs).outputs
    sequence = w.add("Transpose", w.add("Squeeze", y, w.ints(1)), perm=[1, 0, 2])
    return [sequence, *(w.add("Squeeze", name, w.ints(0)) for name in last)]


def _biases(e: Emitter, values: list[int | None], columns: int, gates: Any) -> str:
    """The bias of the input's product and that of the state's, behind each other; "" if none."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    zero = np.zeros(columns, np.float32)
    arrays = [zero if v is None else e.static(v).reshape(-1) for v in values]  # type: ignore[union-attr]
    both = np.concatenate([gates(array) for array in arrays])[None]
    return e.constant(known[0], both, "biases")


def _is_zero(e: Emitter, value: int) -> bool:
    op, inputs, _ = e.graph.producer(value)
    array = e.static(inputs[0] if op == "broadcast" else value)
    return array is not None and not array.any()


def _as_scan(e: Emitter, step: Step, operands: _Operands) -> list[str]:
    """The cell step by step; a step that does not count leaves the states as they were."""
    w, attrs = e.writer, step.attrs
    body = w.body()
    rank = {"float32": 2, "bool": 1}

    def enter(what: str, dtype: str) -> str:
        name = w.unique(f"{step.scope}/{what}")
        body.inputs.append((name, dtype, (None,) * rank[dtype]))
        return name

    before = [enter("state", "float32") for _ in operands.states]
    shown = enter("output", "float32") if operands.mask is not None else None
    x = enter("step", "float32")
    weights = [e.name(operands.kernel)]
    weights += [] if operands.bias is None else [e.name(operands.bias)]
    after = _CELLS[attrs["cell"]](body, x, before, *weights)
    y = after[0]
    if shown is not None:
        counts = body.add("Unsqueeze", enter("mask", "bool"), w.ints(1))
        after = [body.add("Where", counts, *pair) for pair in zip(after, before, strict=True)]
        hidden = w.constant(np.float32(0)) if attrs["zero_output"] else shown
        y = body.add("Where", counts, y, hidden)
        after.append(y)
    body.outputs = [body.add("Identity", name) for name in [*after, y]]
    names = [e.name(state) for state in operands.states]
    if operands.mask is not None:
        zero = w.constant(np.float32(0))
        names.append(w.add("Mul", names[0], zero))
    names.append(w.add("Transpose", e.name(operands.x), perm=[1, 0, 2]))
    if operands.mask is not None:
        names.append(w.add("Transpose", e.name(operands.mask), perm=[1, 0]))
    *states, results = _scan(w, body, names, len(after), attrs["reverse"])
    sequence = w.add("Transpose", results, perm=[1, 0, 2])
    return [sequence, *states[: len(operands.states)]]


def _split(w: Writer, x: str, parts: int) -> list[str]:
    attrs = {"num_outputs": parts} if w.opset >= 18 else {}
    return w.node("Split", [x], parts, axis=-1, **attrs).outputs


def _simple(w: Writer, x: str, states: list[str], kernel: str) -> list[str]:
    return [w.add("Tanh", w.add("Add", x, w.add("MatMul", states[0], kernel)))]


def _lstm(w: Writer, x: str, states: list[str], kernel: str) -> list[str]:
    h, c = states
    z = w.add("Add", x, w.add("MatMul", h, kernel))
    i, f, g, o = _split(w, z, 4)
    i, f, o = (w.add("Sigmoid", gate) for gate in (i, f, o))
    kept = w.add("Mul", f, c)
    c = w.add("Add", kept, w.add("Mul", i, w.add("Tanh", g)))
    return [w.add("Mul", o, w.add("Tanh", c)), c]


def _gru(w: Writer, x: str, states: list[str], kernel: str, bias: str) -> list[str]:
    [h] = states
    xz, xr, xh = _split(w, x, 3)
    hz, hr, hh = _split(w, w.add("Add", w.add("MatMul", h, kernel), bias), 3)
    z = w.add("Sigmoid", w.add("Add", xz, hz))
    r = w.add("Sigmoid", w.add("Add", xr, hr))
    g = w.add("Tanh", w.add("Add", xh, w.add("Mul", r, hh)))
    return [w.add("Add", w.add("Mul", z, w.add("Sub", h, g)), g)]  # z h + (1 - z) g


_CELLS: dict[str, Any] = {"simple": _simple, "lstm": _lstm, "gru": _gru}
