"""Shapes and types as users give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def is_shape(x: Any) -> bool:
    """Whether x is one shape, not a structure of shapes."""
    return isinstance(x, (list, tuple)) and all(n is None or isinstance(n, int) for n in x)


def to_shape(shape: Any) -> tuple[int | None, ...]:
    """A shape as a tuple of ints and None; an int n is (n,).

    Raises:
        ValueError: if it is not a shape.

    >>> to_shape(784), to_shape([None, 3])
    ((784,), (None, 3))
    """
    dims = (shape,) if _is_size(shape) else shape
    if not isinstance(dims, list | tuple) or not all(d is None or _is_size(d) for d in dims):
        raise ValueError(f"Cannot convert '{shape}' to a shape.")
    return tuple(None if d is None else int(d) for d in dims)


def _is_size(n: Any) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and int(n) >= 0


def size_of_axis(shape: Any, axis: int) -> int:
    """The size of one axis of inputs.

    Raises:
        ValueError: if there is no such axis, or its size is not known.
    """
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"There is no axis {axis} in inputs of shape {tuple(shape)}.")
    if (size := shape[axis]) is None:
        raise ValueError(f"Axis {axis} of the inputs must be known. Got {tuple(shape)}")
    return int(size)


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
        return to_shape(whole)
    if shape is None and dim is not None:
        shape = (dim,)
    return None if shape is None else to_shape((batch_size, *to_shape(shape)))


def dtype_name(dtype: Any) -> Any:
    """The type in a serialised dtype policy, or what was given."""
    if isinstance(dtype, dict):
        return dtype.get("config", {}).get("name", "float32")
    return dtype
