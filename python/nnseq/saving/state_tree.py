"""Where the state of a model lies in a file: the paths that Keras gives its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnseq.engine.naming import class_name, to_snake_case


def walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Yields (path, part) of a model, its layers, metrics and optimizer, each once.

    Layers of Sequential and functional models are `layers/dense`, `layers/dense_1` by class;
    other parts are named after the attribute that holds them, in lists and dicts again by class.
    """
    yield from _walk("", root, set())


def _walk(path: str, part: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(part) in seen:
        return
    seen.add(id(part))
    yield path, part
    for name, value in _children(part):
        inner = f"{path}/{name}" if path else name
        if _has_state(value):
            yield from _walk(inner, value, seen)
        elif isinstance(value, (list, tuple, Mapping)):
            yield from _walk_container(inner, value, seen)


def _walk_container(path: str, container: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    counts: dict[str, int] = {}
    for value in container.values() if isinstance(container, Mapping) else container:
        if _has_state(value):
            name = to_snake_case(class_name(type(value)))
            number = counts.get(name, 0)
            counts[name] = number + 1
            yield from _walk(f"{path}/{name}_{number}" if number else f"{path}/{name}", value, seen)


def _has_state(value: Any) -> bool:
    return hasattr(value, "save_own_variables") and not isinstance(value, type)


def _children(part: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that may hold parts: layers first, then by name, private ones last."""
    if getattr(part, "_graph", None) is not None or hasattr(part, "_input_is_implicit"):
        yield "layers", part.layers
    untracked: frozenset[str] = getattr(part, "_untracked", frozenset())
    found = {name: value for name, value in vars(part).items() if name not in untracked}
    optimizer = getattr(part, "optimizer", None)
    if optimizer is not None and optimizer.built:
        found["optimizer"] = optimizer
    for name in sorted(found, key=lambda name: "~" + name if name.startswith("_") else name):
        yield name, found[name]
