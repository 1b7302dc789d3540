"""How far apart signals are and how much they have in common."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.convolution import conv
from nnseq.ops.core import as_float, promoted
from nnseq.ops.diagonals import diagonal
from nnseq.ops.elementwise import clip, log10, sqrt, square
from nnseq.ops.layout import expand_dims, flip, pad, reshape, transpose
from nnseq.ops.linear import matmul
from nnseq.ops.reduction import mean
from nnseq.ops.reduction import sum as sum_of

__all__ = ["cdist", "corrcoef", "correlate"]


@operation
def cdist(x: Any, y: Any) -> Tensor:
    """The Euclidean distances of all pairs: (..., M, D), (..., N, D) -> (..., M, N).

    >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
    [[5.0, 1.0]]
    """
    a, b = promoted(x, y, at_least_float=True)
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise ValueError(f"`cdist` inputs must have rank >= 2; got {a.shape} and {b.shape}")
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"Last dimension of inputs to `cdist` must match; got {a.shape} and {b.shape}"
        )
    return sqrt(sum_of(square(expand_dims(a, -2) - expand_dims(b, -3)), axis=-1))


@operation
def corrcoef(x: Any) -> Tensor:
    """The correlation coefficients of the rows of x: (N, samples) -> (N, N); 1 for a vector."""
    rows = as_float(x)
    if len(rows.shape) > 2:
        raise ValueError(f"`x` must be a vector or a matrix. Received: x.shape={rows.shape}")
    samples = dims_of(rows)[-1]
    centred = reshape(rows - mean(rows, axis=-1, keepdims=True), [-1, samples])
    products = matmul(centred, transpose(centred))
    length = sqrt(diagonal(products))
    result = clip(products / expand_dims(length, 0) / expand_dims(length, 1), -1.0, 1.0)
    return result if len(rows.shape) == 2 else reshape(result, [])


@operation
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The sums of products of two vectors at every shift: c[k] = sum_n x1[n + k] x2[n].

    mode: "valid" where the shorter one lies inside the longer, "full" where they meet, "same" the
        middle of "full", as long as the longer one.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5]).tolist()
    [3.5]
    """
    a, b = promoted(x1, x2, at_least_float=True)
    for name, x in (("x1", a), ("x2", b)):
        if len(x.shape) != 1:
            raise ValueError(
                f"`{name}` must be a 1-dimensional tensor, but received shape {x.shape}"
            )
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"`mode` must be either `valid`, `same`, or `full`, but received: {mode}")
    if dims_of(a)[0] < dims_of(b)[0]:
        return flip(correlate(b, a, mode), 0)
    size = dims_of(b)[0]
    before = {"valid": 0, "same": size // 2, "full": size - 1}[mode]
    after = {"valid": 0, "same": (size - 1) // 2, "full": size - 1}[mode]
    padded = pad(a, [[before, after]])
    return reshape(conv(reshape(padded, [1, -1, 1]), reshape(b, [-1, 1, 1])), [-1])


@operation
def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """The peak signal-to-noise ratio of two images in decibels, for a largest value `max_val`."""
    a, b = to_tensor(x1), to_tensor(x2)
    if a.shape != b.shape:
        raise ValueError(f"Input shapes {a.shape} and {b.shape} must match for PSNR calculation. ")
    return 20.0 * log10(max_val) - 10.0 * log10(mean(square(a - b)))
