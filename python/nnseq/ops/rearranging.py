"""Joining, cutting and turning of Tensors, and products made of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnseq.engine import control
from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor, is_tensor
from nnseq.ops.core import as_type, axis_of, convert_to_tensor, promoted
from nnseq.ops.elementwise import logical_xor
from nnseq.ops.layout import (
    broadcast_to,
    concatenate,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    reshape,
    split,
    stack,
    swapaxes,
    take_slice,
)
from nnseq.ops.linear import tensordot
from nnseq.ops.reduction import sum as sum_of

__all__ = [
    "append", "array", "array_split", "copy", "cross", "diff", "dsplit", "dstack", "fliplr",
    "flipud", "fori_loop", "hsplit", "inner", "kron", "map", "meshgrid", "rot90", "switch",
    "trapezoid", "vander", "vdot", "vectorized_map", "vsplit",
]  # fmt: skip


def array(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of anything that holds numbers, as convert_to_tensor."""
    return convert_to_tensor(x, dtype)


@operation
def copy(x: Any) -> Tensor:
    """A Tensor with the same values."""
    return apply("reshape", [to_tensor(x)], {"sizes": list(dims_of(to_tensor(x)))})


@operation
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """x2 behind x1 along an axis; both flat without one."""
    a, b = promoted(x1, x2)
    return concatenate([ravel(a), ravel(b)], 0) if axis is None else concatenate([a, b], axis)


@operation
def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """The differences of neighbours, n times.

    >>> diff([1, 4, 9]).tolist()
    [3, 5]
    """
    x = to_tensor(a)
    place = axis_of(axis, len(x.shape))
    for _ in range(n):
        rest = dims_of(x)[place] - 1
        after, before = take_slice(x, place, 1, rest), take_slice(x, place, 0, rest)
        x = logical_xor(after, before) if x.dtype == "bool" else after - before
    return x


@operation
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Parts along an axis, of sizes that differ by at most one."""
    x = to_tensor(x)
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    size = int(dims_of(x)[axis_of(axis, len(x.shape))])
    each, more = divmod(size, indices_or_sections)
    ends = np.cumsum([each + (i < more) for i in range(indices_or_sections)])
    return split(x, [int(end) for end in ends[:-1]], axis)


@operation
def hsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """Parts along the second axis (the first of a vector)."""
    return split(x, indices_or_sections, 0 if len(to_tensor(x).shape) == 1 else 1)


@operation
def vsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """Parts along the first axis."""
    return split(x, indices_or_sections, 0)


@operation
def dsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """Parts along the third axis."""
    return split(x, indices_or_sections, 2)


@operation
def dstack(xs: Sequence[Any]) -> Tensor:
    """Joined along the third axis; vectors and matrices get the missing axes."""

    def deep(x: Any) -> Tensor:
        x = to_tensor(x)
        sizes = {0: [1, 1, 1], 1: [1, -1, 1]}.get(len(x.shape))
        if sizes:
            return reshape(x, sizes)
        return expand_dims(x, -1) if len(x.shape) == 2 else x

    return concatenate([deep(x) for x in xs], 2)


@operation
def flipud(x: Any) -> Tensor:
    """The first axis from its end."""
    return flip(x, 0)


@operation
def fliplr(x: Any) -> Tensor:
    """The second axis from its end."""
    return flip(x, 1)


@operation
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees, from the first of two axes to the second.

    >>> rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    x = to_tensor(array)
    rank = len(x.shape)
    first, second = (axis_of(axis, rank) for axis in axes)
    if first == second:
        raise ValueError(f"rot90: `axes` must be two different axes. Received: axes={axes}")
    turns = k % 4
    if turns == 2:
        return flip(x, [first, second])
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if turns == 3 else x


def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid over vectors, one Tensor for each.

    indexing: "xy" swaps the first two axes, "ij" does not.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"`indexing` must be 'xy' or 'ij'. Received: indexing={indexing!r}")
    vectors = [ravel(v) for v in x]
    sizes = [dims_of(v)[0] for v in vectors]
    grids = []
    for k, vector in enumerate(vectors):
        shape = [1] * len(vectors)
        shape[k] = -1
        grid = broadcast_to(reshape(vector, shape), sizes)
        grids.append(swapaxes(grid, 0, 1) if indexing == "xy" and len(vectors) > 1 else grid)
    return grids


@operation
def kron(x1: Any, x2: Any) -> Tensor:
    """Kronecker's product: each element of x1 times all of x2, in blocks."""
    a, b = promoted(x1, x2)
    rank = max(len(a.shape), len(b.shape))
    of_a = [1] * (rank - len(a.shape)) + list(dims_of(a))
    of_b = [1] * (rank - len(b.shape)) + list(dims_of(b))
    blocks = reshape(a, [n for size in of_a for n in (size, 1)]) * reshape(
        b, [n for size in of_b for n in (1, size)]
    )
    return reshape(blocks, [m * n for m, n in zip(of_a, of_b, strict=True)])


