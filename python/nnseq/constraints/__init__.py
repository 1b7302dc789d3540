"""Constraints; strings are resolved by `get`."""

from typing import Any

from nnseq.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from nnseq.engine.registry import Registry

max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm

_registry = Registry("constraint", [MaxNorm, MinMaxNorm, NonNeg, UnitNorm])


def get(identifier: Any) -> Any:
    """Returns the constraint of a name, a configuration or a callable; None stays None.

    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return _registry.get(identifier)


def serialize(constraint: Any) -> Any:
    """Returns the configuration of a constraint, as Keras writes it."""
    return _registry.serialize(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the constraint of a configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
