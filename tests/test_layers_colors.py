"""Augmentation of colours against Keras where nothing is left to chance, else its properties."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers

pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
import keras

pytestmark = pytest.mark.keras

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 4, 5, 3)).astype("float32")
FLAT = IMAGES.copy()
FLAT[1, :, :, 2] = 40.0
FIRST = {"data_format": "channels_first"}

CERTAIN = [
    ("RandomGrayscale", {"factor": 1.0}, IMAGES),
    ("RandomGrayscale", {"factor": 0.0}, IMAGES),
    ("RandomGrayscale", {"factor": 1.0, **FIRST}, np.moveaxis(IMAGES, -1, 1).copy()),
    ("RandomInvert", {"factor": (1, 1), "value_range": (0, 300)}, IMAGES),
    ("RandomInvert", {"factor": 0}, IMAGES),
    ("Solarization", {}, IMAGES),
    ("Solarization", {"value_range": (300, -100)}, IMAGES),
    ("AutoContrast", {}, FLAT),
    ("AutoContrast", {"value_range": (-1, 300)}, FLAT),
    ("RandomErasing", {"factor": (1, 1), "scale": (1, 1), "fill_value": 3}, IMAGES),
    ("RandomErasing", {"factor": 0, "fill_value": 3, **FIRST}, IMAGES),
]


@pytest.mark.parametrize(("name", "arguments", "x"), CERTAIN)
def test_as_keras(name, arguments, x):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    for training in (True, False):
        want = np.asarray(theirs(x, training=training))
        np.testing.assert_allclose(ours(x, training=training).numpy(), want, rtol=1e-4, atol=1e-3)
    config = json.loads(json.dumps(ours.get_config()))
    again = json.loads(json.dumps(type(theirs).from_config(config).get_config()))
    assert {k: v for k, v in again.items() if k in config and k != "dtype"} == {
        k: v for k, v in config.items() if k != "dtype"
    }


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomGrayscale", {"factor": 0.3}),
        ("RandomInvert", {"factor": (0.3, 0.3)}),
        ("RandomErasing", {"factor": (0.3, 0.3), "fill_value": 0.0, "scale": (0.9, 1)}),
    ],
)
def test_each_image_is_changed_by_itself(name, arguments):
    x = np.broadcast_to(IMAGES[:1], (600, *IMAGES.shape[1:]))
    layer = getattr(layers, name)(seed=3, **arguments)
    changed = (layer(x).numpy() != x).any(axis=(1, 2, 3))
    assert abs(changed.mean() - 0.3) < 0.08
    assert (changed != (layer(x).numpy() != x).any(axis=(1, 2, 3))).any()  # another call
    np.testing.assert_array_equal(layer(x, training=False).numpy(), x)


@pytest.mark.parametrize("first", [False, True])
def test_what_is_erased_is_a_rectangle(first):
    x = np.ones((200, 2, 30, 20) if first else (200, 30, 20, 2), "float32")
    layer = layers.RandomErasing(
        (1, 1), (0.1, 0.5), seed=1, data_format="channels_first" if first else None
    )
    gone = np.moveaxis(layer(x).numpy(), 1, -1) if first else layer(x).numpy()
    assert gone.min() == 0 and 1 < gone.max() <= 255  # noise, cut off to the value range
    gone = (gone != 1).any(axis=-1)
    rows, columns = gone.any(axis=2), gone.any(axis=1)
    np.testing.assert_array_equal(gone, rows[:, :, None] & columns[:, None, :])
    for found, size in ((rows.sum(1), 30), (columns.sum(1), 20)):
        assert found.min() >= size * np.sqrt(0.1) - 1 and found.max() <= size * np.sqrt(0.5) + 1
        assert len(set(found)) > 4
    assert len(set(rows.argmax(1))) > 9


def test_a_fill_value_for_each_channel():
    """Where Keras 3.15 fails on JAX."""
    arguments = {"factor": (1, 1), "scale": (1, 1), "fill_value": [3, 300, 9.5]}
    last = layers.RandomErasing(**arguments)(IMAGES).numpy()
    first = layers.RandomErasing(**arguments, **FIRST)(np.moveaxis(IMAGES, -1, 1)).numpy()
    for y in (last, np.moveaxis(first, 1, -1)):
        np.testing.assert_array_equal(y, np.broadcast_to([3, 255, 9.5], IMAGES.shape))


def test_solarization_draws_parts_of_the_range():
    x = np.full((500, 1, 1, 1), 0.25, "float32")
    y = layers.Solarization((0.1, 0.2), (1, 1), value_range=(0, 1), seed=1)(x).numpy()
    assert 0.35 <= y.min() < 0.36 and 0.44 < y.max() <= 0.4500001
    z = layers.Solarization(0, 0.5, value_range=(0, 1), seed=1)(x).numpy()
    assert set(np.unique(z)) == {0.25, 0.75} and abs((z == 0.25).mean() - 0.5) < 0.08


def augmented(library):
    made = [
        library.layers.RandomInvert(1.0, (0, 1), seed=1),
        library.layers.RandomGrayscale(1.0),
        library.layers.BatchNormalization(),
    ]
    body = [library.Input((4, 5, 3)), library.layers.Pipeline(made, name="augmented")]
    return library.Sequential([*body, library.layers.Flatten(), library.layers.Dense(2)])


def test_pipeline(tmp_path):
    x = IMAGES / 255
    for one, other in ((nnseq, keras), (keras, nnseq)):
        model = augmented(one)
        model.compile("sgd", "mse")
        model.fit(x, np.zeros((3, 2)), verbose=0)
        model.save(tmp_path / "model.keras")
        again = other.saving.load_model(tmp_path / "model.keras")
        want = model.predict(x, verbose=0)
        np.testing.assert_allclose(again.predict(x, verbose=0), want, rtol=1e-4, atol=1e-5)
    layer = augmented(nnseq).layers[0]
    assert [type(x).__name__ for x in type(layer).from_config(layer.get_config()).layers] == [
        "RandomInvert",
        "RandomGrayscale",
        "BatchNormalization",
    ]
    grey = layers.Pipeline([layers.RandomGrayscale(1.0)])
    assert (
        np.ptp(grey({"images": x, "labels": x[:, 0, 0, 0]})["images"].numpy(), axis=-1).max() < 1e-6
    )
    np.testing.assert_array_equal(grey(x, training=False).numpy(), x)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.RandomGrayscale(2), ["factor", "2"]),
        (lambda: layers.RandomGrayscale()(IMAGES[..., :2]), ["random_grayscale", "3 channels"]),
        (lambda: layers.RandomInvert(1.5), ["factor", "1.5"]),
        (lambda: layers.RandomErasing(fill_value="red"), ["fill_value", "red"]),
        (lambda: layers.RandomErasing(scale=2), ["scale", "2"]),
        (lambda: layers.Solarization(value_range=3), ["value_range", "3"]),
        (lambda: layers.AutoContrast((1, 2, 3)), ["value_range"]),
        (lambda: layers.Pipeline("flip"), ["layers", "flip"]),
        (lambda: layers.Pipeline([3]), ["layers", "3"]),
    ],
)
def test_wrong_use_is_answered_in_a_line(make, words):
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as error:
        make()
    for word in words:
        assert word in str(error.value)
