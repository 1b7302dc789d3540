"""STFTSpectrogram, MelSpectrogram and the STFT initializer against Keras'; the comparisons are
those of test_layers.py."""

import numpy as np
import pytest

import nnseq
from nnseq import initializers, layers

pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
import keras
import test_layers as oracle

pytestmark = pytest.mark.keras

FIRST = {"data_format": "channels_first"}
SMALL = {"frame_length": 10, "frame_step": 4, "fft_length": 16}
WAVES = (3, 41, 2)
MODES = ["log", "magnitude", "psd", "real", "imag", "angle", "stft"]

CASES = [
    *[("STFTSpectrogram", {"mode": mode, **SMALL}, WAVES) for mode in MODES],
    ("STFTSpectrogram", {"mode": "stft", **SMALL, **FIRST, "expand_dims": True}, (3, 2, 41)),
    ("STFTSpectrogram", {"mode": "psd", **SMALL, **FIRST, "padding": "same"}, (3, 2, 41)),
    ("STFTSpectrogram", {"frame_length": 8, "expand_dims": True, "window": "hamming"}, WAVES),
    ("STFTSpectrogram", {"frame_length": 7, "scaling": "spectrum", "periodic": True}, WAVES),
    ("STFTSpectrogram", {**SMALL, "window": [1.0, 2.0] * 5, "scaling": None}, WAVES),
    ("STFTSpectrogram", {**SMALL, "window": None, "trainable": False}, WAVES),
    *[
        ("MelSpectrogram", {"fft_length": 16, "sequence_stride": 5, "num_mel_bins": 6, **more},
         (3, 50))
        for more in (
            {"sampling_rate": 8000, "top_db": 200.0},
            {"power_to_db": False, "mag_exp": 1.0, "min_freq": 300.0, "max_freq": 3000.0},
            {"sequence_length": 12, "window": "hann", "ref_power": 7.0, "top_db": 10.0},
            {"sequence_length": 4, "window": [1.0, 3.0, 2.0, 0.5], "power_to_db": False},
        )
    ],
]  # fmt: skip
IDS = [f"{i}_{name}" for i, (name, _, _) in enumerate(CASES)]


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_values_and_gradients(name, arguments, shape):
    oracle.test_values_and_gradients(name, arguments, shape)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_weights_and_shapes(name, arguments, shape):
    ours, theirs = oracle.make_pair(name, arguments, shape)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert len(ours.trainable_weights) == len(theirs.trainable_weights)
    symbolic = getattr(layers, name)(**arguments)(nnseq.KerasTensor((None, *shape[1:])))
    assert tuple(symbolic.shape) == (None, *np.asarray(theirs(oracle.normal(shape))).shape[1:])


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_configuration_is_read_by_keras_and_back(name, arguments, shape):
    oracle.test_configuration_is_read_by_keras_and_back(name, arguments, shape)


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize(
    "more",
    [{}, {"window": "blackman", "scaling": "spectrum"}, {"window": None}, {"periodic": True},
     {"window": np.arange(1.0, 10.0), "scaling": None}],
)  # fmt: skip
def test_the_initializer(side, more):
    want = np.asarray(keras.initializers.STFT(side, **more)((9, 1, 17)))
    np.testing.assert_allclose(initializers.STFT(side, **more)((9, 1, 17)), want, atol=2e-5)
    made = initializers.get({"class_name": "STFT", "config": {"side": side}})
    assert made.get_config() == keras.initializers.STFT(side).get_config()


def test_a_batch_of_any_size_and_one_signal():
    x = oracle.normal((5, 64))
    layer = layers.MelSpectrogram(16, 8, num_mel_bins=5, top_db=500.0)
    model = nnseq.Sequential([nnseq.Input((64,)), layer])
    found = model.predict(x, batch_size=2, verbose=0)
    assert found.shape == (5, 5, 9)
    np.testing.assert_allclose(layer(x[0]), found[0], atol=1e-4)


def test_tones_are_told_apart():
    """A classifier of two tones in noise: its kernels begin as Fourier's and learn."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    time = np.arange(128)
    turn = np.where(labels, 0.11, 0.14)[:, None] * time + rng.uniform(0, 1, (200, 1))
    tones = np.sin(2 * np.pi * turn)
    x = (tones + rng.normal(size=tones.shape)).astype("float32")[..., None]
    nnseq.utils.set_random_seed(0)
    model = nnseq.Sequential(
        [layers.STFTSpectrogram(frame_length=32), layers.GlobalAveragePooling1D(),
         layers.Dense(1, activation="sigmoid")]
    )  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    before = None
    for epochs in (1, 25):
        model.fit(x[:150], labels[:150], epochs=epochs, verbose=0)
        before = model.layers[0].get_weights()[0] if before is None else before
    assert model.evaluate(x[150:], labels[150:], verbose=0)[1] > 0.9
    assert (model.layers[0].get_weights()[0] != before).any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.STFTSpectrogram(frame_step=300), ["frame_step=300", "256"]),
        (lambda: layers.STFTSpectrogram(fft_length=100), ["fft_length=100"]),
        (lambda: layers.STFTSpectrogram("power"), ["mode", "power"]),
        (lambda: layers.STFTSpectrogram(window="round"), ["round", "hann"]),
        (lambda: layers.STFTSpectrogram(scaling="all"), ["scaling=all"]),
        (lambda: layers.STFTSpectrogram(padding="causal"), ["padding", "causal"]),
        (lambda: layers.STFTSpectrogram()(np.ones((1, 300), "float32")), ["ndim=3"]),
        (lambda: layers.STFTSpectrogram(window=[1.0])(np.ones((1, 300, 1), "f")), ["(1,)"]),
        (lambda: layers.MelSpectrogram(64, sequence_length=65), ["65", "64"]),
        (lambda: initializers.STFT("left"), ["left"]),
    ],
)
def test_errors_are_one_line(make, words):
    with pytest.raises(ValueError, match=r".") as caught:
        make()
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_types_and_lengths():
    with pytest.raises(TypeError, match="int32"):
        layers.STFTSpectrogram()(np.ones((1, 300, 1), "int32"))
    with pytest.warns(UserWarning, match="power of two"):
        layers.STFTSpectrogram(frame_length=6, fft_length=10)
