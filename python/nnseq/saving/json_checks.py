"""JSON that others wrote: strict, and within the limits."""

from __future__ import annotations

import math
from typing import Any

from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.limits import limits


def parse_json(data: bytes, what: str) -> Any:
    """The value of a JSON text in UTF-8; integers are those of 64 bits, floats are finite unless
    they are written NaN or Infinity.

    Raises:
        ModelFileError: naming `what`.
    """
    import json

    try:
        text = data.decode("utf-8")
        if data.count(b",") + data.count(b"[") + data.count(b"{") > limits.json_values:
            raise ValueError(f"it holds more than {limits.json_values} values")
        value = json.loads(text, object_pairs_hook=_unique, parse_int=_bounded, parse_float=_finite)
        _check(value)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{what} is not valid JSON: {one_line(error, 200)}") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _bounded(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise ValueError(f"the integer {digits[:24]} does not fit into 64 bits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"the number {digits[:24]} is too large")
    return value


def _check(value: Any) -> None:
    """Depth, lengths of strings, and the number of objects with a class."""
    level, depth, objects = [value], 0, 0
    while level:
        depth += 1
        if depth > limits.json_depth:
            raise ValueError(f"it is nested more than {limits.json_depth} levels deep")
        below: list[Any] = []
        for x in level:
            if isinstance(x, dict):
                objects += "class_name" in x
                below += x
                below += x.values()
            elif isinstance(x, list):
                below += x
            elif isinstance(x, str):
                _check_text(x)
        level = below
    if objects > limits.objects:
        raise ValueError(f"it describes {objects} objects; the limit is {limits.objects}")


def _check_text(text: str) -> None:
    if len(text) > limits.text_bytes:
        raise ValueError(f"a string of {len(text)} characters; the limit is {limits.text_bytes}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a string is not valid Unicode") from None
