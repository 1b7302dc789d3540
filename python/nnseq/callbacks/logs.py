"""Logs: names and values of a step or an epoch."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def to_floats(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns logs as Python floats, sorted by name; dicts in them are spread. Tensors of several
    numbers become float32 arrays; what is no number stays.

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
    if type(value) is float:
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return value
    if array.size == 1:
        return float(array.item())
    return value if isinstance(value, np.ndarray | list | tuple) else array.astype("float32")
