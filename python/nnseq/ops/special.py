"""Special functions and functions of whole numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, promoted
from nnseq.ops.elementwise import (
    abs,
    equal,
    exp,
    floor_divide,
    isinf,
    log,
    log1p,
    logical_or,
    maximum,
    minimum,
    power,
    sign,
    sqrt,
    square,
    where,
)
from nnseq.ops.trigonometry import polynomial

__all__ = ["cbrt", "erfinv", "gcd", "i0", "lcm", "select"]

# Giles, Approximating the erfinv function (2010), single precision: powers of w - 2.5 for w < 5
# and of sqrt(w) - 3 beyond, where w = -log(1 - x^2).
_ERFINV_NEAR = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_ERFINV_FAR = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
    -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip
# Abramowitz and Stegun 9.8.1, powers of (x / 3.75)^2, and 9.8.2, powers of 3.75 / x.
_I0_NEAR = (0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0)
_I0_FAR = (
    0.00392377, -0.01647633, 0.02635537, -0.02057706, 0.00916281, -0.00157565, 0.00225319,
    0.01328592, 0.39894228,
)  # fmt: skip


@operation
def cbrt(x: Any) -> Tensor:
    """The cube root, also of negative numbers.

    >>> cbrt([-8.0, 0.0]).tolist()
    [-2.0, 0.0]
    """
    x = as_float(x)
    is_own = logical_or(equal(x, 0.0), isinf(x))
    size = where(is_own, 1.0, abs(x))
    root = power(size, 1.0 / 3.0)
    # One step of Newton's method for the third of a third that float32 lacks.
    return where(is_own, x, sign(x) * (root - (root - size / square(root)) / 3.0))


@operation
def erfinv(x: Any) -> Tensor:
    """The inverse of erf for -1 < x < 1, infinite at both ends and NaN beyond."""
    x = as_float(x)
    at_end = equal(abs(x), 1.0)
    inside = where(at_end, 0.0, x)
    w = -log1p(-square(inside))
    is_near = ~(w >= 5.0)
    near = polynomial(w - 2.5, _ERFINV_NEAR)
    far = polynomial(sqrt(where(is_near, 9.0, w)) - 3.0, _ERFINV_FAR)
    return where(at_end, where(x > 0.0, math.inf, -math.inf), where(is_near, near, far) * inside)


@operation
def i0(x: Any) -> Tensor:
    """The modified Bessel function of the first kind of order 0."""
    size = abs(as_float(x))
    near = minimum(size, 3.75) / 3.75
    far = maximum(size, 3.75)
    grown = exp(far - 0.5 * log(far)) * polynomial(3.75 / far, _I0_FAR)
    return where(size <= 3.75, polynomial(square(near), _I0_NEAR), grown)


def _integers(name: str, x1: Any, x2: Any) -> list[Tensor]:
    pair = promoted(x1, x2)
    if is_float(pair[0].dtype):
        raise TypeError(f"{name}: the operands must be integers; got {pair[0].dtype}")
    return [abs(x) if x.dtype != "uint8" else x for x in pair]


def _euclid(a: Tensor, b: Tensor) -> Tensor:
    # No pair of integers below 2^31 needs more than 45 divisions (of 2^63: 91), as Fibonacci's do.
    for _ in range({"int64": 91, "int32": 45}.get(a.dtype, 12)):
        done = equal(b, 0)
        a, b = where(done, a, b), where(done, 0, a % where(done, 1, b))
    return a


@operation
def gcd(x1: Any, x2: Any) -> Tensor:
    """The greatest common divisor of integers, by Euclid's rule.

    >>> gcd([12, 7], [18, 0]).tolist()
    [6, 7]
    """
    return _euclid(*_integers("gcd", x1, x2))


@operation
def lcm(x1: Any, x2: Any) -> Tensor:
    """The least common multiple of integers, 0 if one is 0.

    >>> lcm([4, 0], [6, 5]).tolist()
    [12, 0]
    """
    a, b = _integers("lcm", x1, x2)
    divisor = _euclid(a, b)
    return a * floor_divide(b, where(equal(divisor, 0), 1, divisor))


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """Of each place the choice of the first condition that holds there, `default` without one.

    >>> select([[True, False], [True, True]], [[1, 2], [3, 4]]).tolist()
    [1, 4]

    Raises:
        ValueError: if the lists are empty or not equally long.
    """
    if not all(isinstance(given, (list, tuple)) for given in (condlist, choicelist)):
        raise ValueError(
            "condlist and choicelist must be lists. Received: "
            f"type(condlist) = {type(condlist)}, type(choicelist) = {type(choicelist)}"
        )
    if not condlist or len(condlist) != len(choicelist):
        raise ValueError(
            "condlist and choicelist must not be empty and must be equally long. Received: "
            f"{len(condlist)} conditions and {len(choicelist)} choices"
        )
    chosen = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        chosen = where(condition, choice, chosen)
    return to_tensor(chosen)
