"""Inverses of the trigonometric functions, all by one polynomial of the arctangent."""

from __future__ import annotations

import math
from typing import Any

from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, promoted
from nnseq.ops.elementwise import abs, equal, isinf, logical_and, logical_or, sign, sqrt, where

__all__ = ["arccos", "arcsin", "arctan", "arctan2", "signbit"]

# atan(z) - z over z^3 by powers of z^2 for |z| <= tan(pi / 8) (Moshier, Cephes, atanf).
_POWERS = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)


def polynomial(z: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Horner's rule, the highest power first."""
    total: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        total = total * z + coefficient
    return total


@operation
def arctan(x: Any) -> Tensor:
    """The inverse of tan, between -pi/2 and pi/2."""
    x = as_float(x)
    size, side = abs(x), sign(x)
    steep = size > math.tan(3 * math.pi / 8)
    middle = logical_and(size > math.tan(math.pi / 8), size <= math.tan(3 * math.pi / 8))
    # atan(x) = pi/2 - atan(1 / x) = pi/4 + atan((x - 1) / (x + 1)) for x > 0
    between = where(middle, x, 0.0)
    rest = where(middle, (between - side) / (1.0 + between * side), x)
    rest = where(steep, -1.0 / where(steep, x, 1.0), rest)
    offset = side * where(steep, math.pi / 2, where(middle, math.pi / 4, 0.0))
    square = rest * rest
    return offset + (rest + rest * square * polynomial(square, _POWERS))


@operation
def signbit(x: Any) -> Tensor:
    """Whether x is below 0 or -0.0, bool."""
    x = as_float(x)
    at_0 = equal(x, 0.0)
    return logical_or(x < 0.0, logical_and(at_0, 1.0 / where(at_0, x, 1.0) < 0.0))


@operation
def arctan2(x1: Any, x2: Any) -> Tensor:
    """The angle of the point (x2, x1) seen from the origin, between -pi and pi.

    >>> arctan2([0.0, 1.0], [1.0, 0.0]).tolist()
    [0.0, 1.5707963705062866]
    """
    y, x = promoted(x1, x2, at_least_float=True)
    steep = abs(y) > abs(x)
    above, below = where(steep, x, y), where(steep, y, x)
    far = logical_and(isinf(above), isinf(below))
    ratio = above / where(logical_or(equal(below, 0.0), far), 1.0, below)
    angle = arctan(where(far, sign(above) * sign(below), ratio))
    half = where(signbit(y), -math.pi / 2, math.pi / 2)
    return where(steep, half - angle, where(signbit(x), 2.0 * half + angle, angle))


@operation
def arcsin(x: Any) -> Tensor:
    """The inverse of sin for -1 <= x <= 1, NaN elsewhere."""
    x = as_float(x)
    return arctan2(x, sqrt((1.0 - x) * (1.0 + x)))


@operation
def arccos(x: Any) -> Tensor:
    """The inverse of cos for -1 <= x <= 1, exact near both ends; NaN elsewhere."""
    x = as_float(x)
    return 2.0 * arctan2(sqrt(1.0 - x), sqrt(1.0 + x))
