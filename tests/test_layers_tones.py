"""Layers that change light, colours, shapes and histograms of images, against Keras with the same
numbers drawn, and what chance does."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers
from nnseq.layers.random_images import RandomImageLayer

IMAGES = np.random.default_rng(0).uniform(0, 255, (4, 6, 7, 3)).astype("float32")
LARGE = np.random.default_rng(1).uniform(0, 255, (2, 30, 41, 1)).astype("float32")
FIRST = {"data_format": "channels_first"}
ONE = {"value_range": (0, 1)}
PERSPECTIVE = {"factor": (0.9, 1), "scale": 0.6}
ELASTIC = {"factor": (0.9, 1), "scale": (0.4, 0.9)}

DRAWN = [
    ("RandomHue", {"factor": 0.6}, IMAGES),
    ("RandomHue", {"factor": (0.2, 1), "value_range": (-100, 300), **FIRST}, IMAGES),
    ("RandomSaturation", {"factor": (0.1, 0.8)}, IMAGES),
    ("RandomSaturation", {"factor": 0.8, **ONE, **FIRST}, IMAGES / 255),
    ("RandomColorDegeneration", {"factor": (0.2, 1)}, IMAGES),
    ("RandomColorDegeneration", {"factor": 0.7, "value_range": (50, 200), **FIRST}, IMAGES),
    ("RandomSharpness", {"factor": (0, 1)}, IMAGES),
    ("RandomSharpness", {"factor": 0.3, **ONE, **FIRST}, IMAGES / 255),
    ("RandomPosterization", {"factor": (3, 3)}, IMAGES),
    ("RandomPosterization", {"factor": (2, 2), **ONE, **FIRST}, IMAGES / 255),
    ("RandomColorJitter", {"brightness_factor": 0.4, "contrast_factor": 0.3,
                           "saturation_factor": (0.2, 0.8), "hue_factor": 0.5}, IMAGES),
    ("RandomColorJitter", {"value_range": (0, 1), "hue_factor": 0.5}, IMAGES / 255),
    ("RandomShear", {"x_factor": 0.4, "y_factor": (0.1, 0.5)}, IMAGES),
    ("RandomShear", {"x_factor": 0.9, "fill_mode": "constant", "fill_value": 3.0,
                     "interpolation": "nearest", **FIRST}, IMAGES),
    ("RandomPerspective", PERSPECTIVE, IMAGES),
    ("RandomPerspective", {**PERSPECTIVE, "fill_value": 9.0, "interpolation": "nearest", **FIRST},
     IMAGES),
    ("RandomElasticTransform", ELASTIC, LARGE),
    ("RandomElasticTransform", {**ELASTIC, "fill_mode": "constant", "value_range": (60, 200),
                                **FIRST}, LARGE),
    ("RandomGaussianBlur", {"factor": (0.4, 0.6), "kernel_size": (5, 3)}, IMAGES),
    ("RandomGaussianBlur", {"kernel_size": 3, "sigma": (0.3, 0.9), **FIRST}, IMAGES),
    ("Equalization", {}, IMAGES),
    ("Equalization", {"bins": 9, "value_range": (-1, 400), **FIRST}, IMAGES),
    ("Equalization", {}, np.full((2, 3, 4, 1), 7, "float32")),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": (2, 3)}, LARGE),
    ("ContrastLimitedAdaptiveHistogramEqualization",
     {"tile_grid_size": (4, 3), "clip_limit": 0, **ONE, **FIRST}, IMAGES / 255),
]  # fmt: skip

NAMES = [name for name, _, _ in DRAWN]
# Keras compiles seconds for each of them: one of a layer is tested with every change.
COMPARED = [
    case if NAMES.index(case[0]) == i else pytest.param(*case, marks=pytest.mark.long)
    for i, case in enumerate(DRAWN)
]
WARPS = ("RandomShear", "RandomPerspective", "RandomElasticTransform")
ALWAYS = ("ContrastLimitedAdaptiveHistogramEqualization",)  # also in predict


@pytest.fixture
def same_numbers(monkeypatch):
    """Keras and nnseq draw the same; call it before each of the two."""
    pytest.importorskip("keras")
    import jax
    from keras.src.backend.jax import random as theirs

    calls = []

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        calls.append(1)
        found = np.random.default_rng(len(calls)).uniform(minval, maxval, int(np.prod(shape)))
        return jax.numpy.asarray(found.reshape(shape).astype("float32"))

    def normal(seed=None, shape=(), **_):
        found = np.random.default_rng(7).normal(size=int(np.prod(shape)))
        return found.reshape(shape).astype("float32")

    monkeypatch.setattr(theirs, "uniform", uniform)
    monkeypatch.setattr(jax.random, "normal", normal)
    monkeypatch.setattr(nnseq.random, "normal", lambda shape, seed: normal(seed, shape))
    monkeypatch.setattr(
        RandomImageLayer, "drawn", lambda self, shape, *ends: np.asarray(uniform(shape, *ends))
    )
    return calls.clear


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments", "x"), COMPARED)
def test_the_same_numbers_change_images_as_in_keras(same_numbers, name, arguments, x):
    import keras

    x = np.moveaxis(x, -1, 1).copy() if "data_format" in arguments else x
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    same_numbers()
    want = np.asarray(theirs(x, training=True))
    same_numbers()
    got = ours(x, training=True)
    assert (np.abs(want - x) > 0.05).any() or np.ptp(x) == 0
    difference = np.abs(got.numpy() - want)
    # A place on an edge between two pixels, or a value between two bins, may go either way.
    either_way = name in (*WARPS, "Equalization", *ALWAYS)
    assert np.quantile(difference, 0.99 if either_way else 1) < 5e-3 * max(1, np.abs(x).max() / 255)
    assert got.dtype == "float32" and difference.mean() < 0.1
    config = json.loads(json.dumps(ours.get_config()))
    assert json.loads(json.dumps(type(ours).from_config(config).get_config())) == config
    again = json.loads(json.dumps(type(theirs).from_config(config).get_config()))
    if name != "RandomShear":  # whose range Keras writes but does not read
        assert {**again, "dtype": 0} == {**config, "dtype": 0}
    type(ours).from_config(json.loads(json.dumps(theirs.get_config())))


@pytest.mark.parametrize(("name", "arguments", "x"), DRAWN[::2])
def test_alone_in_a_model_and_in_inference(name, arguments, x):
    """Any batch, one image, a Program; nothing happens in `predict`."""
    nnseq.utils.set_random_seed(2)  # else one in 200 runs of RandomGaussianBlur changes nothing
    x = np.moveaxis(x, -1, 1).copy() if "data_format" in arguments else x
    layer = getattr(layers, name)(**arguments)
    model = nnseq.Sequential([nnseq.Input(x.shape[1:]), layer])
    for batch in (x, x[:1]):
        quiet = model.predict(batch, verbose=0)
        assert (quiet == batch).all() or name in ALWAYS
        assert model(batch, training=True).shape == batch.shape
    assert layer(x[0]).shape == x.shape[1:]
    whole = layer(x.astype("uint8"))
    assert whole.dtype == ("uint8" if name in ALWAYS else "float32")
    if name not in ("Equalization", *ALWAYS, "RandomPosterization"):
        first, second = (model(x, training=True).numpy() for _ in range(2))
        assert (first != second).any()
        again = getattr(layers, name)(**arguments, seed=3)(x).numpy()
        np.testing.assert_array_equal(getattr(layers, name)(**arguments, seed=3)(x), again)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomPerspective", {"factor": (0.3, 0.3)}),
        ("RandomElasticTransform", {"factor": (0.3, 0.3)}),
        ("RandomGaussianBlur", {"factor": (0.3, 0.3)}),
    ],
)
def test_each_image_is_changed_by_itself(name, arguments):
    x = np.broadcast_to(LARGE[:1, :20, :20], (300, 20, 20, 1))
    changed = (getattr(layers, name)(seed=3, **arguments)(x).numpy() != x).any(axis=(1, 2, 3))
    assert abs(changed.mean() - 0.3) < 0.1


def test_what_is_drawn():
    grey = np.full((900, 1, 1, 3), 100, "float32")
    red = grey * np.float32([1, 0, 0])
    # A hue of 0 becomes one in (-0.25, 0.25): red stays, green or blue comes.
    hue = layers.RandomHue((0, 0.5), seed=1)(red).numpy()[:, 0, 0]
    assert (hue[:, 0] > 40).all() and abs((hue[:, 1] > 0).mean() - 0.5) < 0.08
    bits = layers.RandomPosterization((1, 4), seed=1)(grey * 2.55).numpy()[:, 0, 0, 0]
    values, counts = np.unique(bits, return_counts=True)
    assert values.tolist() == [128, 192, 224] and counts.min() > 240
    mixed = layers.RandomColorDegeneration((0.2, 0.6), seed=1)(red).numpy()[:, 0, 0, 1] / 29.89
    assert 0.2 <= mixed.min() < 0.22 and 0.58 < mixed.max() <= 0.6
    # Steps draw for themselves.
    jitter = layers.RandomColorJitter((0, 255), 0.2, (0.5, 0.5), seed=1)
    x = np.stack([np.full((500, 2), 80), np.full((500, 2), 120)], 1)[..., None].astype("float32")
    y = jitter(x).numpy()
    moves, factors = y.mean((1, 2, 3)) - 100, np.ptp(y, axis=(1, 2, 3)) / 40
    assert abs(np.corrcoef(moves, factors)[0, 1]) < 0.15
    lines = np.broadcast_to(np.arange(9, dtype="float32"), (500, 9, 9))[..., None]
    moved = layers.RandomShear((0.3, 0.5), fill_mode="nearest", seed=1)(lines).numpy()
    step = moved[:, 4, 4, 0] - moved[:, 3, 4, 0]
    assert abs((step > 0).mean() - 0.5) < 0.08 and 0.3 <= np.abs(step).min() < 0.32


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.RandomHue(2), ["factor", "2"]),
        (lambda: layers.RandomHue(0.1)(IMAGES[..., :2]), ["random_hue", "3 channels"]),
        (lambda: layers.RandomHue(0.1, 3), ["value_range", "3"]),
        (lambda: layers.RandomSaturation("red"), ["factor", "red"]),
        (lambda: layers.RandomPosterization(0), ["factor", "0"]),
        (lambda: layers.RandomColorJitter(hue_factor=3), ["factor", "3"]),
        (lambda: layers.RandomShear(2), ["x_factor", "2"]),
        (lambda: layers.RandomPerspective(scale=2), ["scale", "2"]),
        (lambda: layers.RandomElasticTransform(scale=-1), ["scale", "-1"]),
        (lambda: layers.RandomGaussianBlur(kernel_size=2), ["kernel_size", "2"]),
        (lambda: layers.RandomGaussianBlur(kernel_size=(3, 3, 3)), ["kernel_size"]),
        (lambda: layers.Equalization(bins=0), ["bins", "0"]),
        (lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=-1),
         ["clip_limit", "-1"]),
        (lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(0, 1)),
         ["tile_grid_size", "0"]),
        (lambda: nnseq.ops.image.rgb_to_hsv(np.zeros((2, 2, 3), "uint8")), ["float", "uint8"]),
    ],
)  # fmt: skip
def test_wrong_use_is_answered_in_a_line(make, words):
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as error:
        make()
    for word in words:
        assert word in str(error.value)
    with pytest.raises(NotImplementedError, match="cubic"):
        layers.RandomPerspective(interpolation="cubic")
