"""Configurations without what says nothing, which every version of Keras 3 can read.

Later versions of Keras add arguments, and earlier ones refuse keys they do not know; so keys whose
values are the defaults are not written.
"""

from __future__ import annotations

import inspect
from typing import Any

from nnseq.engine.registry import Registry, home_of, init_parameters, serialize_keras_object

# Keras has no default for some pool sizes, and its Rescaling reads the offset it is given.
_REQUIRED = frozenset({"name", "pool_size", "offset"})


def minimal(config: Any) -> Any:
    """A serialised configuration without the keys of built-in classes that hold defaults."""
    if isinstance(config, (list, tuple)):
        return [minimal(x) for x in config]
    if not isinstance(config, dict):
        return config
    config = {key: minimal(value) for key, value in config.items()}
    registry = home_of(config)
    if registry is not None and registry.kind not in ("model", "schedule"):
        parameters = init_parameters(registry.classes[config["class_name"]])
        config["config"] = {
            key: value
            for key, value in config["config"].items()
            if key in _REQUIRED or not _is_default(parameters.get(key), value)
        }
    return config


def _is_default(parameter: inspect.Parameter | None, value: Any) -> bool:
    if parameter is None or parameter.default is parameter.empty:
        return False
    default = parameter.default
    if parameter.name == "dtype" and default is None:
        default = "float32"
    if isinstance(value, dict) and isinstance(default, str):
        registry = home_of(value)
        return registry is not None and value == minimal(_serialized(registry, default))
    is_same_kind = isinstance(value, bool) == isinstance(default, bool)
    return is_same_kind and bool(value == serialize_keras_object(default))


def _serialized(registry: Registry, name: str) -> Any:
    return serialize_keras_object(registry.get(name))
