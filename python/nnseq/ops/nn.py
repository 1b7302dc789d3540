"""Convolution and pooling, and a place for all functions of networks.

Images are NHWC (channels_last).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.activation import (
    elu,
    gelu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    swish,
)
from nnseq.ops.attention import dot_product_attention
from nnseq.ops.core import as_float, promoted, sizes_of
from nnseq.ops.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from nnseq.ops.ctc import (
    ctc_loss,
)
from nnseq.ops.indexing import one_hot
from nnseq.ops.layout import reshape, squeeze
from nnseq.ops.normalization import (
    batch_normalization,
    layer_normalization,
    normalize,
    rms_normalization,
)
from nnseq.ops.reduction import moments
from nnseq.ops.thresholds import (
    celu,
    glu,
    hard_shrink,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)

__all__ = [
    "average_pool",
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "conv",
    "ctc_loss",
    "depthwise_conv",
    "dot_product_attention",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "mish",
    "moments",
    "normalize",
    "one_hot",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "separable_conv",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]


def _numbers(value: Any, count: int, name: str) -> list[int]:
    numbers = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(numbers) != count or not all(
        isinstance(n, (int, np.integer)) and n > 0 for n in numbers
    ):
        raise ValueError(f"`{name}` must be a positive int or {count} of them; got {value!r}")
    return [int(n) for n in numbers]


def _check_format(data_format: str | None) -> None:
    if data_format not in (None, "channels_last"):
        raise NotImplementedError(
            f"data_format={data_format!r} is not supported: use 'channels_last'"
        )


def _spatial(inputs: Any, what: str) -> tuple[Tensor, int]:
    x = as_float(inputs)
    rank = len(x.shape) - 2
    if rank not in (1, 2):
        raise ValueError(
            f"{what}: the input must be (batch, steps, channels) or (batch, height, width, "
            f"channels); got shape {x.shape}"
        )
    return x, rank


@operation
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Convolution in one or two dimensions, with groups where the kernel has fewer channels.

    Args:
        inputs: (N, H, W, C) or (N, T, C).
        kernel: (kh, kw, C / groups, F) or (k, C / groups, F).
        strides, dilation_rate: an int or one per dimension; only one of them above 1.
        padding: "valid", "same" or, in one dimension, "causal".
        data_format: "channels_last".

    Returns:
        (N, H', W', F) or (N, T', F).

    >>> conv(np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 2))).shape
    (1, 2, 2, 2)
    """
    _check_format(data_format)
    x, rank = _spatial(inputs, "conv")
    x, w = promoted(x, kernel)
    stride = _numbers(strides, rank, "strides")
    dilation = _numbers(dilation_rate, rank, "dilation_rate")
    if len(w.shape) != rank + 2:
        raise ValueError(f"conv: kernel {w.shape} must have {rank + 2} dimensions as {x.shape}")
    channels, per_group = x.shape[-1], w.shape[-2]
    if channels is None or per_group is None or channels % per_group:
        raise ValueError(
            f"conv: the kernel {w.shape} takes {per_group} channels, the input {x.shape} has "
            f"{channels}"
        )
    if max(stride) > 1 and max(dilation) > 1:
        raise ValueError(f"conv: strides {strides} and dilation_rate {dilation_rate} exceed 1")
    pads: list[int] = []
    if padding == "causal":
        if rank != 1:
            raise ValueError("conv: padding 'causal' needs one dimension")
        padding, pads = "explicit", [0, 0, dilation[0] * (int(w.shape[0] or 0) - 1), 0]
    _check_padding(padding)
    if rank == 1:  # (N, 1, T, C) with a kernel (1, k, C, F)
        x, w = _with_height(x), reshape(w, (1, *dims_of(w)))
        stride, dilation = [1, *stride], [1, *dilation]
    attrs = {"strides": stride, "dilation": dilation, "padding": padding, "pads": pads}
    y = apply("conv2d", [x, w], {**attrs, "groups": channels // per_group})
    return squeeze(y, 1) if rank == 1 else y


def _check_padding(padding: str) -> None:
    if padding not in ("valid", "same", "explicit"):
        raise ValueError(f"`padding` must be 'valid' or 'same'; got {padding!r}")


def _with_height(x: Tensor) -> Tensor:
    batch, *rest = dims_of(x)
    return reshape(x, (batch, 1, *rest))


@operation
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Each channel convolved on its own: kernel (kh, kw, C, M) gives C * M channels."""
    w = as_float(kernel)
    *window, channels, multiplier = w.shape
    w = reshape(w, (*window, 1, int(channels or 0) * int(multiplier or 0)))
    return conv(inputs, w, strides, padding, data_format, dilation_rate)


@operation
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A depthwise convolution followed by one with a (1, 1, C * M, F) kernel."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel)


@operation
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """The gradient of a convolution by its input: (N, H, W, C) -> (N, H', W', F).

    Args:
        inputs: (N, H, W, C).
        kernel: (kh, kw, F, C).
        strides, dilation_rate: an int or one per dimension; only one of them above 1.
        padding: "valid": H' = (H - 1) * stride + max(extent, stride), where extent is
            (kh - 1) * dilation + 1; "same": H' = H * stride.
        output_padding: sets H' instead: (H - 1) * stride + output_padding, plus extent for
            "valid", extent % 2 for "same".
        data_format: "channels_last".

    >>> conv_transpose(np.ones((1, 2, 2, 1)), np.ones((3, 3, 4, 1)), 2, "same").shape
    (1, 4, 4, 4)
    """
    _check_format(data_format)
    _check_padding(padding)
    x, rank = _spatial(inputs, "conv_transpose")
    x, w = promoted(x, kernel)
    if rank != 2 or len(w.shape) != 4 or x.shape[-1] != w.shape[-1]:
        raise ValueError(f"conv_transpose: kernel {w.shape} does not fit the input {x.shape}")
    stride = _numbers(strides, 2, "strides")
    dilation = _numbers(dilation_rate, 2, "dilation_rate")
    if max(stride) > 1 and max(dilation) > 1:
        raise ValueError(f"conv_transpose: strides {strides}, dilation {dilation} exceed 1")
    more = output_padding if isinstance(output_padding, (list, tuple)) else [output_padding] * 2
    sizes, pads = [], []
    for size, taps, s, d, extra in zip(
        dims_of(x)[1:3], w.shape[:2], stride, dilation, more, strict=True
    ):
        added, before, after = _transposed_padding((int(taps or 0) - 1) * d + 1, s, padding, extra)
        sizes.append((size - 1) * s + added)
        pads += [before, after]
    attrs = {"strides": stride, "dilation": dilation, "padding": "explicit", "pads": pads}
    return apply("conv2d_by_data", [x, w], {**attrs, "groups": 1, "sizes": sizes_of(sizes)})


def _transposed_padding(
    extent: int, stride: int, padding: str, extra: int | None
) -> tuple[int, int, int]:
    """H' - (H - 1) * stride, and the padding before and after of the convolution H' -> H."""
    if padding == "valid":
        added = max(extent, stride) if extra is None else extent + extra
        return added, 0, 0
    added = stride if extra is None else extent % 2 + extra
    total = added + extent - 2  # zeros around x with stride - 1 zeros between its rows
    left = min((total + 1) // 2, extent - 1)
    return added, extent - 1 - left, max(extent - 1 - (total - left), 0)


@operation
def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest element of each window; strides are the window's size by default.

    >>> max_pool(np.arange(4.0).reshape(1, 2, 2, 1), 2).item()
    3.0
    """
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format)


@operation
def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of each window; padding is not counted."""
    return _pool("avg_pool", inputs, pool_size, strides, padding, data_format)


def _pool(
    op: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None
) -> Tensor:
    _check_format(data_format)
    x, rank = _spatial(inputs, op)
    window = _numbers(pool_size, rank, "pool_size")
    stride = window if strides is None else _numbers(strides, rank, "strides")
    _check_padding(padding)
    if rank == 1:
        x, window, stride = _with_height(x), [1, *window], [1, *stride]
    y = apply(op, [x], {"window": window, "strides": stride, "padding": padding, "pads": []})
    return squeeze(y, 1) if rank == 1 else y
