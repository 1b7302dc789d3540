"""Signals cut into frames, and the spectra of these."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor, to_array
from nnseq.ops.creation import arange
from nnseq.ops.elementwise import where
from nnseq.ops.fourier import complex_parts, irfft, rfft
from nnseq.ops.indexing import take
from nnseq.ops.layout import broadcast_to, expand_dims, pad, reshape
from nnseq.ops.windows import cosine_window

__all__ = ["extract_sequences", "istft", "stft"]


@operation
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Frames of a signal: (..., T) -> (..., frames, sequence_length), every `sequence_stride`.

    >>> extract_sequences([1, 2, 3, 4, 5], 3, 2).tolist()
    [[1, 2, 3], [3, 4, 5]]
    """
    x = to_tensor(x)
    frames = (dims_of(x)[-1] - sequence_length) // sequence_stride + 1
    starts = expand_dims(arange(frames) * sequence_stride, -1)
    return take(x, starts + arange(sequence_length), axis=-1)


def _window(window: Any, sequence_length: int, fft_length: int) -> np.ndarray:
    """The weights of a frame, in the middle of `fft_length` places."""
    if window is None:
        return np.ones(fft_length, np.float32)
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(
                "If a string is passed to `window`, it must be one of 'hann', 'hamming'. "
                f"Received: window={window}"
            )
        weights = cosine_window(window, sequence_length, periodic=True)
    else:
        weights = np.asarray(to_array(window), np.float32)
    if weights.shape != (sequence_length,):
        raise ValueError(
            "The shape of `window` must be equal to [sequence_length]. "
            f"Received: window shape={weights.shape}"
        )
    before = (fft_length - sequence_length) // 2
    return np.pad(weights, (before, fft_length - sequence_length - before)).astype(np.float32)


def _check(sequence_length: int, sequence_stride: int, fft_length: int) -> None:
    if not isinstance(sequence_stride, int) or sequence_stride <= 0:
        raise ValueError(
            "`sequence_stride` must be a positive integer. "
            f"Received: sequence_stride={sequence_stride}"
        )
    if fft_length < sequence_length:
        raise ValueError(
            "`fft_length` must equal or larger than `sequence_length`. Received: "
            f"sequence_length={sequence_length}, fft_length={fft_length}"
        )


@operation
def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """The Fourier transforms (see `fft` for their cost) of frames of a signal.

    Args:
        x: (..., T), floats.
        sequence_length: how many samples a frame has.
        sequence_stride: how many samples lie between the starts of frames.
        fft_length: the size that frames are filled up to with zeros, on both sides.
        window: "hann", "hamming", None, or `sequence_length` weights.
        center: whether the signal goes on backwards at both ends, so that frame t has its middle at
            t * sequence_stride.

    Returns:
        The real and the imaginary parts (..., frames, fft_length // 2 + 1).
    """
    _check(sequence_length, sequence_stride, fft_length)
    x = to_tensor(x)
    if x.dtype not in ("float32", "float64"):
        raise TypeError(
            f"Invalid input type. Expected `float32` or `float64`. Received: input type={x.dtype}"
        )
    weights = _window(window, sequence_length, fft_length)
    if center:
        x = pad(x, [[0, 0]] * (len(x.shape) - 1) + [[fft_length // 2] * 2], mode="reflect")
    return rfft(extract_sequences(x, fft_length, sequence_stride) * weights)


def _overlapped(frames: Tensor, stride: int) -> Tensor:
    """The sums of frames (..., N, L) laid `stride` apart: (..., (N - 1) stride + L)."""
    *outer, count, length = dims_of(frames)
    pieces = -(-length // stride)
    still = [[0, 0]] * len(outer)
    frames = pad(frames, [*still, [0, 0], [0, pieces * stride - length]])
    frames = reshape(frames, [*outer, count, pieces, stride])
    total: Any = None
    for k in range(pieces):  # piece k of frame n lies at place n + k
        placed = pad(frames[..., k, :], [*still, [k, pieces - 1 - k], [0, 0]])
        total = placed if total is None else total + placed
    total = reshape(total, [*outer, (count + pieces - 1) * stride])
    return total[..., : (count - 1) * stride + length]


@operation
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """The inverse of `stft`: frames are windowed again, laid over each other and divided by the
    sums of the squared weights.

    Args:
        x: the real and the imaginary parts (..., frames, bins).
        length: the size of the result, by default what the frames give.
        sequence_length, sequence_stride, fft_length, window, center: as in `stft`. Without a window
            the result is fft_length / sequence_stride as large, as in Keras.

    Returns:
        (..., T).
    """
    _check(sequence_length, sequence_stride, fft_length)
    parts = complex_parts(x)
    if len(parts[0].shape) < 2:
        raise ValueError(
            f"Input `x` must have at least 2 dimensions. Received shape: {parts[0].shape}"
        )
    weights = _window(window, sequence_length, fft_length)
    signal = _overlapped(irfft(parts, fft_length) * weights, sequence_stride)
    frames = dims_of(parts[0])[-2]
    norm = _overlapped(broadcast_to(np.square(weights), [frames, fft_length]), sequence_stride)
    signal = signal / where(norm > 1e-10, norm, 1.0)
    if window is None:
        signal = signal * (fft_length / sequence_stride)
    start = fft_length // 2 if center else 0
    end = dims_of(signal)[-1] - start
    return signal[..., start : end if length is None else min(start + length, end + start)]
