"""Optimizers; strings are resolved by `get`."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.optimizers import schedules
from nnseq.optimizers.adam import Adam, AdamW
from nnseq.optimizers.optimizer import Optimizer
from nnseq.optimizers.rmsprop import RMSprop
from nnseq.optimizers.sgd import SGD

_registry = Registry(
    "optimizer",
    [Adam, AdamW, RMSprop, SGD],
    {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "sgd": SGD},
)


def get(identifier: Any) -> Any:
    """Returns the optimizer of a name, a configuration, a class or an instance; None stays None.

    >>> type(get("adam")).__name__
    'Adam'
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    found = _registry.get(identifier) if isinstance(identifier, str | dict | type) else None
    if not isinstance(found, Optimizer):
        raise ValueError(
            "Expected the name, the configuration or an instance of an optimizer. "
            f"Received: {identifier!r} (of type {type(identifier).__name__})"
        )
    return found


def serialize(optimizer: Any) -> Any:
    """Returns the configuration of an optimizer, as Keras writes it."""
    return _registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the optimizer of a configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
