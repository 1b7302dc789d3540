"""The configuration of functional models, as Keras writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nnseq import ops
from nnseq.engine import nest
from nnseq.engine.naming import to_snake_case
from nnseq.engine.operation import FunctionOperation, Node, Operation
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.engine.tensor import KerasTensor
from nnseq.layers.input_layer import InputLayer
from nnseq.models.function_graph import FunctionGraph


def graph_config(graph: FunctionGraph) -> dict[str, Any]:
    """The layers with their calls, and which of the results are inputs and outputs."""
    calls: dict[int, list[Node]] = {id(op): [] for op in graph.operations}
    for op in graph.operations:
        if isinstance(op, InputLayer):
            calls[id(op)].append(op._inbound_nodes[0])
    for node in graph.nodes:
        calls[id(node.operation)].append(node)
    for nodes in calls.values():
        nodes.sort(key=lambda node: node.operation._inbound_nodes.index(node))

    def place(x: KerasTensor) -> list[Any]:
        source, call, index = graph.source(x)
        number = calls[id(source)].index(source._inbound_nodes[call])
        return [source.name, number, index]

    def described(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return serialize_keras_object(x)
        config = {"shape": x.shape, "dtype": x.dtype, "keras_history": place(x)}
        return {"class_name": "__keras_tensor__", "config": config}

    def layer_config(op: Operation) -> dict[str, Any]:
        inbound = [
            {
                "args": nest.map_structure(described, list(node.args)),
                "kwargs": nest.map_structure(described, node.kwargs),
            }
            for node in calls[id(op)]
            if node.input_tensors
        ]
        return {**_operation_config(op), "name": op.name, "inbound_nodes": inbound}

    return {
        "layers": [layer_config(op) for op in graph.operations],
        "input_layers": nest.map_structure(place, _single(graph.inputs)),
        "output_layers": nest.map_structure(place, _single(graph.outputs)),
    }


def _single(structure: Any) -> Any:
    """A list of one is written as its element: Keras 3 gives the same structure back."""
    return structure[0] if isinstance(structure, list) and len(structure) == 1 else structure


def _operation_config(op: Operation) -> dict[str, Any]:
    if isinstance(op, FunctionOperation):
        name = op.function.__name__
        return {
            "module": "nnseq.ops",
            "class_name": name,
            "config": {"name": op.name},
            "registered_name": None,
        }
    config: dict[str, Any] = serialize_keras_object(op)
    return config


def graph_from_config(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """The inputs and outputs of `graph_config`: all layers are made and called again.

    Raises:
        ValueError: if a call needs a result that no call gives.
    """
    made: dict[str, Callable[..., Any]] = {}
    results: dict[tuple[str, int], Any] = {}
    waiting: list[tuple[str, int, Any]] = []
    for entry in config["layers"]:
        name = entry.get("name") or entry["config"]["name"]
        op = made[name] = _operation(entry)
        if isinstance(op, InputLayer):
            results[name, 0] = op.output
        waiting += [(name, i, call) for i, call in enumerate(entry.get("inbound_nodes", ()))]

    def value(place: Any) -> Any:
        name, call, index = place
        return nest.flatten(results[name, call])[index]

    while waiting:
        later = []
        for name, i, call in waiting:
            ready = (i == 0 or (name, i - 1) in results) and all(
                (source, number) in results for source, number, _ in _places(call)
            )
            if not ready:
                later.append((name, i, call))
                continue
            args, kwargs = _arguments(call, value)
            results[name, i] = made[name](*args, **kwargs)
        if len(later) == len(waiting):
            raise ValueError(
                f"The configuration of the functional model '{config.get('name')}' calls "
                f"{sorted({name for name, _, _ in later})} on results that no layer gives."
            )
        waiting = later
    return _map_places(value, config["input_layers"]), _map_places(value, config["output_layers"])


def _operation(entry: Mapping[str, Any]) -> Callable[..., Any]:
    module = entry.get("module") or ""
    if module != "nnseq.ops" and not module.startswith("keras.src.ops."):
        layer: Callable[..., Any] = deserialize_keras_object(entry)
        return layer
    name = to_snake_case(entry["class_name"])
    if name not in ops.__all__:
        raise ValueError(f"nnseq.ops has no function {name!r}, which the model uses.")
    function = getattr(ops, name)
    # Keras keeps arguments that are not tensors in the configuration of the operation.
    fixed = {k: v for k, v in entry["config"].items() if k != "name" and v is not None}
    return lambda *args, **kwargs: function(*args, **{**fixed, **kwargs})


def _is_place(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and len(x) == 3 and isinstance(x[0], str)


def _map_places(fn: Callable[[Any], Any], structure: Any) -> Any:
    """fn of every [layer, call, output] in a structure."""
    if _is_place(structure):
        return fn(structure)
    if isinstance(structure, Mapping):
        return {key: _map_places(fn, x) for key, x in structure.items()}
    return [_map_places(fn, x) for x in structure]


def _is_keras_tensor(x: Any) -> bool:
    return isinstance(x, Mapping) and x.get("class_name") == "__keras_tensor__"


def _places(call: Any) -> list[Any]:
    """Where the inputs of a call come from."""
    if _is_keras_tensor(call):
        return [call["config"]["keras_history"]]
    if _is_old_call(call):
        return [place[:3] for place in call]
    if isinstance(call, (list, tuple, Mapping)):
        parts = call.values() if isinstance(call, Mapping) else call
        return [place for x in parts for place in _places(x)]
    return []


def _is_old_call(call: Any) -> bool:
    """Keras 2: [[layer, call, output, kwargs], ...]."""
    return (
        isinstance(call, (list, tuple))
        and len(call) > 0
        and all(isinstance(x, (list, tuple)) and len(x) == 4 and type(x[0]) is str for x in call)
    )


def _arguments(call: Any, value: Callable[[Any], Any]) -> tuple[list[Any], dict[str, Any]]:
    if _is_old_call(call):
        inputs = [value(place[:3]) for place in call]
        return [inputs[0] if len(inputs) == 1 else inputs], dict(call[0][3])

    def filled(x: Any) -> Any:
        if _is_keras_tensor(x):
            return value(x["config"]["keras_history"])
        if isinstance(x, (list, tuple)):
            return [filled(y) for y in x]
        if isinstance(x, Mapping) and "class_name" not in x:
            return {key: filled(y) for key, y in x.items()}
        return deserialize_keras_object(x)

    return filled(call["args"]), filled(call["kwargs"])
