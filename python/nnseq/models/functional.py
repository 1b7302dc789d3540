"""What makes a model functional: the graph it runs, and how inputs are fitted to it."""

from __future__ import annotations

from typing import Any

from nnseq.engine import nest
from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.tensor import Tensor
from nnseq.layers.layer import Layer
from nnseq.models.function_graph import FunctionGraph
from nnseq.models.host_part import host_part


def set_graph(model: Any, inputs: Any, outputs: Any) -> None:
    """Makes a model functional.

    Raises:
        ValueError: if inputs or outputs are missing or not connected.
    """
    if inputs is None or outputs is None:
        raise ValueError(f"Model '{model.name}' needs both `inputs` and `outputs`.")
    inputs, outputs = _copied(inputs), _copied(outputs)
    try:
        graph = FunctionGraph(inputs, outputs, model.name)
    except ValueError:
        called = nest.map_structure(lambda x: _where_called(inputs, x, model.name), outputs)
        pairs = zip(nest.flatten(called), nest.flatten(outputs), strict=True)
        if all(a is b for a, b in pairs):
            raise
        graph = FunctionGraph(inputs, called, model.name)
    model._host = host_part(graph, model.name)
    model._graph = graph
    model._layers = [op for op in graph.operations if isinstance(op, Layer)]
    names: set[str] = set()
    for layer in model._layers:
        if layer.name in names:
            raise ValueError(
                f"The name '{layer.name}' is used by two layers of model '{model.name}'. All "
                "layer names should be unique."
            )
        names.add(layer.name)
    model.built = True


def _where_called(inputs: Any, output: Any, name: str) -> Any:
    """For the output of a model that is a layer below `inputs`: what its call there gave, as
    `layer.output` of any other layer does."""
    inner = getattr(output, "_output_of", None)
    if inner is None or inner._graph is None:
        return output
    index = next((i for i, x in enumerate(inner._graph.flat_outputs) if x is output), None)
    for node in inner._inbound_nodes if index is not None else ():
        found = node.output_tensors[index]
        try:
            FunctionGraph(inputs, found, name)
        except ValueError:
            continue
        return found
    return output


def _copied(structure: Any) -> Any:
    """New lists and dicts with the same leaves, which later changes of the caller's leave alone."""
    return nest.map_structure(lambda x: x, structure)


def flat_inputs(model: Any, inputs: Any, mask: Any) -> list[Any]:
    """The inputs in order, cast and shaped as the model's Inputs say.

    Raises:
        ValueError: if their number, names or shapes are wrong.
    """
    graph = model._program_graph()
    expected = graph.flat_inputs
    if isinstance(inputs, dict) and not isinstance(graph.inputs, dict):
        missing = [x.name for x in expected if x.name not in inputs]
        if missing:
            raise ValueError(
                f"Model '{model.name}' got no value for input '{missing[0]}'; "
                f"its inputs are {[x.name for x in expected]}, given were {sorted(inputs)}."
            )
        values = [inputs[x.name] for x in expected]
    elif isinstance(inputs, dict):
        missing = [key for key in graph.inputs if key not in inputs]
        if missing:
            raise ValueError(
                f"Model '{model.name}' got no value for input '{missing[0]}'; "
                f"its inputs are {sorted(graph.inputs)}, given were {sorted(inputs)}."
            )
        values = nest.flatten({key: inputs[key] for key in graph.inputs})
    else:
        values = nest.flatten(inputs)
    if len(values) != len(expected):
        raise ValueError(
            f"Layer '{model.name}' expected {len(expected)} input(s). "
            f"Received {len(values)} instead."
        )
    masks = [None] * len(values) if mask is None else nest.flatten(mask)
    return [
        _fitted(model, i, x, value, m)
        for i, (x, value, m) in enumerate(zip(expected, values, masks, strict=True))
    ]


def _fitted(model: Any, index: int, expected: Any, value: Any, mask: Any) -> Any:
    if value is None:
        source = expected.history[0] if expected.history else None
        if not getattr(source, "optional", False):
            raise ValueError(
                f"Model '{model.name}' got None for its input '{expected.name}', which is not "
                "optional."
            )
        return None
    x = to_tensor(value)
    mask = mask if mask is not None else x._keras_mask
    rank = len(expected.shape)
    if len(x.shape) == rank - 1 and expected.shape[-1] == 1:
        x = apply("reshape", [x], {"sizes": [*dims_of(x), 1]})
    elif len(x.shape) == rank + 1 and x.shape[-1] == 1:
        x = apply("reshape", [x], {"sizes": list(dims_of(x)[:-1])})
    wrong = len(x.shape) != rank or any(
        want is not None and got is not None and want != got
        for want, got in zip(expected.shape[1:], x.shape[1:], strict=True)
    )
    if wrong:
        raise ValueError(
            f"Input {index} of layer '{model.name}' is incompatible with the layer: expected "
            f"shape={(None, *expected.shape[1:])}, found shape={x.shape}"
        )
    if x.dtype != expected.dtype:
        x = apply("cast", [x], {"dtype": expected.dtype})
    if mask is not None and isinstance(x, Tensor):
        x._keras_mask = mask
    return x
