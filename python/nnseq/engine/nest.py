"""Nested structures of lists, tuples, named tuples and dicts (keys in sorted order)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


def _children(structure: Any) -> Iterable[Any] | None:
    if isinstance(structure, (list, tuple)):
        return structure
    if isinstance(structure, Mapping):
        return [structure[key] for key in sorted(structure)]
    return None


def is_nested(structure: Any) -> bool:
    """Whether this is a list, tuple or dict."""
    return isinstance(structure, (list, tuple, Mapping))


def flatten(structure: Any) -> list[Any]:
    """All leaves; None is a leaf.

    >>> flatten({"b": [1, (2,)], "a": 0})
    [0, 1, 2]
    """
    children = _children(structure)
    if children is None:
        return [structure]
    return [leaf for child in children for leaf in flatten(child)]


def _like(structure: Any, children: list[Any]) -> Any:
    if isinstance(structure, Mapping):
        packed = dict(zip(sorted(structure), children, strict=True))
        ordered = {key: packed[key] for key in structure}
        return ordered if type(structure) is dict else type(structure)(ordered)  # type: ignore[call-arg]
    if hasattr(structure, "_fields"):
        return type(structure)(*children)
    return tuple(children) if isinstance(structure, tuple) else list(children)


def map_structure(fn: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """The same structure with fn(leaf, ...) in place of every leaf.

    >>> map_structure(lambda a, b: a + b, {"x": 1, "y": [2]}, {"x": 10, "y": [20]})
    {'x': 11, 'y': [22]}
    """
    children = _children(structure)
    if children is None:
        return fn(structure, *others)
    rest = [_matching(structure, other) for other in others]
    return _like(structure, [map_structure(fn, *c) for c in zip(children, *rest, strict=True)])


def _matching(structure: Any, other: Any) -> list[Any]:
    children = _children(other)
    same_keys = not isinstance(structure, Mapping) or (
        isinstance(other, Mapping) and sorted(structure) == sorted(other)
    )
    if children is None or not same_keys or len(list(children)) != len(structure):
        raise ValueError(f"structures differ: {structure!r} and {other!r}")
    return list(children)


def pack(structure: Any, leaves: Iterable[Any]) -> Any:
    """The same structure holding `leaves` in the order of `flatten`."""
    iterator: Iterator[Any] = iter(leaves)
    return map_structure(lambda _: next(iterator), structure)
