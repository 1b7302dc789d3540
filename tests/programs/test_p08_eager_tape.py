"""P8: an eager GradientTape loop, and layers whose Python code looks at shapes and values."""

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, keras, keras_step

import nnseq

RNG = np.random.default_rng(8)
ROWS, BATCH = 32, 8
X = RNG.normal(size=(ROWS, 5)).astype("float32")
CLASSES = RNG.integers(0, 3, ROWS)


def mlp(lib):
    layers = lib.layers
    return lib.Sequential(
        [lib.Input((5,)), layers.Dense(8, activation="gelu"), layers.Dense(3, activation="softmax")]
    )


def test_a_training_loop_by_hand_as_in_keras():
    ours, theirs = mlp(nnseq), mlp(keras)
    copy_weights(ours, theirs)
    optimizers = [lib.optimizers.RMSprop(0.01) for lib in (nnseq, keras)]
    losses = [lib.losses.SparseCategoricalCrossentropy() for lib in (nnseq, keras)]
    metric = nnseq.metrics.SparseCategoricalAccuracy()
    for step in range(8):
        rows = slice(step % 4 * BATCH, (step % 4 + 1) * BATCH)
        x, y = X[rows], CLASSES[rows]
        with nnseq.GradientTape() as tape:
            predictions = ours(x, training=True)
            value = losses[0](y, predictions)
        grads = tape.gradient(value, ours.trainable_weights)
        optimizers[0].apply_gradients(zip(grads, ours.trainable_weights, strict=True))
        metric.update_state(y, predictions)
        assert isinstance(float(value), float)  # concrete: Python sees it
        expected = keras_step(
            lambda x=x, y=y: losses[1](y, theirs(x, training=True)),
            theirs.trainable_variables,
            optimizers[1],
        )
        assert_same_losses(float(value), expected)
    assert_same_weights(ours, theirs)
    assert 0 <= float(metric.result()) <= 1


class Wide(nnseq.layers.Layer):
    """Sums what is wider than 3, doubles what is not."""

    def call(self, x):
        if x.shape[1] > 3:
            return nnseq.ops.sum(x, axis=1, keepdims=True)
        return 2 * x[:, :1]


def test_a_layer_that_looks_at_a_known_shape():
    for width, expected in ((5, X.sum(axis=1, keepdims=True)), (2, 2 * X[:, :1])):
        model = nnseq.Sequential([nnseq.Input((width,)), Wide()])
        np.testing.assert_allclose(model.predict(X[:, :width], verbose=0), expected, rtol=1e-5)


class Rows(nnseq.layers.Layer):
    """Looks at the size of the batch, which is not known while a step is traced."""

    def call(self, x):
        return x / x.shape[0] if x.shape[0] > 3 else x


def test_a_layer_that_looks_at_an_unknown_shape_is_traced_per_shape():
    model = nnseq.Sequential([Rows(), nnseq.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X[:19], X[:19, :1], batch_size=8, epochs=2, shuffle=False, verbose=0)
    kernel, bias = model.get_weights()
    expected = np.concatenate([X[:8] / 8, X[8:16] / 8, X[16:19]]) @ kernel + bias
    np.testing.assert_allclose(model.predict(X[:19], 8, verbose=0), expected, atol=1e-5)
    eager = nnseq.Sequential([Rows(), nnseq.layers.Dense(1)])
    eager.build((None, 5))
    start = eager.get_weights()
    eager.compile("sgd", "mse", run_eagerly=True)
    again = nnseq.Sequential([Rows(), nnseq.layers.Dense(1)])
    again.build((None, 5))
    again.set_weights(start)
    again.compile("sgd", "mse")
    fit = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    a = eager.fit(X[:19], X[:19, :1], **fit).history
    assert_same_losses(again.fit(X[:19], X[:19, :1], **fit).history, a)
    assert len(history.history["loss"]) == 2


class Clipped(nnseq.layers.Layer):
    """What it does depends on values."""

    def call(self, x):
        return x / 10 if nnseq.ops.max(x) > 2 else x


def test_a_layer_that_looks_at_values_needs_run_eagerly():
    model = nnseq.Sequential([Clipped(), nnseq.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises((TypeError, ValueError), match="run_eagerly=True"):
        model.fit(X, X[:, :1], verbose=0)
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, X[:, :1], batch_size=4, verbose=0)
    kernel, bias = model.get_weights()
    small, large = X[:4] / 10, X[:4] + 10
    for x in (small, large):
        expected = (x / 10 if x.max() > 2 else x) @ kernel + bias
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)
