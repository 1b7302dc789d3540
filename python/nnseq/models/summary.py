"""The text of Model.summary(): a table of the layers, and how many parameters there are."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from nnseq.engine import nest
from nnseq.engine.operation import FunctionOperation, Node, Operation
from nnseq.engine.tensor import KerasTensor
from nnseq.layers.layer import Layer
from nnseq.layers.shapes import map_shapes
from nnseq.models.planned_memory import planned_memory
from nnseq.training.trainer import Trainer, check_count
from nnseq.utils import notebook, table
from nnseq.utils.sizes import parameter_totals, readable

_NARROWEST = 40  # on terminals smaller than that, lines are wrapped by the terminal


def print_summary(
    model: Any,
    line_length: int | None,
    positions: Sequence[float] | None,
    print_fn: Callable[[str], Any] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Sequence[str] | None,
    batch_size: int | None,
) -> None:
    """See `Model.summary`."""
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by "
            "calling the model on a batch of data."
        )
    is_row = model._graph is None or _is_row(model._graph)
    length, ends = _layout(is_row, line_length, positions, show_trainable)
    header, align = ["Layer (type)", "Output Shape", "Param #"], "<<>"
    if not is_row:
        header, align = [*header, "Connected to"], align + "<"
    if show_trainable:
        header, align = [*header, "Trainable"], align + "^"

    def fields(op: Operation, node: Node | None, level: int) -> list[str]:
        prefix = "   " * level + "└ " if level else ""
        found = [f"{prefix}{op.name} ({_type_name(op)})", _shape_text(op, node), _params(op)]
        if not is_row:
            found.append("-" if level else _connections(op, model._graph))
        if show_trainable:
            found.append(_trainable_text(op))
        return found

    def expanded(op: Operation, node: Node | None, level: int) -> list[list[str]]:
        rows = [fields(op, node, level)]
        if expand_nested and isinstance(op, Trainer):
            for below in _operations(op, layers_only=True):
                rows += expanded(*below, level + 1)
        return rows

    shown = _in_range(_operations(model), layer_range)
    rows = [row for op, node in shown for row in expanded(op, node, 0)]
    title = f'Model: "{model.name}"'
    totals = [(f"{what} params", count) for what, count in parameter_totals(model)]
    if batch_size is not None:
        check_count("batch_size", batch_size)
        step, size = planned_memory(model, batch_size)
        totals.append((f"Memory of a {step} step (batch_size={batch_size})", readable(size)))
    widths = table.column_widths(ends, length)

    def text(emphasize: Callable[[str], str]) -> str:
        body = table.draw(header, rows, widths, align, emphasize)
        lines = (f"{emphasize(f' {what}: ')}{value}" for what, value in totals)
        return "\n".join([emphasize(title), body, *lines, ""])

    if print_fn is not None:
        print_fn(text(str))
    elif notebook.is_shown():
        notebook.show(table.html(title, header, rows, align, totals), text(str))
    else:
        table.write(text(_bold if _shows_bold() else str))


def _layout(
    is_row: bool, length: int | None, positions: Sequence[float] | None, show_trainable: bool
) -> tuple[int, list[float]]:
    """The length of a line, and where the columns end in it."""
    default = (88 if is_row else 108) + (12 if show_trainable else 0)
    if length is None:
        import shutil

        length = min(default, max(_NARROWEST, shutil.get_terminal_size().columns - 4))
    ends = list(positions or ([0.45, 0.80, 1.0] if is_row else [0.3, 0.56, 0.74, 1.0]))
    columns = 3 if is_row else 4
    if len(ends) != columns:
        raise ValueError(
            f"`positions` says where each of {columns} columns ends. Received: {positions}"
        )
    if show_trainable:
        ends = [p * 0.9 for p in ends] + [1.0 if ends[-1] <= 1 else length]
    return length, ends


# --- the layers ----------------------------------------------------------------------------------
def _operations(model: Any, layers_only: bool = False) -> list[tuple[Operation, Node | None]]:
    """What the table shows, with the call in this model whose output's shape is shown."""
    layers = model.layers
    graph = model._graph
    if graph is None:
        return [(layer, None) for layer in layers]
    if len(layers) == len(graph.nodes) and all(
        node.operation is layer for layer, node in zip(layers, graph.nodes, strict=True)
    ):
        return list(zip(layers, graph.nodes, strict=True))
    last = {id(node.operation): node for node in graph.nodes}
    operations = layers if layers_only else graph.operations
    return [(op, last.get(id(op))) for op in operations]


