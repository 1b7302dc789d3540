"""Contract section 1g, lines 38 to 43: freezing and transfer learning."""

import importlib
import warnings

import numpy as np
import pytest

import nnseq
from nnseq import Input, Sequential, layers, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 784)).astype("float32")
Y = RNG.normal(size=(16, 10)).astype("float32")
SMALL = RNG.normal(size=(16, 4)).astype("float32")


def blueprint(k=nnseq):
    return k.Sequential(
        [
            k.Input(shape=(784,)),
            k.layers.Dense(32, activation="relu"),
            k.layers.Dense(32, activation="relu"),
            k.layers.Dense(32, activation="relu"),
            k.layers.Dense(10),
        ]
    )


def changed(before, model):
    return [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]


def test_line_38_freezing_all_but_the_last_layer(k):
    m = blueprint(k)
    for layer in m.layers[:-1]:
        layer.trainable = False
    assert (len(m.weights), len(m.trainable_weights), len(m.non_trainable_weights)) == (8, 2, 6)
    assert m.trainable
    texts = []
    m.summary(print_fn=texts.append)
    assert " Trainable params: 330 (1.29 KB)\n Non-trainable params: 27,232 (106.38 KB)" in texts[0]
    before = m.get_weights()
    m.compile("sgd", "mse")
    m.fit(X, Y, verbose=0)
    assert changed(before, m) == [False] * 6 + [True] * 2


def test_line_39_trainable_is_set_for_all_layers_below(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3), k.layers.BatchNormalization()])
    m = k.Sequential([inner, k.layers.Dense(2)])
    inner.trainable = False
    assert not inner.layers[0].trainable and not inner.layers[1].trainable
    assert m.trainable and len(m.trainable_weights) == 2
    m.trainable = False
    assert not any(layer.trainable for layer in (*m.layers, *inner.layers))
    assert m.trainable_weights == [] and len(m.non_trainable_weights) == 8
    m.trainable = True
    assert len(m.trainable_weights) == 6 and len(m.non_trainable_weights) == 2


def test_line_39_nothing_to_train():
    m = Sequential([Input((4,)), layers.Dense(3), layers.Dense(2)])
    m.trainable = False
    m.compile("adam", "mse", metrics=["mae"])
    before = m.get_weights()
    history = m.fit(SMALL, SMALL[:, :2], epochs=2, verbose=0).history
    assert history["loss"][0] == pytest.approx(history["loss"][1]) and not any(changed(before, m))


def test_line_39_a_frozen_model_can_be_built_later(k):
    m = k.Sequential([k.layers.Dense(3), k.layers.Dense(2)])
    m.trainable = False
    m.build((None, 4))
    assert m.trainable_weights == [] and len(m.weights) == 4


def test_line_40_compile_decides():
    m = Sequential([Input((4,)), layers.Dense(3, name="low"), layers.Dense(2, name="high")])
    m.compile("sgd", "mse")
    m.fit(SMALL, SMALL[:, :2], verbose=0)
    m.layers[0].trainable = False
    before = m.get_weights()
    with pytest.warns(UserWarning, match=r"`trainable` of low was changed after compile") as seen:
        m.fit(SMALL, SMALL[:, :2], verbose=0)
    assert len(seen) == 1 and changed(before, m) == [True] * 4  # still as it was compiled
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        m.fit(SMALL, SMALL[:, :2], verbose=0)
        m.train_on_batch(SMALL, SMALL[:, :2])
        m.compile("sgd", "mse")
        before = m.get_weights()
        m.fit(SMALL, SMALL[:, :2], verbose=0)
    assert changed(before, m) == [False, False, True, True]


def test_line_40_unfreezing():
    m = Sequential([Input((4,)), layers.Dense(3, name="low"), layers.Dense(2, name="high")])
    m.layers[0].trainable = False
    m.compile("adam", "mse")
    m.fit(SMALL, SMALL[:, :2], verbose=0)
    m.layers[0].trainable = True
    before = m.get_weights()
    with pytest.warns(UserWarning, match="low"):
        m.fit(SMALL, SMALL[:, :2], verbose=0)
    assert changed(before, m) == [False, False, True, True]
    m.compile(optimizers.Adam(1e-3), "mse")
    before = m.get_weights()
    m.fit(SMALL, SMALL[:, :2], verbose=0)
    assert changed(before, m) == [True] * 4


def test_line_41_frozen_batch_normalization(k):
    base = k.Sequential([k.Input((4,)), k.layers.Dense(3), k.layers.BatchNormalization()])
    x = 5 * SMALL + 3
    base.trainable = False
    norm = base.layers[-1]
    np.testing.assert_array_equal(norm(x[:, :3], training=True), norm(x[:, :3], training=False))
    m = k.Sequential([base, k.layers.Dense(2)])
    m.compile("sgd", "mse")
    before = m.get_weights()
    m.fit(x, SMALL[:, :2], epochs=3, verbose=0)
    assert changed(before, m) == [False] * 6 + [True] * 2


def test_line_41_trained_batch_normalization(k):
    m = k.Sequential([k.Input((4,)), k.layers.BatchNormalization(momentum=0.5)])
    m.compile("sgd", "mse")
    m.fit(SMALL + 3, SMALL, batch_size=16, verbose=0)
    want = 0.5 * (SMALL + 3).mean(0)
    np.testing.assert_allclose(m.get_weights()[2], want, rtol=1e-5)


def test_line_43_there_are_no_applications():
    with pytest.raises(AttributeError, match="applications"):
        _ = nnseq.applications
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("nnseq.applications")
