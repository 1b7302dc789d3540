"""Activation functions in pieces: gates, shrinkage, and those that give exact zeros."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import apply
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.activation import elu
from nnseq.ops.core import as_float, as_type, axis_of
from nnseq.ops.elementwise import binary, clip, unary
from nnseq.ops.layout import expand_dims, moveaxis, split
from nnseq.ops.reduction import reduce


def _choose(condition: Tensor, a: Any, b: Any, like: Tensor) -> Tensor:
    """a where the condition holds, else b; numbers take the dtype of `like`."""
    return apply("select", [condition, as_type(a, like.dtype), as_type(b, like.dtype)])


@operation
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where positive, else alpha * (exp(x / alpha) - 1) (Barron, 2017).

    Raises:
        ValueError: if alpha is not above 0.
    """
    if not alpha > 0:
        raise ValueError(f"celu: `alpha` must be > 0; got {alpha}")
    x = as_float(x)
    return elu(x) if alpha == 1 else binary("multiply", elu(binary("divide", x, alpha)), alpha)


@operation
def glu(x: Any, axis: int = -1) -> Tensor:
    """a * sigmoid(b), where a and b are the halves of x along an axis (Dauphin et al., 2017).

    >>> glu([3.0, 0.0]).tolist()
    [1.5]

    Raises:
        ValueError: if the size of the axis is odd.
    """
    a, b = split(as_float(x), 2, axis)
    return binary("multiply", a, unary("sigmoid", b))


@operation
def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2, a smooth relu (Barron, 2021)."""
    x = as_float(x)
    root = unary("sqrt", binary("add", unary("square", x), float(b)))
    return binary("multiply", binary("add", x, root), 0.5)


@operation
def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = as_float(x)
    return binary("subtract", x, unary("tanh", x))


@operation
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0.

    >>> hard_shrink([-1.0, 0.5, 2.0]).tolist()
    [-1.0, 0.0, 2.0]
    """
    x = as_float(x)
    return _choose(binary("greater", unary("abs", x), float(threshold)), x, 0.0, x)


@operation
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, and 0 within it.

    >>> soft_shrink([-1.0, 0.5, 2.0]).tolist()
    [-0.5, 0.0, 1.5]
    """
    x, limit = as_float(x), float(threshold)
    below = _choose(binary("less", x, -limit), binary("add", x, limit), 0.0, x)
    return _choose(binary("greater", x, limit), binary("subtract", x, limit), below, x)


@operation
def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where x > threshold, else `default_value`."""
    x = as_float(x)
    return _choose(binary("greater", x, float(threshold)), x, float(default_value), x)


@operation
def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x."""
    x = as_float(x)
    curve = binary("multiply", unary("square", binary("add", x, 1.0)), 0.25)
    above = _choose(binary("greater_equal", x, 1.0), x, curve, x)
    return _choose(binary("less_equal", x, -1.0), 0.0, above, x)


@operation
def sparse_sigmoid(x: Any) -> Tensor:
    """0 up to -1, (x + 1) / 2 up to 1, then 1."""
    return binary("multiply", clip(binary("add", as_float(x), 1.0), 0.0, 2.0), 0.5)


@operation
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The probabilities nearest to x, of which many are 0 (Martins and Astudillo, 2016):
    max(x - t, 0) with the t for which they sum to 1. Compares all pairs along the axis.

    Keras up to 3.15 takes too large a t where more than one is left (keras#23425); this does not.

    >>> sparsemax([0.0, 1.0, 0.5]).tolist()
    [0.0, 0.75, 0.25]
    """
    x = as_float(x)
    axis = axis_of(axis, len(x.shape))
    x = moveaxis(x, axis, -1)
    x = binary("subtract", x, apply("stop_gradient", [reduce("max", x, -1, True)]))
    # A score z is among the positive ones if 1 + z * n > s, for the n scores >= z and their sum s.
    others = expand_dims(x, -2)
    larger = binary("greater_equal", others, expand_dims(x, -1))
    count = reduce("sum", as_type(larger, x.dtype), -1, False)
    total = reduce("sum", _choose(larger, others, 0.0, x), -1, False)
    is_kept = binary("greater", binary("add", binary("multiply", x, count), 1.0), total)
    kept = reduce("sum", as_type(is_kept, x.dtype), -1, True)
    excess = binary("subtract", reduce("sum", _choose(is_kept, x, 0.0, x), -1, True), 1.0)
    limit = binary("divide", excess, kept)
    return moveaxis(binary("maximum", binary("subtract", x, limit), 0.0), -1, axis)
