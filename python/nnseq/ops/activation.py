"""Activation functions: elementwise ones, and softmax with its relatives."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import apply
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, axes_of, axis_of
from nnseq.ops.elementwise import binary, clip, unary
from nnseq.ops.layout import moveaxis
from nnseq.ops.reduction import reduce


def _activation(name: str, doc: str) -> Any:
    def function(x: Any) -> Tensor:
        return unary(name, as_float(x))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return operation(function)


relu = _activation("relu", "max(x, 0).")
relu6 = _activation("relu6", "min(max(x, 0), 6).")
selu = _activation("selu", "1.0507 * elu(x, alpha=1.6733).")
softplus = _activation("softplus", "log(1 + exp(x)) without overflow.")
softsign = _activation("softsign", "x / (1 + abs(x)).")
silu = _activation("silu", "x * sigmoid(x).")
hard_sigmoid = _activation("hard_sigmoid", "relu6(x + 3) / 6.")
hard_silu = _activation("hard_silu", "x * hard_sigmoid(x).")
mish = _activation("mish", "x * tanh(softplus(x)).")
swish = silu
hard_swish = hard_silu


@operation
def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x)).

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    x = as_float(x)
    y = unary("sigmoid", x)
    y._producer = ("sigmoid", x)
    return y


@operation
def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)) without overflow."""
    return unary("negative", unary("softplus", unary("negative", as_float(x))))


@operation
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x if x > 0 else alpha * (exp(x) - 1)."""
    return apply("unary", [as_float(x)], {"fn": "elu", "alpha": float(alpha)})


@operation
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x if x > 0 else negative_slope * x."""
    return apply("unary", [as_float(x)], {"fn": "leaky_relu", "alpha": float(negative_slope)})


@operation
def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x * P(X <= x) for a standard normal X; the approximation uses tanh."""
    return unary("gelu_tanh" if approximate else "gelu", as_float(x))


@operation
def hard_tanh(x: Any) -> Tensor:
    """x limited to [-1, 1]."""
    return clip(as_float(x), -1.0, 1.0)


@operation
def softmax(x: Any, axis: Any = -1) -> Tensor:
    """exp(x) / sum(exp(x)) over an axis, or over all elements with None.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = as_float(x)
    if _is_last(axis, x):
        y = apply("softmax", [x])
        y._producer = ("softmax", x)
        return y
    return _along("softmax", x, axis)


@operation
def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """log(softmax(x)) without overflow."""
    x = as_float(x)
    return apply("log_softmax", [x]) if _is_last(axis, x) else _along("log_softmax", x, axis)


def _is_last(axis: Any, x: Tensor) -> bool:
    return isinstance(axis, int) and axis_of(axis, len(x.shape)) == len(x.shape) - 1


def _along(op: str, x: Tensor, axis: Any) -> Tensor:
    if isinstance(axis, int):
        return moveaxis(apply(op, [moveaxis(x, axis, -1)]), -1, axis)
    axes = axes_of(axis, len(x.shape))
    top = apply("stop_gradient", [reduce("max", x, axes, True)])
    shifted = binary("subtract", x, top)
    total = reduce("sum", unary("exp", shifted), axes, True)
    if op == "softmax":
        return binary("divide", unary("exp", shifted), total)
    return binary("subtract", shifted, unary("log", total))
