"""Elementwise functions that are short formulas of others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.dtypes import is_float, standardize_dtype
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, cast, promoted
from nnseq.ops.elementwise import (
    abs,
    equal,
    erf,
    exp,
    expm1,
    floor,
    isfinite,
    log,
    log1p,
    logical_and,
    logical_or,
    maximum,
    minimum,
    sign,
    sin,
    sqrt,
    square,
    where,
)
from nnseq.ops.reduction import all as all_of

__all__ = [
    "allclose", "arccosh", "arcsinh", "arctanh", "cosh", "deg2rad", "erfc", "exp2", "fabs", "fmax",
    "fmin", "fmod", "heaviside", "hypot", "isclose", "isneginf", "isposinf", "ldexp", "logaddexp",
    "logaddexp2", "rad2deg", "saturate_cast", "sinc", "sinh", "trunc",
]  # fmt: skip


def _floats(x1: Any, x2: Any) -> list[Tensor]:
    return promoted(x1, x2, at_least_float=True)


@operation
def sinh(x: Any) -> Tensor:
    """The hyperbolic sine, exact near 0."""
    x = as_float(x)
    return (expm1(x) - expm1(-x)) * 0.5


@operation
def cosh(x: Any) -> Tensor:
    """The hyperbolic cosine."""
    x = as_float(x)
    return (exp(x) + exp(-x)) * 0.5


@operation
def arcsinh(x: Any) -> Tensor:
    """The inverse of sinh, exact near 0."""
    x = as_float(x)
    size = abs(x)
    far = size > 1e4  # there sqrt(x^2 + 1) is |x|, and its square may overflow
    near = where(far, 1.0, size)
    near = log1p(near + square(near) / (1.0 + sqrt(square(near) + 1.0)))
    return sign(x) * where(far, log(where(far, size, 1.0)) + math.log(2.0), near)


@operation
def arccosh(x: Any) -> Tensor:
    """The inverse of cosh for x >= 1, NaN below."""
    x = as_float(x)
    return log(x + sqrt(x - 1.0) * sqrt(x + 1.0))


@operation
def arctanh(x: Any) -> Tensor:
    """The inverse of tanh for -1 <= x <= 1, exact near 0."""
    x = as_float(x)
    return 0.5 * (log1p(x) - log1p(-x))


@operation
def exp2(x: Any) -> Tensor:
    """2 to the power of x."""
    return exp(as_float(x) * math.log(2.0))


@operation
def erfc(x: Any) -> Tensor:
    """1 - erf(x)."""
    return 1.0 - erf(as_float(x))


@operation
def sinc(x: Any) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0."""
    x = as_float(x) * math.pi
    at_0 = equal(x, 0.0)
    safe = where(at_0, 1.0, x)
    return where(at_0, 1.0, sin(safe) / safe)


@operation
def deg2rad(x: Any) -> Tensor:
    """Degrees as radians."""
    return as_float(x) * (math.pi / 180.0)


@operation
def rad2deg(x: Any) -> Tensor:
    """Radians as degrees."""
    return as_float(x) * (180.0 / math.pi)


@operation
def hypot(x1: Any, x2: Any) -> Tensor:
    """sqrt(x1^2 + x2^2) without overflow.

    >>> hypot(3.0, 4.0).item()
    5.0
    """
    a, b = (abs(x) for x in _floats(x1, x2))
    large, small = maximum(a, b), minimum(a, b)
    ratio = small / where(equal(large, 0.0), 1.0, large)
    return large * sqrt(1.0 + square(ratio))


@operation
def logaddexp(x1: Any, x2: Any) -> Tensor:
    """log(exp(x1) + exp(x2)) without overflow."""
    a, b = _floats(x1, x2)
    top = maximum(a, b)
    difference = where(equal(a, b), 0.0, abs(a - b))
    return top + log1p(exp(-difference))


@operation
def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """log2(2^x1 + 2^x2) without overflow."""
    a, b = _floats(x1, x2)
    return logaddexp(a * math.log(2.0), b * math.log(2.0)) / math.log(2.0)


@operation
def heaviside(x1: Any, x2: Any) -> Tensor:
    """0 below 0, 1 above, x2 at 0."""
    a, b = _floats(x1, x2)
    return where(equal(a, 0.0), b, cast(a > 0.0, a.dtype))


@operation
def trunc(x: Any) -> Tensor:
    """x cut off towards 0, as a float."""
    x = as_float(x)
    return sign(x) * floor(abs(x))


@operation
def fabs(x: Any) -> Tensor:
    """The absolute value as a float."""
    return abs(as_float(x))


@operation
def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger of two; a number where only one is NaN."""
    a, b = promoted(x1, x2)
    return where(a != a, b, where(b != b, a, maximum(a, b)))


@operation
def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller of two; a number where only one is NaN."""
    a, b = promoted(x1, x2)
    return where(a != a, b, where(b != b, a, minimum(a, b)))


@operation
def fmod(x1: Any, x2: Any) -> Tensor:
    """What is left of x1 / x2, with the sign of x1."""
    a, b = promoted(x1, x2)
    return sign(a) * (abs(a) % abs(b))


@operation
def ldexp(x1: Any, x2: Any) -> Tensor:
    """x1 * 2^x2."""
    return as_float(x1) * exp2(x2)


@operation
def isneginf(x: Any) -> Tensor:
    """Whether x is minus infinity, bool."""
    return equal(as_float(x), -math.inf)


@operation
def isposinf(x: Any) -> Tensor:
    """Whether x is plus infinity, bool."""
    return equal(as_float(x), math.inf)


@operation
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether |x1 - x2| <= atol + rtol |x2|, bool; infinities are close to themselves.

    >>> isclose([1.0, 1.1], [1.0, 1.2]).tolist()
    [True, False]
    """
    a, b = _floats(x1, x2)
    near = logical_and(abs(a - b) <= atol + rtol * abs(b), isfinite(b))
    near = logical_or(near, equal(a, b))
    return logical_or(near, logical_and(a != a, b != b)) if equal_nan else near


@operation
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close (see isclose), bool."""
    return all_of(isclose(x1, x2, rtol, atol, equal_nan))


@operation
def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """The values as another type, those out of its range as its nearest end.

    >>> saturate_cast([-3.0, 300.0], "uint8").tolist()
    [0, 255]
    """
    name = standardize_dtype(dtype)
    x = to_tensor(x)
    if name == "bool" or is_float(name):
        return as_type(x, name)
    info, low, high = np.iinfo(name), -math.inf, math.inf
    if is_float(x.dtype):
        # The largest float that the type still holds.
        low, high = float(info.min), float(np.nextafter(np.float32(info.max), np.float32(0)))
        high = float(info.max) if np.float32(info.max) == info.max else high
    else:
        own = np.iinfo(x.dtype) if x.dtype != "bool" else np.iinfo("uint8")
        low, high = max(own.min, info.min), min(own.max, info.max)
    return as_type(minimum(maximum(x, low), high), name)
