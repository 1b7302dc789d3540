"""Copies of models with new weights, and models from their configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nnseq.engine import nest
from nnseq.engine.operation import Operation
from nnseq.engine.registry import deserialize_keras_object, sharing_objects
from nnseq.engine.tensor import KerasTensor
from nnseq.layers.input_layer import Input, InputLayer
from nnseq.layers.layer import Layer
from nnseq.models.model import Functional
from nnseq.models.sequential import Sequential


def model_from_config(config: Mapping[str, Any], custom_objects: Any = None) -> Any:
    """The model of a configuration {"class_name", "config", ...}, with new weights."""
    with sharing_objects():
        return deserialize_keras_object(dict(config), custom_objects)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """The model of `model.to_json()`, with new weights.

    >>> from nnseq import layers
    >>> model = Sequential([Input((3,)), layers.Dense(2)])
    >>> model_from_json(model.to_json()).count_params()
    8
    """
    import json

    return model_from_config(json.loads(json_string), custom_objects)


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """A model of the same layers with new weights; it is not compiled.

    Args:
        input_tensors: KerasTensors at which the copy begins, instead of new Inputs.
        clone_function: gives the copy of a layer; by default `layer.from_config(get_config())`.
        call_function: called as f(layer, *args, **kwargs) to call a copied layer (functional).
        recursive: whether `clone_function` is applied to the layers of models inside the model.

    Raises:
        ValueError: for a subclassed model with any of the arguments.

    >>> from nnseq import layers
    >>> model = Sequential([Input((3,)), layers.Dense(2)])
    >>> copy = clone_model(model)
    >>> copy.layers[0] is model.layers[0], copy.output_shape
    (False, (None, 2))
    """
    clone = clone_function or _same_class

    def copied(layer: Layer) -> Layer:
        if recursive and isinstance(layer, (Sequential, Functional)):
            return clone_model(
                layer, clone_function=clone, call_function=call_function, recursive=True
            )
        return clone(layer)

    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("`call_function` is for functional models, not for a Sequential.")
        return _clone_sequential(model, input_tensors, copied)
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, copied, call_function)
    if input_tensors is not None or clone_function is not None or call_function is not None:
        raise ValueError(
            "`input_tensors`, `clone_function` and `call_function` are for Sequential and "
            f"functional models. Received a model of class {type(model).__name__}."
        )
    return _same_class(model)


def _same_class(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _clone_sequential(model: Any, input_tensors: Any, copied: Any) -> Any:
    made: dict[int, Layer] = {}
    for layer in model.layers:
        if id(layer) not in made:
            made[id(layer)] = copied(layer)
    layers: list[Any] = [made[id(layer)] for layer in model.layers]
    first = model._layers[0] if model._layers else None
    tensors = [] if input_tensors is None else nest.flatten(input_tensors)
    if len(tensors) > 1:
        raise ValueError(f"A Sequential has one input. Received input_tensors={input_tensors!r}")
    if tensors:
        layers.insert(0, tensors[0])
    elif isinstance(first, InputLayer):
        layers.insert(0, InputLayer(**_input_arguments(first)))
    return type(model)(layers, name=model.name, trainable=model._trainable)


def _input_arguments(layer: InputLayer) -> dict[str, Any]:
    return {"batch_shape": layer.batch_shape, "dtype": layer.dtype, "name": layer.name}


def _clone_functional(model: Any, input_tensors: Any, copied: Any, call: Any) -> Any:
    graph = model._graph
    if input_tensors is None:
        inputs = [Input(**_input_arguments(source)) for source in graph._sources]
    else:
        inputs = nest.flatten(input_tensors)
        if len(inputs) != len(graph.flat_inputs) or not all(
            isinstance(x, KerasTensor) for x in inputs
        ):
            raise ValueError(
                f"`input_tensors` must be {len(graph.flat_inputs)} KerasTensors. "
                f"Received: {input_tensors!r}"
            )
    made: dict[int, Operation] = {}

    def run(op: Operation, args: Any, kwargs: Any) -> Any:
        if not isinstance(op, Layer):
            return op.run_node(args, kwargs)
        if id(op) not in made:
            made[id(op)] = copied(op)
        layer: Any = made[id(op)]
        return layer(*args, **kwargs) if call is None else call(layer, *args, **kwargs)

    outputs = graph.run(inputs, run)
    structure = nest.pack(graph.inputs, inputs)
    return type(model)(structure, outputs, name=model.name)
