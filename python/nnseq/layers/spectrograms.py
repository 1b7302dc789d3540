"""Spectra of signals over time: STFTSpectrogram and MelSpectrogram."""

import warnings
from typing import Any

import numpy as np

from nnseq import ops
from nnseq.engine.dtypes import epsilon, is_float
from nnseq.initializers.stft import STFT, as_list, check_spectrum
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import choice, positive
from nnseq.layers.serialized import data_format as check_format

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Layer):
    """Spectra of overlapping frames of signals, by a convolution whose kernels begin as Fourier's
    and can learn. It costs frame_length multiplications for each frequency of a frame and part.

    Args:
        mode: what is given of the complex spectrum: "log" of its "magnitude"; "psd", the power of
            both halves; its "real" and "imag" parts, or both, "stft"; its "angle".
        frame_length: samples of a frame.
        frame_step: samples between the starts of frames, by default half of frame_length.
        fft_length: the length N of the transform, by default the power of two from frame_length on.
        window, periodic, scaling: as in `nnseq.initializers.STFT`.
        padding: "valid" or "same".
        expand_dims: whether frequencies get an axis of their own, as in images.
        data_format: "channels_last" for (batch, time, channels), or "channels_first".

    Returns:
        (batch, frames, channels * F) with F = N // 2 + 1 frequencies (2 F for "stft"), with
        expand_dims (batch, frames, F, channels); (batch, channels * F, frames) or (batch, channels,
        frames, F) for channels first.

    >>> STFTSpectrogram(frame_length=8)(ops.zeros((1, 32, 2))).shape
    (1, 7, 10)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.frame_length = positive("frame_length", frame_length)
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                "`frame_step` should be a positive integer not greater than `frame_length`. "
                f"Received frame_step={frame_step}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                "`fft_length` should be not less than `frame_length`. "
                f"Received fft_length={fft_length}, frame_length={frame_length}"
            )
        if fft_length is not None and fft_length & -fft_length != fft_length:
            warnings.warn(
                "`fft_length` is recommended to be a power of two. "
                f"Received fft_length={fft_length}",
                stacklevel=2,
            )
        self.mode = choice("mode", mode, MODES)
        self.padding = choice("padding", padding, ("valid", "same"))
        check_spectrum(window, scaling)
        self.frame_step = frame_step
        self.fft_length = fft_length
        self.window = window
        self.periodic = periodic
        self.scaling = scaling
        self.expand_dims = expand_dims
        self.data_format = check_format(data_format)
        self._frame_step = frame_step or max(frame_length // 2, 1)
        self._fft_length = fft_length or 1 << (frame_length - 1).bit_length()
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        shape = (self.frame_length, 1, self._fft_length // 2 + 1)
        of_window = (self.window, self.scaling, self.periodic)
        if self.mode != "imag":
            self.real_kernel = self.add_weight(shape, STFT("real", *of_window), name="real_kernel")
        if self.mode != "real":
            self.imag_kernel = self.add_weight(shape, STFT("imag", *of_window), name="imag_kernel")

    def call(self, inputs: Any) -> Any:
        if not is_float(inputs.dtype):
            raise TypeError(
                f"Invalid input type. Expected `float32` or `float64`. Received: {inputs.dtype}"
            )
        x = inputs if self.data_format == "channels_first" else ops.transpose(inputs, (0, 2, 1))
        return self._arranged(self._spectrum(x))

    def _spectrum(self, x: Any) -> Any:
        """(N, C, T) -> (N, C, frames, frequencies)."""
        if self.mode == "real":
            return self._convolved(x, self.real_kernel)
        imag = self._convolved(x, self.imag_kernel)
        if self.mode == "imag":
            return imag
        real = self._convolved(x, self.real_kernel)
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        if self.mode == "stft":
            return ops.concatenate([real, imag], axis=-1)
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":
            return power + ops.pad(power[..., 1:-1], [[0, 0]] * 3 + [[1, 1]])
        size = ops.sqrt(ops.maximum(power, epsilon()))
        return size if self.mode == "magnitude" else ops.log(ops.maximum(size, epsilon()))

    def _convolved(self, x: Any, kernel: Any) -> Any:
        _, channels, length = ops.shape(x)
        signals = ops.reshape(x, (-1, length, 1))
        y = ops.conv(signals, kernel, self._frame_step, self.padding, "channels_last")
        return ops.reshape(y, (-1, channels, *ops.shape(y)[1:]))

    def _arranged(self, y: Any) -> Any:
        _, channels, frames, bins = ops.shape(y)
        if self.data_format == "channels_first":
            if self.expand_dims:
                return y
            return ops.reshape(ops.transpose(y, (0, 1, 3, 2)), (-1, channels * bins, frames))
        if self.expand_dims:
            return ops.transpose(y, (0, 2, 3, 1))
        return ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (-1, frames, channels * bins))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mode": self.mode,
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "fft_length": self.fft_length,
            "window": as_list(self.window),
            "periodic": self.periodic,
            "scaling": self.scaling,
            "padding": self.padding,
            "data_format": self.data_format,
            "expand_dims": self.expand_dims,
        }


class MelSpectrogram(Layer):
    """The power of signals in bands that are equally wide to the ear: (..., T) ->
    (..., num_mel_bins, frames). The transform is `ops.stft`, centred; see there for its cost.

    Args:
        fft_length: the length of the transform.
        sequence_stride: samples between the middles of frames.
        sequence_length: samples of a frame, by default fft_length.
        window: "hann", "hamming", None, or `sequence_length` weights.
        sampling_rate: samples per second.
        num_mel_bins: how many bands there are.
        min_freq, max_freq: the ends of the lowest and the highest band in hertz; max_freq is half
            of the sampling rate by default.
        power_to_db: whether the result is in decibels.
        top_db: decibels are at least those of the largest value of all less this.
        mag_exp: the exponent of the magnitude, 2 for power.
        min_power: the least power, and reference, whose logarithm is taken.
        ref_power: the power of 0 decibels.

    >>> layer = MelSpectrogram(64, 16, num_mel_bins=8, sampling_rate=8000)
    >>> layer(ops.zeros((2, 160))).shape
    (2, 8, 11)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sequence_length is not None and fft_length < sequence_length:
            raise ValueError(
                "`fft_length` must be greater than or equal to `sequence_length`. Received: "
                f"`sequence_length`={sequence_length}, `fft_length`={fft_length}."
            )
        self.fft_length = positive("fft_length", fft_length)
        self.sequence_stride = positive("sequence_stride", sequence_stride)
        self.sequence_length = sequence_length or fft_length
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = positive("num_mel_bins", num_mel_bins)
        self.min_freq = min_freq
        self.max_freq = max_freq or int(sampling_rate / 2)
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.dtype)
        real, imag = ops.stft(
            x, self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        power = ops.square(real) + ops.square(imag)
        if self.mag_exp != 2:
            power = ops.power(ops.sqrt(power), self.mag_exp)
        bands = self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            self.fft_length // 2 + 1,
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
        )
        y = ops.matmul(power, bands)
        return ops.swapaxes(self._decibels(y) if self.power_to_db else y, -1, -2)

    def _decibels(self, y: Any) -> Any:
        reference = max(abs(float(self.ref_power)), self.min_power)
        y = 10.0 * ops.log10(ops.maximum(y, self.min_power)) - 10.0 * float(np.log10(reference))
        return ops.maximum(y, ops.max(y) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> np.ndarray:
        """How much of each of the frequencies 0 to sampling_rate / 2 belongs to each band:
        triangles over the mel scale 1127 log(1 + hertz / 700), each from the middle of the band
        before to that of the next; (num_spectrogram_bins, num_mel_bins).
        """

        def mel(hertz: Any) -> Any:
            return 1127.0 * np.log(1.0 + hertz / 700.0)

        places = mel(np.linspace(0.0, sampling_rate / 2.0, num_spectrogram_bins))[:, np.newaxis]
        edges = np.linspace(mel(lower_edge_hertz), mel(upper_edge_hertz), num_mel_bins + 2)
        rising = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - places) / (edges[2:] - edges[1:-1])
        bands = np.maximum(0.0, np.minimum(rising, falling))
        bands[0] = 0.0  # what does not swing is not heard
        return bands.astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fft_length": self.fft_length,
            "sequence_stride": self.sequence_stride,
            "sequence_length": self.sequence_length,
            "window": as_list(self.window),
            "sampling_rate": self.sampling_rate,
            "num_mel_bins": self.num_mel_bins,
            "min_freq": self.min_freq,
            "max_freq": self.max_freq,
            "power_to_db": self.power_to_db,
            "top_db": self.top_db,
            "mag_exp": self.mag_exp,
            "min_power": self.min_power,
            "ref_power": self.ref_power,
        }
