"""Automatic names, counters and name scopes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nnseq.engine.state import state

_counters: dict[str, int] = {}


def to_snake_case(name: str) -> str:
    """The snake_case form of a class name.

    >>> to_snake_case("MaxPooling2D"), to_snake_case("LSTM"), to_snake_case("PReLU")
    ('max_pooling2d', 'lstm', 'p_re_lu')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def class_name(cls: type) -> str:
    """The name of a class; of a few Keras exports another than the one it names objects by."""
    return str(cls.__dict__.get("_name_in_keras", cls.__name__))


def brief(value: Any) -> str:
    """A line that shows a value in an error: of arrays and Tensors the shape and the dtype."""
    if hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, type):
        return f"<{type(value).__name__} shape={value.shape}, dtype={value.dtype}>"
    text = " ".join(repr(value).split())
    return text if len(text) < 120 else f"{text[:117]}..."


def get_uid(prefix: str = "") -> int:
    """The next number of a prefix, counted from 1 and shared by the whole process."""
    _counters[prefix] = _counters.get(prefix, 0) + 1
    return _counters[prefix]


def auto_name(prefix: str) -> str:
    """A name not given before: prefix, prefix_1, prefix_2 and so on."""
    uid = get_uid(prefix)
    return prefix if uid == 1 else f"{prefix}_{uid - 1}"


def uniquify(prefix: str) -> str:
    """`auto_name` of the snake_case form of a class name."""
    return auto_name(to_snake_case(prefix))


def clear_session() -> None:
    """Starts all automatic names from the beginning."""
    _counters.clear()


def check_name(name: object) -> str:
    """Returns a valid name of a layer or Variable.

    Raises:
        ValueError: if it is not a string or contains "/".
    """
    if not isinstance(name, str) or "/" in name:
        raise ValueError(
            "Argument `name` must be a string and cannot contain character `/`. "
            f"Received: name={name} (of type {type(name)})"
        )
    return name


def current_path() -> str:
    """The names of the layers being called or built, joined by "/"."""
    return "/".join(state.scopes)


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Adds `name` to the path of Variables created, and of nodes traced, inside."""
    previous = state.scopes
    set_scopes((*previous, name))
    try:
        yield
    finally:
        set_scopes(previous)


@contextmanager
def root_scope(name: str) -> Iterator[None]:
    """Like `name_scope`, but paths start anew: for the state of optimizers and metrics."""
    previous = state.scopes
    set_scopes((name,))
    try:
        yield
    finally:
        set_scopes(previous)


def set_scopes(scopes: tuple[str, ...]) -> None:
    """Replaces the current path."""
    state.scopes = scopes
    if state.trace is not None:
        state.trace.graph.set_scope("/".join(scopes))
