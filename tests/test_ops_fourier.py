"""Fourier transforms and spectra of nnseq.ops against Keras' own and NumPy's in float64, eager and
traced, with gradients."""

import keras_ops
import numpy as np
import pytest

from nnseq import Input, Model, ops
from nnseq.ops.windows import cosine_window

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(23)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def pair(*shape):
    return normal(*shape), normal(*shape)


WINDOW = np.abs(normal(12)) + np.float32(0.1)
WAVE = normal(2, 70)
FRAMES = {"sequence_length": 12, "sequence_stride": 5, "fft_length": 16}

CASES = [
    *[("rfft", (normal(2, n),), {}) for n in (1, 2, 5, 8, 30)],
    ("rfft", (normal(2, 66),), {}),
    ("rfft", (normal(9),), {"fft_length": 16}),
    ("rfft", (normal(9),), {"fft_length": 5}),
    ("extract_sequences", (WAVE,), {"sequence_length": 8, "sequence_stride": 3}),
    ("extract_sequences", (WAVE[0],), {"sequence_length": 4, "sequence_stride": 6}),
    ("stft", (WAVE,), FRAMES),
    ("stft", (WAVE,), {**FRAMES, "window": "hamming", "center": False}),
    ("stft", (WAVE[0],), {**FRAMES, "window": None}),
    ("stft", (normal(2, 1, 70),), {**FRAMES, "window": WINDOW}),
]
# One argument that is a pair: of the function, its other arguments.
PAIRS = [
    *[("fft", pair(2, n), {}) for n in (1, 3, 8, 66)],
    *[(name, pair(*shape), {}) for name in ("fft2", "ifft2") for shape in ((3, 4), (2, 5, 70))],
    *[("irfft", pair(2, n), {}) for n in (2, 5, 36)],
    *[("irfft", pair(2, 6), {"fft_length": n}) for n in (6, 9, 15, 80)],
    ("istft", pair(2, 12, 9), FRAMES),
    ("istft", pair(12, 9), {**FRAMES, "window": None}),
    ("istft", pair(12, 9), {**FRAMES, "window": "hamming", "center": False}),
    ("istft", pair(2, 12, 9), {**FRAMES, "length": 40, "window": WINDOW}),
    ("istft", pair(12, 9), {**FRAMES, "length": 90}),
    ("istft", pair(12, 9), {**FRAMES, "length": 60, "center": False}),
]


@pytest.mark.parametrize("case", CASES, ids=keras_ops.ids(CASES))
def test_values_are_keras(case):
    keras_ops.check_values(*case)
    keras_ops.check_traced(*case)


@pytest.mark.parametrize("case", PAIRS, ids=keras_ops.ids(PAIRS))
def test_values_of_pairs_are_keras(case):
    name, (real, imag), options = case
    keras_ops.check_values(name, ((real, imag),), options)


@pytest.mark.parametrize("name", sorted({case[0] for case in [*CASES, *PAIRS]}))
def test_signatures_are_keras(name):
    keras_ops.check_signature(name)


@pytest.mark.parametrize("case", CASES, ids=keras_ops.ids(CASES))
def test_gradients(case):
    keras_ops.check_gradients(*case)


@pytest.mark.parametrize("case", PAIRS, ids=keras_ops.ids(PAIRS))
def test_gradients_of_pairs(case, monkeypatch):
    name, arrays, options = case
    whole = getattr(ops, name)
    monkeypatch.setattr(ops, name, lambda real, imag, **more: whole((real, imag), **more))
    keras_ops.check_gradients(name, arrays, options)
    keras_ops.check_traced(name, arrays, options)


@pytest.mark.parametrize("size", [64, 97, 120, 256, 1000, 2048])
def test_sizes_in_float64(size):
    x = RNG.normal(size=(2, size))
    want = np.fft.rfft(x)
    real, imag = ops.rfft(x)
    scale = 3e-6 * np.abs(want).max()
    assert np.abs(real.numpy() + 1j * imag.numpy() - want).max() <= scale
    assert np.abs(ops.irfft((real, imag), size).numpy() - x).max() <= 1e-5


def test_a_signal_comes_back():
    parts = ops.stft(WAVE, 16, 4, 16)
    np.testing.assert_allclose(ops.istft(parts, 16, 4, 16, length=70), WAVE[:, :70], atol=1e-5)


@pytest.mark.parametrize("periodic", [False, True])
def test_windows_are_those_of_scipy(periodic):
    signal = pytest.importorskip("scipy.signal")
    for name in ("hann", "hamming", "blackman", "nuttall", "blackmanharris", "flattop", "boxcar"):
        for size in (1, 2, 7, 16):
            want = signal.get_window(name, size, periodic)
            np.testing.assert_allclose(cosine_window(name, size, periodic), want, atol=2e-7)


def test_models_of_any_batch():
    inputs = Input((70,))
    spectrum = ops.stft(inputs, **FRAMES)
    model = Model(inputs, [*spectrum, ops.istft(spectrum, **FRAMES)])
    found = model.predict(WAVE, batch_size=1, verbose=0)
    for ours, want in zip(found[:2], ops.stft(WAVE, **FRAMES), strict=True):
        np.testing.assert_allclose(ours, want, atol=1e-5)
    np.testing.assert_allclose(found[2], WAVE[:, : found[2].shape[1]], atol=1e-5)


ERRORS = [
    (lambda: ops.fft(WAVE[0]), ValueError, "a tuple of two tensors"),
    (lambda: ops.fft((WAVE, WAVE[0])), ValueError, "same shape"),
    (lambda: ops.irfft((np.ones(3, int), np.ones(3, int))), ValueError, "not of type float"),
    (lambda: ops.stft(WAVE, 8, 0, 8), ValueError, "positive integer"),
    (lambda: ops.stft(WAVE, 8, 2, 4), ValueError, "equal or larger"),
    (lambda: ops.stft(WAVE, 8, 2, 8, window="flattop"), ValueError, "'hann', 'hamming'"),
    (lambda: ops.stft(WAVE, 8, 2, 8, window=WINDOW), ValueError, r"window shape=\(12,\)"),
    (lambda: ops.stft(np.ones(20, int), 8, 2, 8), TypeError, "input type=int64"),
    (lambda: ops.istft((WAVE[0], WAVE[0]), 8, 2, 8), ValueError, "at least 2 dimensions"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors_are_one_line(case):
    function, kind, text = ERRORS[case]
    with pytest.raises(kind, match=text) as caught:
        function()
    assert "\n" not in str(caught.value)
