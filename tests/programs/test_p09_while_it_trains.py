"""P9: predictions during fit, Ctrl-C, a raising callback and a bad label leave the model intact."""

import os
import signal

import numpy as np
import pytest
from crowd import in_threads

import nnseq
from nnseq.callbacks import LambdaCallback

RNG = np.random.default_rng(9)
ROWS, BATCH = 4000, 10
X = RNG.normal(size=(ROWS, 8)).astype("float32")
CLASSES = RNG.integers(0, 3, ROWS)
FIT = {"batch_size": BATCH, "shuffle": False, "verbose": 0}


def classifier():
    nnseq.utils.set_random_seed(2)
    layers = nnseq.layers
    model = nnseq.Sequential(
        [
            nnseq.Input((8,)),
            layers.Dense(32, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def assert_at_a_whole_step(model):
    """Its weights are those after its number of steps, and it goes on as if nothing happened."""
    steps = int(model.optimizer.iterations)
    other = classifier()
    epochs, rest = divmod(steps, ROWS // BATCH)
    if epochs:
        other.fit(X, CLASSES, epochs=epochs, **FIT)
    if rest:
        other.fit(X[: rest * BATCH], CLASSES[: rest * BATCH], **FIT)
    for each in range(2):
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(a, b)
        assert np.array_equal(model.predict(X[:50], verbose=0), other.predict(X[:50], verbose=0))
        if each == 0:
            a, b = (m.fit(X[:200], CLASSES[:200], **FIT).history for m in (model, other))
            assert a == b
    return steps


def test_eight_threads_predict_during_fit():
    model = classifier()
    rows = X[:64]

    def predict(k):  # some of them are the first to trace it
        p = model.predict(rows, verbose=0) if k % 2 else model(rows).numpy()
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)

    rounds, errors = in_threads(predict, lambda: model.fit(X, CLASSES, epochs=3, **FIT))
    assert not errors
    assert assert_at_a_whole_step(model) == 3 * rounds * ROWS // BATCH


def test_predictions_during_fit_are_those_of_a_whole_step():
    x = nnseq.Input((8,))
    heads = [nnseq.layers.Dense(16, kernel_initializer="ones") for _ in range(2)]
    model = nnseq.Model(x, [head(x) for head in heads])  # both are always equal
    model.compile(nnseq.optimizers.SGD(0.001), ["mse", "mse"])
    y = np.repeat(CLASSES[:, None], 16, axis=1).astype("float32")

    def predict(k):
        a, b = model.predict(X[:64], verbose=0)
        assert np.array_equal(a, b)

    _, errors = in_threads(predict, lambda: model.fit(X, [y, y], epochs=3, **FIT))
    assert not errors


@pytest.mark.parametrize("verbose", [0, 2])
@pytest.mark.parametrize("after", [0.004, 0.05, 0.2])
def test_ctrl_c(after, verbose, capsys):
    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    model = classifier()
    try:
        with pytest.raises(KeyboardInterrupt):
            # Again, should the first one meet a finalizer, where Python drops exceptions.
            signal.setitimer(signal.ITIMER_REAL, after, 10)
            model.fit(X, CLASSES, epochs=100000, **{**FIT, "verbose": verbose})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert_at_a_whole_step(model)


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_a_callback_that_raises(kind):
    model = classifier()

    def trouble(batch, logs):
        if batch == 7:
            raise kind("trouble")

    with pytest.raises(kind, match="trouble"):
        model.fit(X, CLASSES, callbacks=[LambdaCallback(on_train_batch_end=trouble)], **FIT)
    assert assert_at_a_whole_step(model) == 8


@pytest.mark.parametrize("label", [3, -1, 2**31 - 1])
def test_a_label_out_of_range(label):
    model = classifier()
    bad = CLASSES.copy()
    bad[123] = label
    message = rf"class {label} of sample 123 is not one of the model's 3 classes"
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(X, bad, verbose=0)
    assert assert_at_a_whole_step(model) == 0


def test_a_label_out_of_range_met_while_it_trains():
    model = classifier()
    bad = CLASSES.copy()
    bad[123] = 3

    def batches():
        for first in range(0, len(X), BATCH):
            yield X[first : first + BATCH], bad[first : first + BATCH]

    with pytest.raises(ValueError, match=rf"class 3 of sample {123 % BATCH} is not one"):
        model.fit(batches(), verbose=0)
    assert assert_at_a_whole_step(model) == 123 // BATCH


def test_a_token_out_of_range_in_fit():
    layers = nnseq.layers
    model = nnseq.Sequential([layers.Embedding(5, 3), layers.GlobalAveragePooling1D()])
    model.compile("sgd", "sparse_categorical_crossentropy")
    tokens = RNG.integers(0, 5, (ROWS, 4))
    tokens[123, 2] = 5
    with pytest.raises(ValueError, match=r"embedding\w*: .*index 5 of sample 123 .*\[0, 5\)"):
        model.fit(tokens, CLASSES, **FIT)  # the core meets it in the middle of its steps
    assert int(model.optimizer.iterations) == 123 // BATCH
    model.fit(tokens % 5, CLASSES, **FIT)


def test_a_token_out_of_range_in_predict():
    layers = nnseq.layers
    model = nnseq.Sequential([layers.Embedding(5, 2), layers.GlobalAveragePooling1D()])
    good, bad = np.array([[0, 4], [1, 2]]), np.array([[0, 4], [1, 5]])
    expected = model.predict(good, verbose=0)
    for call in (model, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(ValueError, match=r"embedding\w*: .*index 5 of sample 1 .*\[0, 5\)"):
            call(bad)
    assert np.array_equal(model.predict(good, verbose=0), expected)
