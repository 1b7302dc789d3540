"""P6: an unbuilt convolutional Sequential, called with images of several sizes."""

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, keras

import nnseq

RNG = np.random.default_rng(6)
ROWS = 12
SIZES = [(16, 16), (20, 13), (9, 24)]
IMAGES = [RNG.normal(size=(ROWS, *size, 3)).astype("float32") for size in SIZES]
CLASSES = RNG.integers(0, 4, ROWS)
FIT = {"batch_size": 8, "epochs": 1, "shuffle": False, "verbose": 0}


def net(lib):
    layers = lib.layers
    return lib.Sequential(
        [
            layers.Conv2D(6, 3, activation="relu", padding="same"),
            layers.BatchNormalization(momentum=0.8),
            layers.MaxPooling2D(2),
            layers.Conv2D(8, 3, strides=2, use_bias=False),
            layers.Activation("relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )


def compiled(lib, model):
    loss = lib.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(lib.optimizers.SGD(0.05, momentum=0.9), loss, metrics=["accuracy"])
    return model


def test_trains_and_predicts_on_all_sizes_as_keras():
    ours, theirs = compiled(nnseq, net(nnseq)), compiled(keras, net(keras))
    assert not ours.built
    ours(IMAGES[0])
    theirs.build((None, None, None, 3))  # Keras must be told that the size is open
    copy_weights(ours, theirs)
    for _ in range(2):
        for images in IMAGES:
            got = ours.fit(images, CLASSES, **FIT)
            assert_same_losses(got.history, theirs.fit(images, CLASSES, **FIT).history)
    assert_same_weights(ours, theirs)
    for images in IMAGES:
        expected = theirs.predict(images, verbose=0)
        np.testing.assert_allclose(ours.predict(images, verbose=0), expected, rtol=0, atol=2e-4)
        np.testing.assert_allclose(ours(images).numpy(), expected, rtol=0, atol=2e-4)


def test_fit_builds_it():
    model = compiled(nnseq, net(nnseq))
    with pytest.raises(ValueError, match=r"Weights for model .* have not yet been created"):
        _ = model.weights
    model.fit(IMAGES[1], CLASSES, **FIT)
    count = len(model.weights)
    model.fit(IMAGES[2], CLASSES, **FIT)
    assert len(model.weights) == count == 9
    assert model.predict(IMAGES[0], verbose=0).shape == (ROWS, 4)


def test_what_cannot_be():
    model = net(nnseq)
    model(IMAGES[0])
    before = model.get_weights()
    with pytest.raises(ValueError, match="conv2d"):
        model(np.zeros((2, 16, 16, 4), "float32"))  # channels
    with pytest.raises(ValueError):
        model(np.zeros((2, 4, 4, 3), "float32"))  # no room for the second kernel
    assert all(map(np.array_equal, before, model.get_weights()))
    assert model(IMAGES[0]).shape == (ROWS, 4)
