"""Normalisation by moments, by lengths, and by given statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.dtypes import epsilon as keras_epsilon
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, axis_of
from nnseq.ops.elementwise import binary, maximum, unary
from nnseq.ops.layout import reshape
from nnseq.ops.reduction import moments, reduce


@operation
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with vectors along `axis`."""
    x = as_float(x)
    axis = axis_of(axis, len(x.shape))
    sizes = [1] * len(x.shape)
    sizes[axis] = -1
    factor = unary("rsqrt", binary("add", as_type(variance, x.dtype), epsilon))
    if scale is not None:
        factor = binary("multiply", factor, scale)
    shift = unary("negative", binary("multiply", as_type(mean, x.dtype), factor))
    if offset is not None:
        shift = binary("add", shift, offset)
    if axis != len(x.shape) - 1:
        factor, shift = reshape(factor, sizes), reshape(shift, sizes)
    return binary("add", binary("multiply", x, factor), shift)


def fused_batch_norm(
    x: Any, gamma: Any, beta: Any, epsilon: float = 1e-3, mask: Any = None
) -> tuple[Tensor, Tensor, Tensor]:
    """x normalised by its own statistics over all axes but the last.

    Args:
        x: (..., C).
        gamma, beta: (C,).
        epsilon: added to the variance.
        mask: bool of x.shape[:-1]; False steps are left out of the statistics.

    Returns:
        y of the shape of x, and the mean and biased variance, (C,).
    """
    operands = [as_float(x), to_tensor(gamma), to_tensor(beta)]
    if mask is not None:
        operands.append(as_type(mask, "bool"))
    return apply("batch_norm", operands, {"epsilon": float(epsilon)}, 3)


@operation
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Tensor:
    """x with mean 0 and variance 1 along `axis`, times gamma plus beta."""
    x = as_float(x)
    eps = keras_epsilon() if epsilon is None else float(epsilon)
    last = isinstance(axis, int) and axis_of(axis, len(x.shape)) == len(x.shape) - 1
    size = x.shape[-1]
    if last and not rms_scaling and size is not None:
        scale = np.ones(size, np.float32) if gamma is None else gamma
        shift = np.zeros(size, np.float32) if beta is None else beta
        operands = [x, as_type(scale, x.dtype), as_type(shift, x.dtype)]
        return apply("layer_norm", operands, {"epsilon": eps}, 3)[0]
    if rms_scaling:
        return rms_normalization(x, gamma, axis, eps)
    centre, variance = moments(x, axis, keepdims=True)
    y = binary("subtract", x, centre)
    y = binary("multiply", y, unary("rsqrt", binary("add", variance, eps)))
    y = y if gamma is None else binary("multiply", y, gamma)
    return y if beta is None else binary("add", y, beta)


@operation
def rms_normalization(
    x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Tensor:
    """x / sqrt(mean(x * x) + epsilon) along `axis`, times `scale` (Zhang, Sennrich 2019).

    >>> rms_normalization([3.0, 3.0], epsilon=0.0).tolist()
    [1.0, 1.0]
    """
    x = as_float(x)
    eps = keras_epsilon() if epsilon is None else float(epsilon)
    power = reduce("mean", unary("square", x), axis, True)
    y = binary("multiply", x, unary("rsqrt", binary("add", power, eps)))
    return y if scale is None else binary("multiply", y, scale)


@operation
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """x divided by its length along `axis`, which is taken to be at least `epsilon`."""
    x = as_float(x)
    eps = keras_epsilon() if epsilon is None else float(epsilon)
    if order == 2:
        power = reduce("sum", unary("square", x), axis, True)
        return binary("multiply", x, unary("rsqrt", maximum(power, eps * eps)))
    if order != 1:
        raise NotImplementedError(f"normalize: order={order} is not supported; use 1 or 2")
    return binary("divide", x, maximum(reduce("sum", unary("abs", x), axis, True), eps))
