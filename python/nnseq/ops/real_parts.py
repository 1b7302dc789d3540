"""Parts of complex numbers, for Tensors that hold none: every number is its own real part."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float
from nnseq.ops.creation import ones_like, zeros_like
from nnseq.ops.trigonometry import arctan2

__all__ = ["angle", "conj", "conjugate", "imag", "isreal", "real"]


@operation
def angle(x: Any) -> Tensor:
    """0 where x is positive, pi where it is negative."""
    x = as_float(x)
    return arctan2(zeros_like(x), x)


@operation
def conjugate(x: Any) -> Tensor:
    """x itself."""
    return to_tensor(x)


@operation
def real(x: Any) -> Tensor:
    """x itself."""
    return to_tensor(x)


conj = conjugate


@operation
def imag(x: Any) -> Tensor:
    """Zeros of x's shape and dtype."""
    return zeros_like(x)


@operation
def isreal(x: Any) -> Tensor:
    """True everywhere."""
    return ones_like(x, "bool")
