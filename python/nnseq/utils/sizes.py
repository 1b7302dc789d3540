"""How many parameters there are and how many bytes they take, as text."""

from collections.abc import Sequence
from typing import Any

from nnseq.engine.dtypes import numpy_dtype


def parameter_totals(model: Any) -> list[tuple[str, str]]:
    """What there is (Total, Trainable, ...), and its numbers of elements and bytes."""
    trained, fixed = _size(model.trainable_weights), _size(model.non_trainable_weights)
    parts = [("Trainable", trained), ("Non-trainable", fixed)]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        parts.append(("Optimizer", _size(optimizer.variables)))
    total = (sum(size[0] for _, size in parts), sum(size[1] for _, size in parts))
    return [(what, f"{n:,} ({readable(size)})") for what, (n, size) in [("Total", total), *parts]]


def _size(variables: Sequence[Any]) -> tuple[int, int]:
    """The number of elements and of bytes."""
    counts = [(v.size, v.size * numpy_dtype(v.dtype).itemsize) for v in variables]
    return sum(n for n, _ in counts), sum(size for _, size in counts)


def readable(size: float) -> str:
    """A number of bytes in the unit that fits.

    >>> readable(1536)
    '1.50 KB'
    """
    units = ["B", "KB", "MB", "GB", "TB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.2f} {units[0]}"
