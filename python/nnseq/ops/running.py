"""Sums, products and other associative functions of each element and those before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnseq.engine import nest
from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.operation import operation
from nnseq.engine.operators import UnknownDimError
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_type, axis_of
from nnseq.ops.elementwise import multiply
from nnseq.ops.layout import concatenate, flip, ravel, reshape, stack, take_slice

__all__ = ["associative_scan", "cumprod", "cumsum"]


def along(x: Any, axis: int | None) -> tuple[Tensor, int]:
    """x, flat without an axis, and the axis."""
    x = to_tensor(x)
    return (ravel(x), 0) if axis is None else (x, axis_of(axis, len(x.shape)))


def size_of(name: str, x: Tensor, axis: int) -> int:
    """The size of an axis that a function cuts up while it is traced.

    Raises:
        UnknownDimError: if the trace does not know it; it is made again with concrete shapes.
    """
    size = x.shape[axis]
    if size is None:
        raise UnknownDimError(f"{name}: the size of axis {axis} of {x.shape} is unknown")
    return size


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """f of each element and all before it along an axis, in 2 log2(size) rounds of half-length
    calls of f (Blelloch, Prefix sums and their applications, 1990).

    Args:
        f: an associative function of two structures like `elems`; it works on many at once.
        elems: a structure of Tensors that are equally long along the axis.
        reverse: whether to go from the last element to the first.
        axis: the axis.

    >>> associative_scan(lambda a, b: a * b, reshape([1, 2, 3, 4], [-1])).tolist()
    [1, 2, 6, 24]

    Raises:
        ValueError: if the Tensors are not equally long.
    """
    parts = [to_tensor(x) for x in nest.flatten(elems)]
    axes = [axis_of(axis, len(x.shape)) for x in parts]
    sizes = [size_of("associative_scan", x, a) for x, a in zip(parts, axes, strict=True)]
    if len(set(sizes)) != 1:
        raise ValueError(
            "associative_scan: all Tensors must be equally long along `axis`. Received: "
            f"axis={axis}, sizes {sizes}"
        )

    def called(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        result = f(nest.pack(elems, a), nest.pack(elems, b))
        return [to_tensor(x) for x in nest.flatten(result)]

    def cut(xs: list[Tensor], begin: int, count: int, step: int = 1) -> list[Tensor]:
        return [take_slice(x, a, begin, count, step) for x, a in zip(xs, axes, strict=True)]

    def joined(xs: list[Tensor], ys: list[Tensor]) -> list[Tensor]:
        return [concatenate([x, y], a) for x, y, a in zip(xs, ys, axes, strict=True)]

    def scanned(xs: list[Tensor], size: int) -> list[Tensor]:
        if size < 2:
            return xs
        half, rest = size // 2, (size - 1) // 2
        odd = scanned(called(cut(xs, 0, half, 2), cut(xs, 1, half, 2)), half)
        even = cut(xs, 0, 1)
        if rest:
            even = joined(even, called(cut(odd, 0, rest), cut(xs, 2, rest, 2)))
        in_turn = [_in_turn(*pair) for pair in zip(cut(even, 0, half), odd, axes, strict=True)]
        return joined(in_turn, cut(even, half, 1)) if size % 2 else in_turn

    def turned(xs: list[Tensor]) -> list[Tensor]:
        return [flip(x, a) for x, a in zip(xs, axes, strict=True)] if reverse else xs

    return nest.pack(elems, turned(scanned(turned(parts), sizes[0])))


def _in_turn(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """The entries of an axis of two Tensors in turn."""
    dims = list(dims_of(even))
    dims[axis] = dims[axis] * 2
    return reshape(stack([even, odd], axis + 1), dims)


def _summable(x: Tensor, dtype: Any) -> tuple[Tensor, str]:
    """x in the type in which it is added up, and the type of the result."""
    name = standardize_dtype(dtype) if dtype is not None else x.dtype
    name = "int32" if name == "bool" and dtype is None else name
    x = as_type(x, name)
    return as_type(x, "int32") if name in ("bool", "uint8") else x, name


@operation
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The sums of each element and those before it along an axis, of the flat x without one.

    >>> cumsum([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [3, 7]]
    """
    x, place = along(x, axis)
    summed, name = _summable(x, dtype)
    return as_type(apply("cumsum", [summed], {"axis": place}), name)


@operation
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The products of each element and those before it along an axis, of the flat x without one.

    >>> cumprod([1, 2, 3, 4]).tolist()
    [1, 2, 6, 24]
    """
    x, place = along(x, axis)
    factors, name = _summable(x, dtype)
    return as_type(associative_scan(multiply, factors, axis=place), name)
