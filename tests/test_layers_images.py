"""Layers of images against Keras, and what chance does: ranges, means, independence, seeds."""

import inspect
import json

import numpy as np
import pytest

import nnseq
from nnseq import _core, layers
from nnseq.layers.random_images import RandomImageLayer


def images(shape=(5, 6, 7, 2), seed=0):
    return np.random.default_rng(seed).uniform(0, 255, shape).astype("float32")


SIZED = [
    ("Resizing", {"height": 4, "width": 9}),
    ("Resizing", {"height": 9, "width": 3, "interpolation": "nearest"}),
    ("Resizing", {"height": 3, "width": 4, "interpolation": "bicubic", "antialias": True}),
    ("Resizing", {"height": 5, "width": 5, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 5, "width": 9, "pad_to_aspect_ratio": True, "fill_value": 7.0}),
    ("CenterCrop", {"height": 3, "width": 4}),
    ("CenterCrop", {"height": 6, "width": 2}),
    ("CenterCrop", {"height": 8, "width": 5}),
]


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), SIZED)
def test_sizes_are_those_of_keras(name, arguments):
    keras = pytest.importorskip("keras")
    for more in ({}, {"data_format": "channels_first"}):
        ours = getattr(layers, name)(**arguments, **more)
        theirs = getattr(keras.layers, name)(**arguments, **more)
        for x in (images(), images().astype("uint8"), images()[0]):
            x = np.moveaxis(x, -1, -3) if more else x
            got, want = ours(x), np.asarray(theirs(x))
            assert got.shape == want.shape and got.dtype == str(want.dtype)
            difference = np.abs(got.numpy().astype(float) - want)
            if got.dtype == "uint8":  # halves are rounded up or down
                assert difference.max() <= 1 and (difference > 0).mean() < 0.05
            else:
                assert difference.max() < 2e-3
        shape = (None, 2, 6, 7) if more else (None, 6, 7, 2)
        assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))
        config = json.loads(json.dumps(ours.get_config()))
        assert type(ours).from_config(config).get_config() == config
        theirs.from_config(config)


MOVING = [
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomFlip", {"mode": "vertical", "data_format": "channels_first"}),
    ("RandomFlip", {}),
    ("RandomRotation", {"factor": 0.3}),
    ("RandomRotation", {"factor": (-0.1, 0.4), "fill_mode": "constant", "fill_value": 3.0}),
    ("RandomRotation", {"factor": 0.2, "fill_mode": "wrap", "data_format": "channels_first"}),
    ("RandomTranslation", {"height_factor": 0.5, "width_factor": (-0.2, 0.6)}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.1, "fill_mode": "nearest"}),
    ("RandomZoom", {"height_factor": 0.4}),
    ("RandomZoom", {"height_factor": (-0.5, -0.2), "width_factor": 0.3, "fill_mode": "constant"}),
    ("RandomContrast", {"factor": 0.5}),
    ("RandomContrast", {"factor": (0.2, 0.9), "value_range": (50, 200)}),
    ("RandomBrightness", {"factor": 0.3}),
    ("RandomBrightness", {"factor": (-0.8, 0.1), "value_range": [10, 240]}),
]


@pytest.mark.keras
@pytest.mark.parametrize(("name", "arguments"), MOVING)
def test_the_same_numbers_change_images_as_in_keras(monkeypatch, name, arguments):
    keras = pytest.importorskip("keras")
    from keras.src.backend.jax import random as theirs

    x = images()
    x = x.transpose(0, 3, 1, 2) if "data_format" in arguments else x
    drawn = np.random.default_rng(1).uniform(0, 1, (2, len(x))).astype("float32")
    calls = []

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        calls.append(1)
        u = drawn[len(calls) - 1] if not isinstance(shape[0], int) or shape[0] > 1 else 0.25
        return keras.ops.convert_to_tensor(
            np.broadcast_to(minval + np.reshape(u, (-1, *[1] * (len(shape) - 1))) *
                            (maxval - minval), shape).astype("float32"))  # fmt: skip

    monkeypatch.setattr(theirs, "uniform", uniform)
    want = np.asarray(getattr(keras.layers, name)(**arguments)(x, training=True))
    calls.clear()
    monkeypatch.setattr(
        RandomImageLayer, "uniform",
        lambda self, x, low, high: nnseq.ops.reshape(uniform(x.shape[:1], low, high), (-1,)),
    )  # fmt: skip
    got = getattr(layers, name)(**arguments)(x).numpy()
    assert (np.abs(got - x) > 1).any()
    np.testing.assert_allclose(got, want, atol=5e-3)


