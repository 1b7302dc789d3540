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
