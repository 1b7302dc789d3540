"""What evaluate, predict and the functions on batches return, beside Keras."""

import warnings

import numpy as np
import pytest

import nnseq

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.keras

RNG = np.random.default_rng(0)
N = 23
X = RNG.normal(size=(N, 4)).astype("float32")
X2 = RNG.normal(size=(N, 3)).astype("float32")
Y = RNG.normal(size=(N, 2)).astype("float32")
BINARY = (X[:, :1] > 0).astype("float32")
W = RNG.uniform(0.5, 2, N).astype("float32")
PAIR, TARGETS = [X, X2], [Y, BINARY]


def plain(lib):
    return lib.Sequential([lib.Input((4,)), lib.layers.Dense(2)])


def heads(lib, dict_outputs=False):
    inputs = [lib.Input((4,), name="x1"), lib.Input((3,), name="x2")]
    joined = lib.layers.Concatenate()(inputs)
    a = lib.layers.Dense(2, name="a")(joined)
    b = lib.layers.Dense(1, activation="sigmoid", name="b")(joined)
    return lib.Model(inputs, {"a": a, "b": b} if dict_outputs else [a, b])


def dict_heads(lib):
    return heads(lib, dict_outputs=True)


def batches(*arrays):
    for i in range(0, N, 5):
        yield tuple(array[i : i + 5] for array in arrays)


def pairs():
    for i in range(0, N, 5):
        yield ([X[i : i + 5], X2[i : i + 5]],)


MAE = {"metrics": ["mae"]}
EACH = {"metrics": [["mae"], ["accuracy"]]}
QUIET = {"verbose": 0, "batch_size": 5}
# (model, compile arguments, what is called)
CASES = {
    "evaluate": (plain, MAE, lambda m: m.evaluate(X, Y, **QUIET)),
    "dict": (plain, MAE, lambda m: m.evaluate(X, Y, return_dict=True, **QUIET)),
    "loss_alone": (plain, {}, lambda m: m.evaluate(X, Y, **QUIET)),
    "weights": (
        plain,
        {"weighted_metrics": ["mae"]},
        lambda m: m.evaluate(X, Y, sample_weight=W, **QUIET),
    ),
    "steps": (plain, {}, lambda m: m.evaluate(X, Y, steps=2, **QUIET)),
    "steps_alone": (plain, {}, lambda m: m.evaluate(X, Y, steps=2, verbose=0)),
    "generator": (plain, MAE, lambda m: m.evaluate(batches(X, Y), verbose=0)),
    "generator_steps": (plain, MAE, lambda m: m.evaluate(batches(X, Y), steps=2, verbose=0)),
    "outputs": (heads, EACH, lambda m: m.evaluate(PAIR, TARGETS, **QUIET)),
    "outputs_dict": (heads, EACH, lambda m: m.evaluate(PAIR, TARGETS, return_dict=True, **QUIET)),
    "dict_outputs": (
        dict_heads,
        {"metrics": {"a": ["mae"]}},
        lambda m: m.evaluate(PAIR, {"a": Y, "b": BINARY}, return_dict=True, **QUIET),
    ),
    "test_on_batch": (plain, MAE, lambda m: m.test_on_batch(X, Y)),
    "test_on_batch_dict": (plain, MAE, lambda m: m.test_on_batch(X, Y, return_dict=True)),
    "train_on_batch": (plain, MAE, lambda m: [m.train_on_batch(X, Y), m.train_on_batch(X, Y)]),
    "train_on_batch_weights": (
        plain,
        {"metrics": ["mae"], "weighted_metrics": ["mse"]},
        lambda m: m.train_on_batch(X, Y, sample_weight=W, return_dict=True),
    ),
    "train_on_batch_outputs": (heads, {}, lambda m: m.train_on_batch(PAIR, TARGETS)),
    "predict": (plain, {}, lambda m: m.predict(X, **QUIET)),
    "predict_steps": (plain, {}, lambda m: m.predict(X, steps=2, **QUIET)),
    "predict_outputs": (heads, {}, lambda m: m.predict(PAIR, **QUIET)),
    "predict_dict": (dict_heads, {}, lambda m: m.predict(PAIR, **QUIET)),
    "predict_names": (heads, {}, lambda m: m.predict({"x1": X, "x2": X2}, **QUIET)),
    "predict_generator": (plain, {}, lambda m: m.predict(batches(X), verbose=0)),
    "predict_targets": (plain, {}, lambda m: m.predict(batches(X, Y), verbose=0)),
    "predict_pairs": (heads, {}, lambda m: m.predict(pairs(), verbose=0)),
    "predict_some": (plain, {}, lambda m: m.predict(batches(X), steps=2, verbose=0)),
    "predict_on_batch": (heads, {}, lambda m: m.predict_on_batch(PAIR)),
}


def assert_same(ours, theirs):
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(theirs, list | tuple):
        assert type(ours) is type(theirs)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b)
        return
    assert np.shape(ours) == np.shape(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_the_same_results_as_keras(name):
    build, compiled, call = CASES[name]
    results, weights = [], None
    for library in (nnseq, keras):
        model = build(library)
        weights = weights or model.get_weights()
        model.set_weights(weights)
        # Keras need not compile for one call.
        model.compile("sgd", "mse", run_eagerly=library is keras, **compiled)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if library is keras else "error")
            results.append(call(model))
    assert_same(*results)
