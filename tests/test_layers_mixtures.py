"""MixUp and CutMix against Keras where nothing is left to chance, else their properties."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers

keras = pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")

COUNT = 400
# Of one number each, so that an image says which one it is.
IMAGES = np.broadcast_to(np.arange(COUNT, dtype="float32").reshape(-1, 1, 1, 1), (COUNT, 6, 8, 1))
LABELS = np.eye(COUNT, dtype="float32")
DATA = {"images": IMAGES, "labels": LABELS}


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
@pytest.mark.parametrize("arguments", [{}, {"data_format": "channels_first", "seed": 3}])
def test_config_is_keras(name, arguments):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    config = json.loads(json.dumps(ours.get_config()))
    want = json.loads(json.dumps(theirs.get_config()))
    assert {k: v for k, v in config.items() if k != "dtype"} == {
        k: v for k, v in want.items() if k in config and k != "dtype"
    }
    assert json.loads(json.dumps(type(theirs).from_config(config).get_config())) == want
    assert type(ours).from_config(config).get_config() == ours.get_config()


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_nothing_changes_without_training_or_another_image(name):
    layer = getattr(layers, name)()
    found = layer(DATA, training=False)
    np.testing.assert_array_equal(found["images"], IMAGES)
    np.testing.assert_array_equal(found["labels"], LABELS)
    np.testing.assert_array_equal(layer(IMAGES[5]), IMAGES[5])
    same = np.broadcast_to(IMAGES[7], (5, 6, 8, 1))
    np.testing.assert_allclose(layer(same, training=True), same, rtol=1e-6)


def test_mix_up():
    """Each image is of two, in the parts that its label says; weights are beta's."""
    found = layers.MixUp(alpha=0.5, seed=2)(DATA)
    images, labels = found["images"].numpy(), found["labels"].numpy()
    assert (images == images[:, :1, :1]).all()
    np.testing.assert_allclose(images[:, 0, 0, 0], labels @ np.arange(COUNT), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)
    assert ((labels > 0).sum(1) <= 2).all()
    own = np.diag(labels)
    assert abs(own.mean() - 0.5) < 0.06
    assert abs(own.var() - 1 / 8) < 0.02  # of beta(a, a): 1 / (8 a + 4)
    assert ((labels > 0).sum(0) <= 2).all()  # each is mixed into one other


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cut_mix(data_format):
    """A rectangle of another image, whose area the label says up to a pixel on each side."""
    x = IMAGES if data_format == "channels_last" else np.moveaxis(IMAGES, -1, 1)
    found = layers.CutMix(seed=2, data_format=data_format)({"images": x, "labels": LABELS})
    images, labels = found["images"].numpy(), found["labels"].numpy()
    images = images[..., 0] if data_format == "channels_last" else images[:, 0]
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)
    cuts = 0
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        is_cut = image != k
        if not is_cut.any():
            continue
        cuts += 1
        (other,) = set(image[is_cut])
        assert label[int(other)] == pytest.approx(1 - label[k], abs=1e-6)
        rows, columns = np.flatnonzero(is_cut.any(1)), np.flatnonzero(is_cut.any(0))
        assert is_cut.sum() == len(rows) * len(columns)
        assert np.ptp(rows) == len(rows) - 1 and np.ptp(columns) == len(columns) - 1
        side = np.sqrt(1 - label[k])  # of the rectangle, as a part of the image's
        assert abs(len(rows) - 6 * side) < 1 and abs(len(columns) - 8 * side) < 1
    assert cuts > 0.8 * COUNT


def test_the_alpha_of_keras_cuts_as_much():
    ours = layers.CutMix((1.0, 1.0), seed=1)(DATA)["labels"].numpy()
    theirs = np.asarray(keras.layers.CutMix((1.0, 1.0), seed=1)(DATA, training=True)["labels"])
    own = [np.sort(np.diag(labels)) for labels in (ours, theirs)]
    assert abs(own[0].mean() - own[1].mean()) < 0.06
    assert np.abs(own[0] - own[1]).max() < 0.15


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_in_a_model(name):
    """Batches of any size, mixed anew in each step."""
    layer = getattr(layers, name)(seed=1)
    model = nnseq.Sequential([nnseq.Input((6, 8, 1)), layer, layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    small = IMAGES[:10] / 10
    model.fit(small, np.zeros((10, 2)), batch_size=4, epochs=2, verbose=0)
    kept = nnseq.Sequential(model.layers[1:])
    np.testing.assert_allclose(
        model.predict(small, verbose=0), kept.predict(small, verbose=0), rtol=1e-6
    )


def test_errors():
    with pytest.raises(ValueError, match=r"MixUp mixes labels \(N, classes\).*shape \(400,\)"):
        layers.MixUp()({"images": IMAGES, "labels": np.arange(COUNT)})
    with pytest.raises(ValueError, match=r"`factor`.*range.*2"):
        layers.CutMix(2)
    with pytest.raises(NotImplementedError, match="bounding_boxes"):
        layers.CutMix()({**DATA, "bounding_boxes": 3})
