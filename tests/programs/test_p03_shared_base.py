"""P3: one base in two compiled models, frozen in one, and read while the other trains."""

from itertools import pairwise

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, keras

import nnseq
from nnseq.callbacks import LambdaCallback

RNG = np.random.default_rng(3)
ROWS = 40
X = RNG.normal(size=(ROWS, 6)).astype("float32")
Y = RNG.normal(size=(ROWS, 2)).astype("float32")
CLASSES = RNG.integers(0, 3, ROWS)
FIT = {"batch_size": 16, "shuffle": False, "verbose": 0}


def base_of(lib):
    layers = lib.layers
    return lib.Sequential(
        [
            lib.Input((6,)),
            layers.Dense(8, activation="tanh", name="inner"),
            layers.BatchNormalization(),
            layers.Dense(4, activation="relu", name="features"),
        ],
        name="base",
    )


def models(lib):
    """(a regressor that trains the base, a classifier on the frozen base, features)."""
    base = base_of(lib)
    x = lib.Input((6,))
    regressor = lib.Model(x, lib.layers.Dense(2)(base(x)))
    x = lib.Input((6,))
    head = lib.layers.Dense(3, activation="softmax")
    classifier = lib.Model(x, head(base(x, training=False)))
    features = lib.Model(base.inputs, base.get_layer("inner").output)
    regressor.compile(lib.optimizers.Adam(0.01), "mse")
    base.trainable = False
    classifier.compile(lib.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return regressor, classifier, features


def train(model, x, y, told=()):
    return model.fit(x, y, epochs=2, callbacks=list(told), **FIT).history


@pytest.fixture
def twins():
    ours, theirs = models(nnseq), models(keras)
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        copy_weights(a, b)
    return ours, theirs


def test_two_models_take_turns(twins):
    ours, theirs = twins
    base = theirs[0].get_layer("base")
    for turn in range(2):
        base.trainable = True  # Keras looks at the flag when it trains, nnseq at compile()
        expected = train(theirs[0], X, Y)
        base.trainable = False
        if turn == 0:
            with pytest.warns(UserWarning, match="`trainable` of base, .* changed after compile"):
                got = train(ours[0], X, Y)
        else:
            got = train(ours[0], X, Y)
        assert_same_losses(got, expected)

        before = ours[0].get_weights()
        assert_same_losses(train(ours[1], X, CLASSES), train(theirs[1], X, CLASSES))
        assert all(map(np.array_equal, before, ours[0].get_weights()))
    for a, b in zip(ours, theirs, strict=True):
        assert_same_weights(a, b)
        assert_same_losses(a.predict(X, verbose=0) + 2, b.predict(X, verbose=0) + 2)


@pytest.mark.filterwarnings("ignore:`trainable` of")
def test_features_are_read_while_the_base_trains(twins):
    regressor, classifier, features = twins[0]
    inner = regressor.get_layer("base").get_layer("inner")
    seen, told = [], []

    def look(*_):
        seen.append(features.predict(X, verbose=0))
        told.append(classifier(X).numpy())
        kernel, bias = inner.get_weights()
        np.testing.assert_allclose(seen[-1], np.tanh(X @ kernel + bias), atol=1e-5)

    train(regressor, X, Y, [LambdaCallback(on_train_batch_end=look)])
    assert len(seen) == 6
    for values in (seen, told):
        assert all(not np.array_equal(a, b) for a, b in pairwise(values))

    other = models(nnseq)[0]
    other.set_weights(twins[1][0].get_weights())  # as they all were before
    train(other, X, Y)
    assert all(map(np.array_equal, other.get_weights(), regressor.get_weights()))