RANDOM = [(name, arguments) for name, arguments in MOVING if "data_format" not in arguments]
RANDOM.append(("RandomCrop", {"height": 3, "width": 4}))


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_seeds_modes_and_independence(name, arguments):
    cls, same = getattr(layers, name), np.repeat(images()[:1], 40, axis=0)
    layer = cls(**arguments, seed=3)
    first, second = layer(same).numpy(), layer(same).numpy()
    assert (first != second).any()
    again = cls(**arguments, seed=3)
    np.testing.assert_array_equal(again(same), first)
    assert len(np.unique(first.reshape(40, -1), axis=0)) >= (2 if name == "RandomFlip" else 8)
    assert (cls(**arguments, seed=4)(same).numpy() != first).any()
    rest = layer(same, training=False).numpy()
    if name == "RandomCrop":
        np.testing.assert_array_equal(rest, np.repeat(rest[:1], 40, axis=0))
        assert rest.shape == (40, 3, 4, 2)
    else:
        np.testing.assert_array_equal(rest, same)
    assert layer(images()[0]).shape == first.shape[1:]
    assert layer(images().astype("uint8")).dtype == "float32"
    config = json.loads(json.dumps(layer.get_config()))
    assert plain(cls.from_config(config).get_config()) == plain(layer.get_config())


def plain(config):
    return json.loads(json.dumps(config))


def test_the_number_of_threads_changes_nothing():
    found = []
    before = _core.num_threads()
    try:
        for threads in (1, 2):
            _core.set_num_threads(threads)
            model = augmented()
            found.append(model(images((9, 16, 16, 1)), training=True).numpy())
    finally:
        _core.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def augmented(*more):
    return nnseq.Sequential(
        [
            nnseq.Input((16, 16, 1)),
            layers.RandomFlip("horizontal", seed=1),
            layers.RandomRotation(0.1, seed=2),
            layers.RandomZoom(0.2, seed=3),
            layers.RandomTranslation(0.1, 0.1, seed=4),
            layers.RandomContrast(0.2, seed=5),
            layers.RandomBrightness(0.1, seed=6),
            *more,
        ]
    )


def test_in_a_model():
    model = augmented(layers.RandomCrop(12, 12, seed=7), layers.Flatten(), layers.Dense(1))
    x = images((8, 16, 16, 1))
    first = model(x, training=True).numpy()
    assert (model(x, training=True).numpy() != first).any()
    quiet = model.predict(x, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), quiet)
    np.testing.assert_array_equal(model(x, training=False), quiet)
    model.compile("sgd", "mse")
    assert model.evaluate(x, quiet, verbose=0) == 0
    model.optimizer.learning_rate = 0.0
    losses = model.fit(x, quiet, epochs=3, batch_size=3, verbose=0).history["loss"]
    assert len(set(losses)) == 3 and min(losses) > 0


def test_images_of_any_size_in_a_model():
    model = nnseq.Sequential(
        [nnseq.Input((None, None, 1)), layers.Resizing(4, 5), layers.RandomRotation(0.1)]
    )
    assert model.output_shape == (None, 4, 5, 1)
    for size in ((7, 3), (4, 5), (9, 9)):
        assert model.predict(images((2, *size, 1)), verbose=0).shape == (2, 4, 5, 1)


# --- what chance does -----------------------------------------------------------------------------


def test_half_of_the_images_are_flipped():
    x = np.arange(3.0, dtype="float32").reshape(1, 1, 3, 1).repeat(2000, 0)
    for mode, share in (("horizontal", 0.5), ("horizontal_and_vertical", 0.5), ("vertical", 0)):
        y = layers.RandomFlip(mode, seed=0)(x).numpy()
        assert abs((y[:, 0, 0, 0] == 2).mean() - share) < 0.04


def test_brightness_and_contrast_are_uniform():
    x = np.full((3000, 2, 2, 1), 100, "float32")
    moves = layers.RandomBrightness((-0.2, 0.1), seed=0)(x).numpy()[:, 0, 0, 0] - 100
    assert -51 <= moves.min() < -49 and 24 < moves.max() <= 25.5
    assert abs(moves.mean() + 12.75) < 1.2 and abs(moves.std() - 76.5 / 12**0.5) < 1
    x[:, 0] = 110
    factors = np.ptp(layers.RandomContrast((0.4, 0.2), seed=0)(x).numpy(), axis=(1, 2, 3)) / 10
    assert factors.min() >= 0.6 - 1e-5 and factors.max() <= 1.4 + 1e-5
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.06