def _is_row(graph: Any) -> bool:
    """Whether each operation is used once, on the output of the one before."""
    if len(graph.flat_inputs) != 1 or len({id(n.operation) for n in graph.nodes}) < len(
        graph.nodes
    ):
        return False
    before = graph.flat_inputs
    for node in graph.nodes:
        if len(node.input_tensors) != 1 or all(x is not node.input_tensors[0] for x in before):
            return False
        before = node.output_tensors
    return True


def _in_range(
    operations: list[tuple[Operation, Node | None]], layer_range: Sequence[str] | None
) -> list[tuple[Operation, Node | None]]:
    """The operations from the one to the other name; both may be regular expressions."""
    if layer_range is None:
        return operations
    ends = list(layer_range)
    if len(ends) != 2 or not all(isinstance(name, str) for name in ends):
        raise ValueError(f"layer_range must be two names of layers. Received: {layer_range}")
    first, last = (
        [i for i, (op, _) in enumerate(operations) if re.match(name, op.name)] for name in ends
    )
    if not first or not last:
        missing = ends[1] if first else ends[0]
        raise ValueError(
            f"layer_range: no layer of the model is named '{missing}'. "
            f"Existing layers are: {[op.name for op, _ in operations]}."
        )
    if first[0] > last[-1]:
        first, last = last, first
    return operations[first[0] : last[-1] + 1]


# --- the cells -----------------------------------------------------------------------------------
def _type_name(op: Operation) -> str:
    if isinstance(op, FunctionOperation):
        return "".join(word.title() for word in op.function.__name__.split("_"))
    return type(op).__name__


def _shape_text(op: Operation, node: Node | None) -> str:
    if node is None and op._inbound_nodes:
        node = op._inbound_nodes[-1]
    if node is not None:
        shapes = nest.map_structure(_one_shape, node.outputs)
    elif isinstance(op, Layer) and op._built_for:  # in a subclassed model: called on values only
        try:
            shapes = map_shapes(_one_shape, op.compute_output_shape(**op._built_for))
        except Exception:  # `call` needs more than these inputs, or other types
            return "?"
    else:
        return "?"
    flat = nest.flatten(shapes)
    return str(flat[0]) if len(flat) == 1 else str(shapes).replace("'", "")


def _one_shape(x: Any) -> str:
    """The shape, of a KerasTensor or itself, as it is shown; other outputs as they are."""
    shape = x.shape if isinstance(x, KerasTensor) else x
    return f"({', '.join(map(str, shape))})" if isinstance(shape, tuple) else str(x)


def _params(op: Operation) -> str:
    if not isinstance(op, Layer):
        return "0"
    return f"{op.count_params():,}" if op.built else "0 (unbuilt)"


def _trainable_text(op: Operation) -> str:
    if not isinstance(op, Layer) or not op.built or not op.weights:
        return "-"
    return "Y" if op.trainable else "N"


def _connections(op: Operation, graph: Any) -> str:
    """Where each input of the operation's calls in this model comes from, as name[call][output]."""
    found = []
    for node in graph.nodes:
        if node.operation is op:
            for x in node.input_tensors:
                source, call, output = graph.source(x)
                found.append(f"{source.name}[{call}][{output}]")
    return ", ".join(found) or "-"


# --- terminals -----------------------------------------------------------------------------------
def _shows_bold() -> bool:
    is_terminal = getattr(sys.stdout, "isatty", lambda: False)()
    return bool(is_terminal) and os.environ.get("TERM") != "dumb"


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"