@operation
def inner(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last axes of both."""
    a, b = promoted(x1, x2)
    if not a.shape or not b.shape:
        return a * b
    return tensordot(a, b, [[-1], [-1]])


@operation
def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of all elements of both, taken flat."""
    a, b = promoted(x1, x2)
    return sum_of(ravel(a) * ravel(b))


@operation
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The vector product of vectors of 2 or 3 components.

    >>> cross([1, 0, 0], [0, 1, 0]).tolist()
    [0, 0, 1]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = promoted(x1, x2)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ValueError(
            "`x1`'s dim on `axis={axisa}` and `x2`'s must be 2 or 3. "
            f"Received: x1.shape={a.shape}, x2.shape={b.shape}"
        )
    last = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    if a.shape[-1] == b.shape[-1] == 2:
        return last

    def third(x: Tensor) -> Any:
        return x[..., 2] if x.shape[-1] == 3 else as_type(0, x.dtype)

    parts = [
        a[..., 1] * third(b) - third(a) * b[..., 1],
        third(a) * b[..., 0] - a[..., 0] * third(b),
    ]
    return moveaxis(stack([*parts, last], axis=-1), -1, axisc)


@operation
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The integral of y over x (or steps of dx) by the trapezoidal rule."""
    y = promoted(y, 0.0)[0]
    place = axis_of(axis, len(y.shape))
    rest = dims_of(y)[place] - 1
    steps: Any = dx
    if x is not None:
        steps = diff(x)
        if len(steps.shape) == 1:
            shape: list[Any] = [1] * len(y.shape)
            shape[place] = -1
            steps = reshape(steps, shape)
    middle = (take_slice(y, place, 0, rest) + take_slice(y, place, 1, rest)) / 2.0
    return sum_of(middle * steps, axis=place)


@operation
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector as columns, the highest first unless `increasing`."""
    x = to_tensor(x)
    count = int(dims_of(x)[0]) if N is None else N
    powers = np.arange(count) if increasing else np.arange(count)[::-1]
    return expand_dims(x, -1) ** as_type(to_tensor(powers.astype("int32")), x.dtype)


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """f of each row of `xs` (a structure of Tensors), stacked.

    >>> map(lambda row: row * 2, np.array([[1, 2], [3, 4]])).tolist()
    [[2, 4], [6, 8]]
    """
    return control.scan(lambda carry, x: (carry, f(x)), (), xs, False)[1]


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """function of each row of `elements`, stacked, as `map`."""
    return map(function, elements)


def fori_loop(lower: int, upper: int, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """body_fun(i, value) for i from `lower` to `upper` - 1; returns the last value.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    6
    """
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """branches[index](*operands), the index cut to those there are; eager only.

    Raises:
        NotImplementedError: in a trace with an index that is a Tensor.
    """
    if is_tensor(index):
        control.refuse_control_flow("switch")
    place = min(max(int(index), 0), len(branches) - 1)
    return branches[place](*operands)
