"""Regularizers; strings are resolved by `get`."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.regularizers.regularizers import (
    L1,
    L1L2,
    L2,
    OrthogonalRegularizer,
    Regularizer,
)

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

_registry = Registry("regularizer", [L1, L1L2, L2, OrthogonalRegularizer], {"l1_l2": L1L2})


def get(identifier: Any) -> Any:
    """Returns the regularizer of a name, a configuration or a callable; None stays None.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    # the string of Keras 2; L1L2() itself has no effect
    return L1L2(0.01, 0.01) if identifier == "l1_l2" else _registry.get(identifier)


def serialize(regularizer: Any) -> Any:
    """Returns the configuration of a regularizer, as Keras writes it."""
    return _registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the regularizer of a configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
