"""Kernels of convolutions that compute spectra."""

from typing import Any

import numpy as np

from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.tensor import to_array
from nnseq.initializers.initializer import Initializer
from nnseq.ops.windows import cosine_window

SCALINGS = (None, "density", "spectrum")


def check_spectrum(window: Any, scaling: str | None) -> None:
    """Raises ValueError for a window or a scaling that does not exist."""
    if isinstance(window, str):
        cosine_window(window, 1, False)
    if scaling not in SCALINGS:
        raise ValueError(
            "Scaling is invalid, it must be `None`, 'density' or 'spectrum'. "
            f"Received: scaling={scaling}"
        )


def as_list(window: Any) -> Any:
    """A window as configurations write it."""
    return window.tolist() if hasattr(window, "tolist") else window


class STFT(Initializer):
    """One part of the Fourier transform of windowed frames, as a kernel (T, 1, F): of T samples the
    first F = N // 2 + 1 frequencies of a transform of length N.

    Args:
        side: "real" or "imag".
        window: a name ("hann", "hamming", "blackman", ...), T weights, or None for none.
        scaling: what the weights are divided by: "density" their length, "spectrum" the sum of
            their sizes, None 1.
        periodic: whether the window's period is T and not T - 1.

    >>> STFT("real", None)((2, 1, 2)).tolist()
    [[[1.0, 1.0]], [[1.0, -1.0]]]
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"side should be 'real' or 'imag', not {side}")
        check_spectrum(window, scaling)
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        length, _, bins = shape
        period = max(2 * (bins - 1), 1)
        angle = -2 * np.pi / period * (np.outer(np.arange(length), np.arange(bins)) % period)
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        kernel = kernel * self._weights(length)[:, np.newaxis]
        return kernel.reshape(length, 1, bins).astype(standardize_dtype(dtype))

    def _weights(self, length: int) -> np.ndarray:
        if self.window is None:
            return np.ones(length)
        named = isinstance(self.window, str)
        weights = (
            cosine_window(self.window, length, self.periodic) if named else to_array(self.window)
        )
        weights = np.asarray(weights, np.float64)
        if weights.shape != (length,):
            raise ValueError(
                "The shape of `window` must be equal to [frame_length]. "
                f"Received: window shape={weights.shape}"
            )
        if self.scaling == "density":
            return weights / np.sqrt(np.sum(np.square(weights)))
        return weights / np.sum(np.abs(weights)) if self.scaling == "spectrum" else weights

    def get_config(self) -> dict[str, Any]:
        return {
            "side": self.side,
            "window": as_list(self.window),
            "periodic": self.periodic,
            "scaling": self.scaling,
        }
