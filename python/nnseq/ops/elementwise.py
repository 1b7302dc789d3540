"""Elementwise functions, comparisons and logic. Operands broadcast and are promoted as in Keras:
Python numbers take the type of the other operand, an integer with a float gives a float.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, scalar, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.operators import operators
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, promoted

__all__ = [
    "abs", "absolute", "add", "ceil", "clip", "cos", "divide", "divide_no_nan", "equal", "erf",
    "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "isfinite", "isinf",
    "isnan", "less", "less_equal", "log", "log1p", "log2", "log10", "logical_and", "logical_not",
    "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "nan_to_num", "negative",
    "not_equal", "power", "reciprocal", "round", "rsqrt", "sign", "sin", "sqrt", "square",
    "squared_difference", "subtract", "tan", "tanh", "true_divide", "where",
]  # fmt: skip


def unary(fn: str, x: Any, alpha: float = 0.0) -> Tensor:
    """One elementwise function of functions.def."""
    return apply("unary", [x], {"fn": fn, "alpha": alpha} if alpha else {"fn": fn})


def binary(fn: str, x1: Any, x2: Any, at_least_float: bool = False) -> Tensor:
    """One elementwise function of two promoted operands."""
    if type(x1) is Tensor and x1.dtype == "float32":  # the common cases, for speed
        if type(x2) is float:
            return apply("binary", [x1, scalar(x2, "float32")], {"fn": fn})
        if type(x2) is Tensor and x2.dtype == "float32":
            return apply("binary", [x1, x2], {"fn": fn})
    return apply("binary", promoted(x1, x2, at_least_float=at_least_float), {"fn": fn})


@operation
def add(x1: Any, x2: Any) -> Tensor:
    """x1 + x2.

    >>> add([1, 2], 0.5).tolist()
    [1.5, 2.5]
    """
    return binary("add", x1, x2)


@operation
def subtract(x1: Any, x2: Any) -> Tensor:
    """x1 - x2."""
    return binary("subtract", x1, x2)


@operation
def multiply(x1: Any, x2: Any) -> Tensor:
    """x1 * x2."""
    return binary("multiply", x1, x2)


@operation
def divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2, a float also for integers.

    >>> divide(1, 2).item()
    0.5
    """
    return binary("divide", x1, x2, at_least_float=True)


true_divide = divide


@operation
def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """x1 / x2, and 0 where x2 is 0."""
    a, b = promoted(x1, x2, at_least_float=True)
    is_zero = binary("equal", b, 0)
    safe = apply("select", [is_zero, as_type(1, b.dtype), b])
    return apply("select", [is_zero, as_type(0, b.dtype), binary("divide", a, safe)])


@operation
def floor_divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2 rounded towards minus infinity."""
    return binary("floor_divide", x1, x2)


@operation
def mod(x1: Any, x2: Any) -> Tensor:
    """x1 - floor(x1 / x2) * x2: the sign is that of x2."""
    return binary("mod", x1, x2)


@operation
def power(x1: Any, x2: Any) -> Tensor:
    """x1 to the power of x2.

    >>> power([1.0, 2.0, 3.0], 2).tolist()
    [1.0, 4.0, 9.0]
    """
    if isinstance(x2, (int, float)) and x2 == 2:
        x = to_tensor(x1)
        if x.dtype in ("float32", "float64"):
            return unary("square", x)
    return binary("power", x1, x2)


@operation
def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of x1 and x2."""
    return binary("maximum", x1, x2)


@operation
def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of x1 and x2."""
    return binary("minimum", x1, x2)


@operation
def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x limited to [x_min, x_max].

    >>> clip([-1.0, 0.5, 2.0], 0, 1).tolist()
    [0.0, 0.5, 1.0]
    """
    return binary("minimum", binary("maximum", x, x_min), x_max)


@operation
def equal(x1: Any, x2: Any) -> Tensor:
    """x1 == x2, bool."""
    return binary("equal", x1, x2)


@operation
def not_equal(x1: Any, x2: Any) -> Tensor:
    """x1 != x2, bool."""
    return binary("not_equal", x1, x2)


@operation
def less(x1: Any, x2: Any) -> Tensor:
    """x1 < x2, bool."""
    return binary("less", x1, x2)


@operation
def less_equal(x1: Any, x2: Any) -> Tensor:
    """x1 <= x2, bool."""
    return binary("less_equal", x1, x2)


@operation
def greater(x1: Any, x2: Any) -> Tensor:
    """x1 > x2, bool."""
    return binary("greater", x1, x2)


@operation
def greater_equal(x1: Any, x2: Any) -> Tensor:
    """x1 >= x2, bool."""
    return binary("greater_equal", x1, x2)


@operation
def logical_and(x1: Any, x2: Any) -> Tensor:
    """True where both are not 0."""
    return apply("binary", [as_type(x1, "bool"), as_type(x2, "bool")], {"fn": "logical_and"})


