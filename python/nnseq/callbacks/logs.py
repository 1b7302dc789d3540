"""Logs: names and values of a step or an epoch."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def to_floats(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns logs as Python floats, sorted by name; dicts in them are spread. What is no single
    number stays.

    >>> to_floats({"loss": np.float32(0.5), "heads": {"b": 2, "a": 1}})
    {'a': 1.0, 'b': 2.0, 'loss': 0.5}
    """
    flat: dict[str, Any] = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, Mapping):
            flat.update(to_floats(value))
        else:
            flat[name] = _number(value)
    return flat


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return value
    array = np.asarray(value)
    is_number = array.size == 1 and array.dtype.kind in "biuf"
    return float(array.item()) if is_number else value
