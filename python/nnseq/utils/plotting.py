"""Drawings of models for Graphviz."""

import html
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nnseq.engine import nest


class Dot(NamedTuple):
    """A drawing in Graphviz' language. `source` is the text; `write` draws it."""

    source: str

    def write(self, path: Any, format: str | None = None) -> str:
        """Writes the drawing to a file: as text for `.dot`, else as Graphviz draws it.

        Args:
            path: the file; its ending is the format unless one is given, "png" without either.

        Raises:
            ImportError: if Graphviz, whose program `dot` draws, is not installed.
        """
        path = Path(path)
        kind = format or path.suffix.removeprefix(".") or "png"
        if kind in ("dot", "raw"):
            path.write_text(self.source, encoding="utf-8")
            return str(path)
        program = shutil.which("dot")
        if program is None:
            raise ImportError(
                f"Graphviz must be installed to draw {path.name} (apt install graphviz); a file "
                "that ends in .dot is written without it"
            )
        done = subprocess.run(
            [program, f"-T{kind}", "-o", str(path)],
            input=self.source,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        if done.returncode:
            raise ValueError(f"Graphviz could not draw {path.name}: {done.stderr.strip()}")
        return str(path)


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Dot:
    """The layers of a built model as boxes, what flows between them as arrows.

    Args:
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what a
            box says beside the layer's class.
        rankdir: "TB" from top to bottom, "LR" from left to right.
        expand_nested: whether models among the layers are drawn as a frame around theirs.
        dpi: dots per inch.
        subgraph: whether to give the frame alone, to be put into another drawing.
        splines: how arrows are drawn: "ortho", "curved", "polyline", "spline" or "line".

    Raises:
        ValueError: if the model is not built.

    >>> from nnseq import Input, Sequential, layers
    >>> dot = model_to_dot(Sequential([Input((2,)), layers.Dense(3, name="out")]))
    >>> "<b>out</b> (Dense)" in dot.source
    True
    """
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by "
            "calling the model on a batch of data."
        )
    show = {
        "names": show_layer_names,
        "activations": show_layer_activations,
        "shapes": show_shapes,
        "dtype": show_dtype,
        "trainable": show_trainable,
    }
    body = "\n".join(_statements(model, show, expand_nested))
    if subgraph:
        return Dot(_frame(model, body))
    return Dot(
        f"digraph G {{\nrankdir={rankdir}; concentrate=true; dpi={dpi}; splines={splines};\n"
        f'node [shape=none, margin=0, fontname="Helvetica"];\n{body}\n}}\n'
    )


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """Draws a model into a file by Graphviz (see model_to_dot), shown too in a notebook.

    Args:
        to_file: `.png`, `.svg`, `.pdf` and what else Graphviz draws; `.dot` needs no Graphviz.

    Raises:
        ImportError: if Graphviz is not installed.
        ValueError: if the model is not built.
    """
    dot = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
    )
    path = dot.write(to_file)
    try:
        from IPython.display import Image  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    return Image(filename=path) if path.endswith((".png", ".jpg", ".gif")) else None


def _statements(model: Any, show: dict[str, bool], expand: bool) -> Iterator[str]:
    """Boxes, frames and arrows of a model's layers."""
    graph = getattr(model, "_graph", None)
    layers = _parts(model) or [model]  # one box for a model that only its own code knows
    if graph is None or len(layers) != len(graph.operations):  # a row
        edges = list(itertools.pairwise(layers))
    else:
        edges = [
            (graph.source(x)[0], node.operation) for node in graph.nodes for x in node.input_tensors
        ]
    for layer in layers:
        if expand and _parts(layer):
            yield _frame(layer, "\n".join(_statements(layer, show, expand)))
        else:
            yield f'"{id(layer)}" [label=<{_label(layer, show)}>];'
    for a, b in dict.fromkeys((_end(a, expand, -1), _end(b, expand, 0)) for a, b in edges):
        yield f'"{id(a)}" -> "{id(b)}" [penwidth=2];'


def _parts(layer: Any) -> list[Any]:
    """The layers of a model among layers, in the order they run."""
    if "Sequential" in (kind.__name__ for kind in type(layer).__mro__):
        return list(layer.layers)
    graph = getattr(layer, "_graph", None)
    return list(graph.operations) if graph is not None else []


def _end(layer: Any, expand: bool, which: int) -> Any:
    """The box at which an arrow to (0) or from (-1) a layer ends."""
    while expand and (parts := _parts(layer)):
        layer = parts[which]
    return layer


def _frame(model: Any, body: str) -> str:
    return (
        f'subgraph "cluster_{model.name}" {{\nstyle=dashed; labeljust=l; '
        f'label="{html.escape(model.name)}";\n{body}\n}}'
    )


def _label(layer: Any, show: dict[str, bool]) -> str:
    """The table in a box."""
    kind = html.escape(type(layer).__name__)
    title = f"<b>{html.escape(layer.name)}</b> ({kind})" if show["names"] else f"<b>{kind}</b>"
    cells = list(_cells(layer, show))
    span = max(1, len(cells))
    head = (
        f'<tr><td colspan="{span}" bgcolor="black"><font point-size="16" color="white">{title}'
        "</font></td></tr>"
    )
    activation = getattr(layer, "activation", None)
    if show["activations"] and activation is not None:
        name = getattr(activation, "name", None) or getattr(activation, "__name__", activation)
        text = f"Activation: <b>{html.escape(str(name))}</b>"
        head += f'<tr><td colspan="{span}" bgcolor="white">{text}</td></tr>'
    row = f"<tr>{''.join(cells)}</tr>" if cells else ""
    return (
        '<table border="0" cellborder="1" bgcolor="black" cellpadding="10">'
        + head
        + row
        + "</table>"
    )


def _cells(layer: Any, show: dict[str, bool]) -> Iterator[str]:
    def cell(text: str, color: str = "white") -> str:
        return f'<td bgcolor="{color}"><font point-size="14">{text}</font></td>'

    def described(of: str, what: str) -> str:
        try:
            found = nest.map_structure(lambda x: getattr(x, what), getattr(layer, of))
        except (AttributeError, ValueError):
            return "?"
        return html.escape(re.sub("[{}']", "", str(found)))

    if show["shapes"]:
        if type(layer).__name__ != "InputLayer":
            yield cell(f"Input shape: <b>{described('input', 'shape')}</b>")
        yield cell(f"Output shape: <b>{described('output', 'shape')}</b>")
    if show["dtype"]:
        yield cell(f"Output dtype: <b>{described('output', 'dtype')}</b>")
    if show["trainable"] and getattr(layer, "weights", None):
        is_trainable = bool(layer.trainable)
        yield cell(
            "<b>Trainable</b>" if is_trainable else "<b>Non-trainable</b>",
            "palegreen" if is_trainable else "salmon",
        )