@operation
def logical_or(x1: Any, x2: Any) -> Tensor:
    """True where one is not 0."""
    return apply("binary", [as_type(x1, "bool"), as_type(x2, "bool")], {"fn": "logical_or"})


@operation
def logical_not(x: Any) -> Tensor:
    """True where x is 0."""
    return unary("logical_not", as_type(x, "bool"))


@operation
def logical_xor(x1: Any, x2: Any) -> Tensor:
    """True where exactly one is not 0."""
    return apply("binary", [as_type(x1, "bool"), as_type(x2, "bool")], {"fn": "not_equal"})


@operation
def where(condition: Any, x1: Any, x2: Any) -> Tensor:
    """x1 where the condition holds, else x2.

    >>> where([True, False], 1.0, 0.0).tolist()
    [1.0, 0.0]
    """
    a, b = promoted(x1, x2)
    return apply("select", [as_type(condition, "bool"), a, b])


@operation
def negative(x: Any) -> Tensor:
    """-x."""
    return unary("negative", to_tensor(x))


@operation
def absolute(x: Any) -> Tensor:
    """The absolute value."""
    return unary("abs", to_tensor(x))


abs = absolute


@operation
def sign(x: Any) -> Tensor:
    """-1, 0 or 1."""
    return unary("sign", to_tensor(x))


@operation
def square(x: Any) -> Tensor:
    """x * x."""
    x = to_tensor(x)
    return unary("square", as_type(x, "int32") if x.dtype == "bool" else x)


def _float_function(name: str, doc: str, fn: str | None = None) -> Any:
    def function(x: Any) -> Tensor:
        return unary(fn or name, as_float(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} Integers become float32."
    return operation(function)


floor = _float_function("floor", "The largest integer not above x, as a float.")
ceil = _float_function("ceil", "The smallest integer not below x, as a float.")
sqrt = _float_function("sqrt", "The square root.")
rsqrt = _float_function("rsqrt", "1 / sqrt(x).")
reciprocal = _float_function("reciprocal", "1 / x.")
exp = _float_function("exp", "e to the power of x.")
expm1 = _float_function("expm1", "exp(x) - 1, exact near 0.")
log = _float_function("log", "The natural logarithm.")
log1p = _float_function("log1p", "log(1 + x), exact near 0.")
sin = _float_function("sin", "The sine of x in radians.")
cos = _float_function("cos", "The cosine of x in radians.")
erf = _float_function("erf", "The error function.")
tanh = _float_function("tanh", "The hyperbolic tangent.")
isnan = _float_function("isnan", "Whether x is not a number, bool.", "is_nan")
isfinite = _float_function("isfinite", "Whether x is neither infinite nor NaN, bool.", "is_finite")


@operation
def round(x: Any, decimals: int = 0) -> Tensor:
    """The nearest integer as a float, halves to even; or the nearest multiple of 10**-decimals."""
    x = to_tensor(x)
    if x.dtype not in ("float32", "float64"):
        return x
    if decimals == 0:
        return unary("round", x)
    scale = 10.0**decimals
    return binary("divide", unary("round", binary("multiply", x, scale)), scale)


@operation
def isinf(x: Any) -> Tensor:
    """Whether x is infinite, bool."""
    return binary("equal", unary("abs", as_float(x)), float("inf"))


@operation
def log2(x: Any) -> Tensor:
    """The logarithm to base 2."""
    return binary("multiply", unary("log", as_float(x)), 1.0 / float(np.log(2.0)))


@operation
def log10(x: Any) -> Tensor:
    """The logarithm to base 10."""
    return binary("multiply", unary("log", as_float(x)), 1.0 / float(np.log(10.0)))


@operation
def tan(x: Any) -> Tensor:
    """The tangent of x in radians."""
    x = as_float(x)
    return binary("divide", unary("sin", x), unary("cos", x))


@operation
def squared_difference(x1: Any, x2: Any) -> Tensor:
    """(x1 - x2)**2."""
    return square(binary("subtract", x1, x2))


@operation
def nan_to_num(x: Any, nan: float = 0.0) -> Tensor:
    """x with `nan` in place of NaN and the largest floats in place of infinities."""
    x = as_float(x)
    largest = float(np.finfo(x.dtype).max)
    finite = clip(x, -largest, largest)
    return apply("select", [unary("is_nan", x), as_type(float(nan), x.dtype), finite])


operators.update(
    add=add,
    subtract=subtract,
    multiply=multiply,
    divide=divide,
    floor_divide=floor_divide,
    mod=mod,
    power=power,
    negative=negative,
    absolute=absolute,
    equal=equal,
    not_equal=not_equal,
    less=less,
    less_equal=less_equal,
    greater=greater,
    greater_equal=greater_equal,
    logical_and=logical_and,
    logical_or=logical_or,
    logical_not=logical_not,
)
