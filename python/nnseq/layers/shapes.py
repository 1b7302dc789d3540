"""Shapes as users give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def is_shape(x: Any) -> bool:
    """Whether x is one shape, not a structure of shapes."""
    return isinstance(x, (list, tuple)) and all(n is None or isinstance(n, int) for n in x)


def map_shapes(fn: Callable[[Any], Any], shapes: Any) -> Any:
    """fn of every shape in a structure of shapes."""
    if is_shape(shapes):
        return fn(tuple(shapes))
    if isinstance(shapes, dict):
        return {key: map_shapes(fn, value) for key, value in shapes.items()}
    return type(shapes)([map_shapes(fn, x) for x in shapes])


def take_batch_input_shape(kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """Takes the arguments that describe the input out of kwargs."""
    batch_size = kwargs.pop("batch_size", None)
    whole = kwargs.pop("batch_input_shape", None)
    shape = kwargs.pop("input_shape", None)
    dim = kwargs.pop("input_dim", None)
    if whole is not None:
        return tuple(whole)
    if shape is None and dim is not None:
        shape = (dim,)
    if shape is None:
        return None
    return (batch_size, *((shape,) if isinstance(shape, int) else shape))
