"""P4, a siamese model: one BatchNormalization called twice in a step."""

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, keras

import nnseq

RNG = np.random.default_rng(4)
ROWS = 44
LEFT = RNG.normal(1, 2, size=(ROWS, 5)).astype("float32")
RIGHT = RNG.normal(-1, 1, size=(ROWS, 5)).astype("float32")
SAME = (np.abs(LEFT - RIGHT).sum(axis=1) < 9).astype("float32")
FIT = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}


def siamese(lib, momentum=0.9):
    layers, ops = lib.layers, lib.ops
    twin = lib.Sequential(
        [
            lib.Input((5,)),
            layers.Dense(8),
            layers.BatchNormalization(momentum=momentum, name="norm"),
            layers.Activation("relu"),
            layers.Dense(4),
        ],
        name="twin",
    )
    a, b = lib.Input((5,), name="a"), lib.Input((5,), name="b")
    distance = ops.sqrt(ops.sum(ops.square(twin(a) - twin(b)), axis=1, keepdims=True) + 1e-6)
    model = lib.Model([a, b], layers.Dense(1, activation="sigmoid")(distance))
    sgd = lib.optimizers.SGD(0.1, momentum=0.9)
    model.compile(sgd, "binary_crossentropy", metrics=["accuracy"])
    return model


def test_trains_as_in_keras():
    ours, theirs = siamese(nnseq), siamese(keras)
    copy_weights(ours, theirs)
    got = ours.fit([LEFT, RIGHT], SAME, **FIT)
    assert_same_losses(got.history, theirs.fit([LEFT, RIGHT], SAME, **FIT).history)
    assert_same_weights(ours, theirs)
    pairs = {"a": LEFT, "b": RIGHT}
    assert_same_losses(ours.predict(pairs, verbose=0), theirs.predict(pairs, verbose=0))


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_moving_statistics_move_once_for_each_call(run_eagerly):
    model = siamese(nnseq, momentum=0.75)
    model.run_eagerly = run_eagerly
    norm = model.get_layer("twin").get_layer("norm")
    kernel, bias = model.get_layer("twin").layers[0].get_weights()
    mean, variance = np.zeros(8), np.ones(8)
    for x in (LEFT, RIGHT):
        h = x @ kernel + bias
        mean = 0.75 * mean + 0.25 * h.mean(axis=0)
        variance = 0.75 * variance + 0.25 * h.var(axis=0)
    model.train_on_batch([LEFT, RIGHT], SAME)
    np.testing.assert_allclose(norm.moving_mean.numpy(), mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.numpy(), variance, rtol=1e-5)
