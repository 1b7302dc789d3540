"""Matrices and windows made of numbers alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.tensor import Tensor

__all__ = ["bartlett", "blackman", "geomspace", "hamming", "hanning", "kaiser", "logspace", "tri"]


def _window(values: np.ndarray, dtype: Any = None) -> Tensor:
    return to_tensor(values.astype(standardize_dtype(dtype)))


def bartlett(x: int) -> Tensor:
    """A triangle of x points from 0 over 1 to 0."""
    return _window(np.bartlett(int(x)))


def blackman(x: int) -> Tensor:
    """Blackman's window of x points."""
    return _window(np.blackman(int(x)))


def hamming(x: int) -> Tensor:
    """Hamming's window of x points."""
    return _window(np.hamming(int(x)))


def hanning(x: int) -> Tensor:
    """Hann's window of x points.

    >>> hanning(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return _window(np.hanning(int(x)))


def kaiser(x: int, beta: float) -> Tensor:
    """Kaiser's window of x points; beta is its shape."""
    return _window(np.kaiser(int(x), float(beta)))


# The coefficients of cos(0), -cos(t), cos(2 t), ... with t from 0 to 2 pi.
_COSINES = {
    "blackman": (0.42, 0.5, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "boxcar": (1.0,),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "hamming": (0.54, 0.46),
    "hann": (0.5, 0.5),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
}


def cosine_window(name: str, size: int, periodic: bool) -> np.ndarray:
    """One of the windows that are sums of cosines, whose last point is the first again unless it
    is `periodic`.

    Raises:
        ValueError: if there is no such window.
    """
    if name not in _COSINES:
        raise ValueError(
            f"Unknown window type {name!r}. Known are {', '.join(_COSINES)}, or give its values"
        )
    angle = 2 * np.pi * np.arange(size) / max(size if periodic else size - 1, 1)
    parts = [(-1) ** k * c * np.cos(k * angle) for k, c in enumerate(_COSINES[name])]
    return (np.sum(parts, axis=0) if size > 1 else np.ones(size)).astype(np.float32)


def logspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers from base^start to base^stop, evenly spaced in their logarithm."""
    return _window(np.logspace(start, stop, num, endpoint, base, axis=axis), dtype)


def geomspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """`num` numbers from start to stop, each the same multiple of the one before.

    >>> geomspace(1.0, 8.0, 4).tolist()
    [1.0, 2.0, 4.0, 8.0]
    """
    return _window(np.geomspace(start, stop, num, endpoint, axis=axis), dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on and below the k-th diagonal of an N x M matrix (N x N by default), zeros above."""
    return _window(np.tri(N, M, k), dtype)