def test_translation_goes_down_and_right_within_its_range():
    x = np.broadcast_to(np.arange(20, dtype="float32"), (2000, 20, 20))[..., np.newaxis]
    layer = layers.RandomTranslation(0, (0.1, 0.3), fill_mode="nearest", seed=0)
    moves = 10 - layer(x).numpy()[:, 5, 10, 0]
    assert moves.min() >= 2 - 1e-4 and moves.max() <= 6 + 1e-4
    assert abs(moves.mean() - 4) < 0.1
    down = layers.RandomTranslation((0.1, 0.3), 0, fill_mode="nearest", seed=0)
    moves = 10 - down(x.swapaxes(1, 2)).numpy()[:, 10, 5, 0]
    assert moves.min() >= 2 - 1e-4 and abs(moves.mean() - 4) < 0.1


def test_zoom_and_rotation_leave_the_middle_where_it_is():
    x = np.zeros((500, 9, 9, 1), "float32")
    x[:, 4, 4] = 1
    for layer in (layers.RandomZoom(0.5, seed=0), layers.RandomRotation(1.0, seed=0)):
        np.testing.assert_allclose(layer(x).numpy()[:, 4, 4, 0], 1, atol=1e-4)
    x = np.broadcast_to(np.arange(9, dtype="float32") - 4, (500, 9, 9))[..., np.newaxis]
    scale = layers.RandomZoom((0.1, 0.2), seed=0)(x).numpy()[:, 4, 5, 0]
    assert scale.min() >= 1.1 - 1e-4 and scale.max() <= 1.2 + 1e-4  # smaller: more is seen
    turned = layers.RandomRotation((0.25, 0.25), seed=0)(x).numpy()[0, :, :, 0]
    np.testing.assert_allclose(turned, -x[0, :, :, 0].T, atol=1e-4)


def test_crops_come_from_everywhere():
    x = np.arange(30, dtype="float32").reshape(1, 5, 6, 1).repeat(3000, 0)
    y = layers.RandomCrop(3, 4, seed=0)(x).numpy()
    corners = y[:, 0, 0, 0].astype(int)
    places, counts = np.unique(corners, return_counts=True)
    assert places.tolist() == [6 * r + c for r in range(3) for c in range(3)]
    assert counts.min() > 260 and counts.max() < 410
    for image, corner in zip(y[:50], corners, strict=False):
        r, c = divmod(corner, 6)
        np.testing.assert_array_equal(image, x[0, r : r + 3, c : c + 4])
    small = images((2, 2, 9, 1))
    want = layers.Resizing(3, 4, crop_to_aspect_ratio=True)(small)
    np.testing.assert_array_equal(layers.RandomCrop(3, 4)(small), want)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("Resizing", {"height": 0, "width": 2}, ValueError, "`height` must be a positive integer"),
        ("Resizing", {"height": 1, "width": 2, "interpolation": "area"}, ValueError, "area"),
        ("CenterCrop", {"height": 1, "width": 2.5}, ValueError, "`width`"),
        ("RandomFlip", {"mode": "diagonal"}, ValueError, "`mode` must be one of"),
        ("RandomRotation", {"factor": 1.5}, ValueError, "factor=1.5"),
        ("RandomRotation", {"factor": (0, 1, 2)}, ValueError, "factor="),
        ("RandomRotation", {"factor": "a"}, ValueError, "factor=a"),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "mirror"}, NotImplementedError, "mirror"),
        ("RandomZoom", {"height_factor": -1}, ValueError, "height_factor=-1"),
        ("RandomZoom", {"height_factor": 0.1, "width_factor": 2}, ValueError, "width_factor=2"),
        ("RandomTranslation", {"height_factor": 0, "width_factor": 2}, ValueError, "width_factor"),
        ("RandomZoom", {"height_factor": 0.1, "interpolation": "bicubic"}, NotImplementedError,
         "bicubic"),
        ("RandomContrast", {"factor": -0.5}, ValueError, "factor=-0.5"),
        ("RandomBrightness", {"factor": 0.1, "value_range": 3}, ValueError, "value_range=3"),
    ],
)  # fmt: skip
def test_refused_arguments(name, arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        getattr(layers, name)(**arguments)
    assert "\n" not in str(caught.value)


def test_images_with_labels():
    layer, same = (layers.RandomFlip(seed=1) for _ in range(2))
    found = layer({"images": images(), "labels": np.arange(5)})
    np.testing.assert_array_equal(found["images"], same(images()))
    assert found["labels"].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(NotImplementedError, match="bounding_boxes"):
        layer({"images": images(), "bounding_boxes": np.ones(5)})


def test_refused_inputs():
    with pytest.raises(ValueError, match=r"random_flip.*images rank.*\(3, 4\)"):
        layers.RandomFlip(name="random_flip")(np.ones((3, 4), "float32"))
    with pytest.raises(ValueError, match="Unrecognized keyword arguments"):
        layers.RandomFlip(bounding_box_format="xyxy")


def test_documented():
    for name in ("Resizing", "CenterCrop", *dict(RANDOM)):
        assert ">>>" in inspect.getdoc(getattr(layers, name))
