"""Keras' older files, in HDF5 alone: whole models (`model.save("m.h5")`) and weights, of Keras 2
and 3. They are read, not written.

A whole model holds its configuration as the attribute `model_config`, what compile() was given as
`training_config`, and the groups `model_weights` and `optimizer_weights`; a file of weights is what
is in `model_weights`. Weights are listed in order for each layer, by name.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.registry import deserialize_keras_object
from nnseq.engine.variable import Variable, assign_stored
from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.h5_checks import Contents, numbers
from nnseq.saving.json_checks import parse_json
from nnseq.saving.limits import limits

_WEIGHTS = "model_weights"
_OF_THE_MODEL = "top_level_model_weights"


def model_from(contents: Contents, custom_objects: Any, compile: bool) -> Any:
    """The model of a file, with its weights.

    Raises:
        ModelFileError: if it holds weights alone.
    """
    config = _json(contents, "model_config")
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelFileError(
            "it holds no configuration of a model; read weights alone by `model.load_weights()`."
        )
    model = deserialize_keras_object(config, custom_objects)
    if not hasattr(model, "load_weights"):
        raise ModelFileError(f"it holds a {type(model).__name__}, which is not a model.")
    read_weights(contents, model)
    if compile and (training := _json(contents, "training_config")) is not None:
        try:
            _compile(contents, model, training, custom_objects)
        except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
            warnings.warn(
                f"The model is not compiled: {one_line(error)} Call `compile()`.", stacklevel=3
            )
    return model


def _compile(contents: Contents, model: Any, training: Any, custom_objects: Any) -> None:
    if not isinstance(training, dict):
        raise TypeError(f"training_config is {training!r}.")
    config = {key: value for key, value in training.items() if value is not None}
    if "optimizer_config" in config:
        config["optimizer"] = config.pop("optimizer_config")
    with custom_object_scope(custom_objects):
        model.compile_from_config(config)
    place = "optimizer_weights"
    if place in contents.groups and model.optimizer is not None:
        values = _values(contents, place)
        model.optimizer.load_own_variables({str(i): value for i, value in enumerate(values)})


def is_legacy(contents: Contents) -> bool:
    """Whether a file of weights is an older one, which names its layers."""
    place = _WEIGHTS if _WEIGHTS in contents.groups else ""
    attributes = _attributes(contents, place)
    return "layer_names" in attributes or "layer_names0" in attributes


def read_weights(
    contents: Contents, model: Any, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Reads the weights of a file into a model, layer by layer in order, or by their names.

    Raises:
        ModelFileError: if they do not fit. Layers that came before are changed then.
    """
    root = _WEIGHTS if _WEIGHTS in contents.groups else ""
    stored = {
        name: values
        for name in _texts(contents, root, "layer_names")
        if (values := _values(contents, _join(root, name)))
    }
    layers = [layer for layer in model.layers if _variables(layer)]
    if by_name:
        pairs = [(layer, stored[layer.name]) for layer in layers if layer.name in stored]
    elif len(layers) != len(stored):
        raise ModelFileError(
            f"it holds weights of {len(stored)} layers, the model has {len(layers)} with weights."
        )
    else:
        pairs = list(zip(layers, stored.values(), strict=True))
    for layer, values in pairs:
        _assign(f"Layer '{layer.name}'", _variables(layer), values, skip_mismatch)
    own = _own(model)
    if own and _join(root, _OF_THE_MODEL) in contents.groups and not by_name:
        values = _values(contents, _join(root, _OF_THE_MODEL))
        _assign(f"Model '{model.name}'", own, values, skip_mismatch)


def _assign(owner: str, variables: list[Variable], values: list[Any], skip: bool) -> None:
    try:
        if len(variables) != len(values):
            names = [variable.name for variable in variables]
            raise ModelFileError(
                f"{owner} has {len(variables)} variables {names}, the file {len(values)} for it."
            )
        assign_stored(owner, variables, values)
    except ValueError as error:
        if not skip:
            raise
        warnings.warn(f"Skipping {owner}: {one_line(error)}", stacklevel=4)


def _variables(layer: Any) -> list[Variable]:
    """In the order of Keras' older files."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _own(model: Any) -> list[Variable]:
    """The Variables of a model itself, which belong to none of its layers."""
    below = {id(variable) for layer in model.layers for variable in layer.weights}
    return [variable for variable in _variables(model) if id(variable) not in below]


# --- what is in the file -------------------------------------------------------------------------
def _values(contents: Contents, place: str) -> list[Any]:
    """The datasets that a group lists, in order."""
    found = []
    for name in _texts(contents, place, "weight_names"):
        path = _join(place, name)
        if path not in contents.datasets:
            raise ModelFileError(f"there is no dataset '{path}', which the file lists.")
        found.append(numbers(contents.datasets[path], path))
    return found


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name


def _attributes(contents: Contents, place: str) -> Mapping[str, Any]:
    if place not in contents.groups:
        raise ModelFileError(f"there is no group '{place}', which the file lists.")
    attributes: Mapping[str, Any] = contents.groups[place].attrs
    return attributes


def _texts(contents: Contents, place: str, name: str) -> list[str]:
    """A list of names among the attributes of a group: one of 64 KB at most, or several."""
    attributes = _attributes(contents, place)
    if name in attributes:
        return _as_texts(attributes, name)
    found: list[str] = []
    part = 0
    while f"{name}{part}" in attributes:
        found += _as_texts(attributes, f"{name}{part}")
        part += 1
    return found


def _as_texts(attributes: Any, name: str) -> list[str]:
    kind = attributes.get_id(name)
    if (size := math.prod(kind.shape or ()) * kind.dtype.itemsize) > limits.text_bytes:
        raise ModelFileError(f"its attribute {name} has {size} bytes.")
    values = np.asarray(attributes[name]).reshape(-1).tolist()
    if len(values) > limits.datasets:
        raise ModelFileError(f"its attribute {name} lists {len(values)} names.")
    return [_text(value, name) for value in values]


def _text(value: Any, name: str) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if not isinstance(value, str):
        raise ModelFileError(f"its attribute {name} holds {value!r}, expected text.")
    return value


def _json(contents: Contents, name: str) -> Any:
    """The JSON in an attribute of the file; None if there is none."""
    attributes = contents.groups[""].attrs
    if name not in attributes:
        return None
    value = attributes[name]
    text = _text(value.item() if isinstance(value, np.generic) else value, name)
    if len(text) > limits.config_bytes:
        raise ModelFileError(f"its attribute {name} has {len(text)} characters.")
    return parse_json(text.encode("utf-8", "surrogatepass"), name)
