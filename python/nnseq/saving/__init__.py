"""Files of models and weights, and the configurations in them."""

from nnseq.engine.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.saving.errors import ModelFileError
from nnseq.saving.model_io import load_model, load_weights, save_model, save_weights

__all__ = [
    "CustomObjectScope",
    "ModelFileError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
