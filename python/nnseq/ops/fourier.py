"""Fourier transforms as products with constant matrices.

A length n above 64 is cut into two factors, n = p q: p transforms of q and q of p with a turn
between them (Cooley and Tukey, 1965), down to products with matrices of up to 64 x 64. So a length
of 2048 costs 96 multiplications of complex numbers for each element, as products of matrices, where
a fast Fourier transform has 11: it takes 4 to 6 times as long as NumPy's. A prime length n has no
factors and costs n for each.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nnseq.engine.dispatch import dims_of, to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float
from nnseq.ops.layout import pad, reshape, swapaxes
from nnseq.ops.linear import matmul
from nnseq.ops.running import size_of

__all__ = ["fft", "fft2", "ifft2", "irfft", "rfft"]

_DIRECT = 64
Parts = tuple[Tensor, Any]  # real and imaginary; None stands for zeros


@functools.lru_cache(maxsize=32)
def _turns(rows: int, columns: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin of 2 pi j k / n for j < rows, k < columns."""
    steps = np.outer(np.arange(rows), np.arange(columns)) % n
    turns = np.exp(2j * np.pi / n * steps)
    cos, sin = (np.where(np.abs(part) < 1e-15, 0.0, part) for part in (turns.real, turns.imag))
    return cos.astype(np.float32), sin.astype(np.float32)


def _factor(n: int) -> int:
    """The largest divisor of n up to its square root."""
    return max(p for p in range(1, int(n**0.5) + 1) if n % p == 0)


def _transformed(x: Parts, n: int, sign: int) -> Parts:
    """sum_j x[j] exp(sign 2 pi i j k / n) along the last axis, of size n."""
    p = _factor(n)
    if n <= _DIRECT or p == 1:
        return _turned(x, *_turns(n, n, n), sign, matmul)
    q = n // p
    # j = q j1 + j2 and k = k1 + p k2: over j1, a turn by j2 k1 / n, over j2.
    shape = dims_of(x[0])[:-1]
    x = _each(x, lambda part: swapaxes(reshape(part, [*shape, p, q]), -1, -2))
    x = _turned(_transformed(x, p, sign), *_turns(q, p, n), sign, lambda a, b: a * b)
    x = _transformed(_each(x, lambda part: swapaxes(part, -1, -2)), q, sign)
    return _each(x, lambda part: reshape(swapaxes(part, -1, -2), [*shape, n]))


def _each(x: Parts, change: Any) -> Parts:
    return change(x[0]), None if x[1] is None else change(x[1])


def _turned(x: Parts, cos: np.ndarray, sin: np.ndarray, sign: int, times: Any) -> Parts:
    """x times cos + sign i sin, as a product of matrices or of elements."""
    c, s = to_tensor(cos), to_tensor(sign * sin)
    real, imag = x
    if imag is None:
        return times(real, c), times(real, s)
    return times(real, c) - times(imag, s), times(real, s) + times(imag, c)


def complex_parts(x: Any) -> tuple[Tensor, Tensor]:
    """The two parts of a complex number.

    Raises:
        ValueError: if x is not a pair of floats of one shape.
    """
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(
            "Input `x` should be a tuple of two tensors - real and imaginary. "
            f"Received: {type(x).__name__}"
        )
    real, imag = to_tensor(x[0]), to_tensor(x[1])
    if real.shape != imag.shape:
        raise ValueError(
            "Input `x` should be a tuple of two tensors - real and imaginary. Both should have the "
            f"same shape. Received: x[0].shape = {real.shape}, x[1].shape = {imag.shape}"
        )
    if not is_float(real.dtype) or not is_float(imag.dtype):
        raise ValueError(
            "At least one tensor in input `x` is not of type float. "
            f"Received: {real.dtype}, {imag.dtype}"
        )
    return real, imag


def _sized(x: Tensor, size: int) -> Tensor:
    """The last axis cut off or filled up with zeros."""
    found = size_of("fft", x, len(x.shape) - 1)
    if found < size:
        return pad(x, [[0, 0]] * (len(x.shape) - 1) + [[0, size - found]])
    return x[..., :size] if found > size else x


def _two(x: Parts, sign: int) -> Parts:
    """Over the last two axes."""
    for _ in range(2):
        x = _transformed(x, size_of("fft2", x[0], len(x[0].shape) - 1), sign)
        x = _each(x, lambda part: swapaxes(part, -1, -2))
    return x


@operation
def fft(x: Any) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform along the last axis; see the module for what it costs.

    Args:
        x: the real and the imaginary parts (..., N).

    Returns:
        The same two of sum_j x[j] exp(-2 pi i j k / N).

    >>> [part.tolist() for part in fft(([1.0, 0.0], [0.0, 0.0]))]
    [[1.0, 1.0], [0.0, 0.0]]
    """
    parts = complex_parts(x)
    return _transformed(parts, size_of("fft", parts[0], len(parts[0].shape) - 1), -1)


@operation
def fft2(x: Any) -> tuple[Tensor, Tensor]:
    """The discrete Fourier transform over the last two axes, of real and imaginary parts."""
    return _two(complex_parts(x), -1)


@operation
def ifft2(x: Any) -> tuple[Tensor, Tensor]:
    """The inverse of `fft2`."""
    real, imag = _two(complex_parts(x), 1)
    *_, rows, columns = dims_of(real)
    scale = 1.0 / (rows * columns)
    return real * scale, imag * scale


@operation
def rfft(x: Any, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The first half of the Fourier transform of real numbers, which says all: the rest is its
    mirror image.

    Args:
        x: (..., N).
        fft_length: the size to which the last axis is cut off or filled up with zeros, by default
            N.

    Returns:
        The real and the imaginary parts (..., fft_length // 2 + 1).

    >>> [part.tolist() for part in rfft([1.0, 2.0])]
    [[3.0, -1.0], [0.0, 0.0]]
    """
    x = as_float(x)
    n = size_of("rfft", x, len(x.shape) - 1) if fft_length is None else int(fft_length)
    x, bins = _sized(x, n), n // 2 + 1
    if n <= _DIRECT or _factor(n) == 1:
        return _turned((x, None), *_turns(n, bins, n), -1, matmul)
    real, imag = _transformed((x, None), n, -1)
    return real[..., :bins], imag[..., :bins]


@operation
def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """The inverse of `rfft`.

    Args:
        x: the real and the imaginary parts (..., bins).
        fft_length: the size of the result, by default 2 (bins - 1).

    >>> irfft(([3.0, -1.0], [0.0, 0.0])).tolist()
    [1.0, 2.0]
    """
    real, imag = complex_parts(x)
    if fft_length is None:
        fft_length = 2 * (size_of("irfft", real, len(real.shape) - 1) - 1)
    n = int(fft_length)
    bins = n // 2 + 1
    # Each bin but the first, and the last of an even length, stands for its mirror image, too.
    share = np.full(bins, 2.0 / n, np.float32)
    share[0] = 1.0 / n
    share[n // 2] = 1.0 / n if n % 2 == 0 else share[n // 2]
    real, imag = (_sized(part, bins) * share for part in (real, imag))
    if n <= _DIRECT or _factor(n) == 1:
        cos, sin = _turns(bins, n, n)
        return matmul(real, to_tensor(cos)) - matmul(imag, to_tensor(sin))
    return _transformed((_sized(real, n), _sized(imag, n)), n, 1)[0]
