"""New Tensors of a given shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of, scalar, to_tensor
from nnseq.engine.dtypes import is_float, standardize_dtype
from nnseq.engine.host import HostInt
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor, is_tensor
from nnseq.ops.core import as_type, cast, kind_of, sizes_of

__all__ = [
    "arange", "empty", "empty_like", "eye", "full", "full_like", "identity", "linspace", "ones",
    "ones_like", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A Tensor of this shape with the same number everywhere; float32 by default.

    >>> full((2,), 7, "int32").tolist()
    [7, 7]
    """
    name = standardize_dtype(dtype)
    value = cast(fill_value, name) if is_tensor(fill_value) else scalar_of(fill_value, name)
    return apply("broadcast", [value], {"sizes": sizes_of(shape)})


def scalar_of(value: Any, dtype: str) -> Tensor:
    """A number, or anything of rank 0, as a Tensor of a core type."""
    return (
        scalar(value, dtype) if isinstance(value, (bool, int, float)) else to_tensor(value, dtype)
    )


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """A Tensor of zeros, float32 by default."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """A Tensor of ones, float32 by default."""
    return full(shape, 1, dtype)


def empty(shape: Any, dtype: Any = None) -> Tensor:
    """A Tensor whose values do not matter: zeros."""
    return full(shape, 0, dtype)


def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of the shape, and by default the dtype, of x, whose values do not matter: zeros."""
    return zeros_like(x, dtype)


@operation
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A Tensor of the shape, and by default the dtype, of x with one number everywhere."""
    x = to_tensor(x)
    return full(dims_of(x), fill_value, dtype or x.dtype)


@operation
def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of zeros of the shape, and by default the dtype, of x."""
    x = to_tensor(x)
    return full(dims_of(x), 0, dtype or x.dtype)


@operation
def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of ones of the shape, and by default the dtype, of x."""
    x = to_tensor(x)
    return full(dims_of(x), 1, dtype or x.dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """start, start + step, ... up to but not including stop; `arange(n)` is 0 ... n - 1.

    In a trace stop may be a host integer.

    >>> arange(3).tolist(), arange(1.0, 2.0, 0.5).tolist()
    ([0, 1, 2], [1.0, 1.5])
    """
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        floats = any(
            is_float(d) if isinstance(d, str) else d is float
            for d in map(kind_of, (start, stop, step))
        )
        dtype = "float32" if floats else "int32"
    name = standardize_dtype(dtype)
    if any(isinstance(x, HostInt) for x in (start, stop, step)):
        count = (stop - start + step - 1) // step
        ramp = apply("iota", [], {"sizes": [count], "start": 0, "step": 1, "dtype": "int64"})
        return as_type(ramp * step + start, name)
    first, last, by = (x.item() if hasattr(x, "item") else x for x in (start, stop, step))
    count = max(0, int(np.ceil((last - first) / by)))
    attrs = {"sizes": [count], "start": float(first), "step": float(by), "dtype": name}
    return apply("iota", [], attrs)


def linspace(
    start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: Any = None
) -> Tensor:
    """`num` evenly spaced numbers from start to stop."""
    array = np.linspace(start, stop, num, endpoint=endpoint)
    return to_tensor(array.astype(standardize_dtype(dtype)))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the k-th diagonal of an N x M matrix (N x N by default), zeros elsewhere.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return to_tensor(np.eye(N, M, k).astype(standardize_dtype(dtype)))


def identity(n: int, dtype: Any = None) -> Tensor:
    """The n x n identity matrix."""
    return eye(n, dtype=dtype)


@operation
def tril(x: Any, k: int = 0) -> Tensor:
    """Zeros above the k-th diagonal of the last two axes."""
    return _triangle(x, k, lower=True)


@operation
def triu(x: Any, k: int = 0) -> Tensor:
    """Zeros below the k-th diagonal of the last two axes."""
    return _triangle(x, k, lower=False)


def _triangle(x: Any, k: int, lower: bool) -> Tensor:
    x = to_tensor(x)
    rows, columns = dims_of(x)[-2:]
    offset = arange(columns) - arange(rows).reshape(-1, 1)
    keep = offset <= k if lower else offset >= k
    return apply("select", [keep, x, scalar(0, x.dtype)])
