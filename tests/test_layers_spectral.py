"""SpectralNormalization and ReversibleEmbedding against Keras'."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers

pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
import keras
from test_layers import IMAGE, VECTOR, normal

pytestmark = pytest.mark.keras


def both(name, *arguments, inner=None, **more):
    """The layer and Keras', around a layer of the same library where `inner` makes one."""
    made = []
    for library in (nnseq, keras):
        first = () if inner is None else (inner(library.layers),)
        made.append(getattr(library.layers, name)(*first, *arguments, **more))
    return made


def same(ours, theirs, bound=1e-6):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=bound, atol=bound)


INNER = [
    (lambda library: library.Dense(5), VECTOR),
    (lambda library: library.Conv2D(3, 2), IMAGE),
    (lambda library: library.Conv3DTranspose(3, 2, strides=2), (2, 2, 3, 2, 4)),
    (lambda library: library.Embedding(6, 4), None),
]


@pytest.mark.parametrize("power_iterations", [1, 3])
@pytest.mark.parametrize("inner", INNER, ids=["dense", "conv", "transposed", "embedding"])
def test_spectral_normalization(inner, power_iterations):
    make, shape = inner
    pair = both("SpectralNormalization", power_iterations=power_iterations, inner=make)
    # Keras casts rows of an Embedding to the type of the indices, ours stay floats.
    x = np.array([[0, 5, 2]], "float32") if shape is None else normal(shape)
    for layer in pair:
        layer(x)
    ours, theirs = pair
    assert [w.path.split("/")[-1] for w in ours.weights] == [
        w.path.split("/")[-1] for w in theirs.weights
    ]
    weights = [normal(w.shape, k) for k, w in enumerate(ours.weights)]
    for layer in pair:
        layer.set_weights(weights)
    same(ours(x), theirs(x), 1e-5)
    for _ in range(3):
        same(ours(x, training=True), theirs(x, training=True), 1e-5)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            same(a, b, 1e-5)
    config = json.loads(json.dumps(ours.get_config()))
    again = keras.layers.SpectralNormalization.from_config(config)
    assert again.power_iterations == power_iterations
    assert type(again.layer).__name__ == type(ours.layer).__name__


def test_spectral_normalization_in_training():
    """A step goes on from the divided kernel, with the gradient at it; the norm gets to 1."""
    model = nnseq.Sequential(
        [nnseq.Input((4,)), layers.SpectralNormalization(layers.Dense(3, use_bias=False), 30)]
    )
    model.compile(nnseq.optimizers.SGD(0.1), "mse")
    x, y = normal((8, 4)), normal((8, 3), 1)
    start = np.diag([3.0, 1.0, 0.5, 0.0])[:, :3] + 0.1 * normal((4, 3), 2)  # iterations converge
    model.layers[-1].kernel.assign(start)
    divided = start / np.linalg.svd(start)[1][0]
    model.fit(x, y, batch_size=8, verbose=0)
    gradient = 2 * x.T @ (x @ divided - y) / y.size
    same(model.layers[-1].kernel.numpy(), divided - 0.1 * gradient, 1e-5)
    zeros = [np.zeros(w.shape) for w in model.weights]
    model.set_weights(zeros)
    model.layers[-1](x, training=True)  # a kernel of zeros stays, as does u
    assert not any(w.any() for w in model.get_weights())


def test_files_of_spectral_normalization(tmp_path):
    x = normal(IMAGE)
    for one, other in ((nnseq, keras), (keras, nnseq)):
        wrapped = one.layers.SpectralNormalization(one.layers.Conv2D(3, 2))
        model = one.Sequential([one.Input(IMAGE[1:]), wrapped])
        model.save(tmp_path / "model.keras")
        again = other.saving.load_model(tmp_path / "model.keras")
        same(again.predict(x, verbose=0), model.predict(x, verbose=0), 1e-5)


def test_errors_of_spectral_normalization():
    with pytest.raises(ValueError, match=r"power_iterations.*greater than zero.*0"):
        layers.SpectralNormalization(layers.Dense(2), 0)
    with pytest.raises(ValueError, match=r"ReLU.*kernel"):
        layers.SpectralNormalization(layers.ReLU())(normal(VECTOR))
    with pytest.raises(ValueError, match="layer"):
        layers.SpectralNormalization("dense")


TABLES = [
    {},
    {"tie_weights": False, "embeddings_initializer": "he_normal"},
    {"mask_zero": True, "logit_soft_cap": 0.5, "reverse_dtype": "float32"},
]


@pytest.mark.parametrize("arguments", TABLES)
def test_reversible_embedding(arguments):
    ours, theirs = both("ReversibleEmbedding", 7, 4, **arguments)
    x = np.array([[0, 5, 2], [6, 0, 0]], "int32")
    for layer in (ours, theirs):
        layer(x)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    weights = [normal(w.shape, k) for k, w in enumerate(ours.weights)]
    for layer in (ours, theirs):
        layer.set_weights(weights)
    rows = ours(x)
    same(rows, theirs(x))
    masked = bool(arguments.get("mask_zero"))
    assert (rows._keras_mask is not None) == masked
    if masked:
        np.testing.assert_array_equal(rows._keras_mask, x != 0)
    logits = ours(rows, reverse=True)
    assert logits._keras_mask is None
    same(logits, theirs(theirs(x), reverse=True), 1e-5)
    config = json.loads(json.dumps(ours.get_config()))
    again = keras.layers.ReversibleEmbedding.from_config(config)
    again = json.loads(json.dumps(again.get_config()))
    assert {k: again[k] for k in config if k not in ("dtype", "embeddings_initializer")} == {
        k: v for k, v in config.items() if k not in ("dtype", "embeddings_initializer")
    }


def language_model(library):
    tokens = library.Input((5,), dtype="int32")
    table = library.layers.ReversibleEmbedding(7, 4, name="table")
    hidden = library.layers.Dense(4, activation="tanh")(table(tokens))
    return library.Model(tokens, table(hidden, reverse=True))


def test_a_tied_model_trains_as_in_keras(tmp_path):
    """One table used both ways: its gradient is the sum; files in both directions."""
    ours, theirs = language_model(nnseq), language_model(keras)
    theirs.set_weights(ours.get_weights())
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 7, (8, 5)), rng.integers(0, 7, (8, 5))
    for library, model in ((nnseq, ours), (keras, theirs)):
        loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(library.optimizers.SGD(0.5), loss)
        model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        same(a, b, 1e-5)
    for model, other in ((ours, keras), (theirs, nnseq)):
        model.save(tmp_path / "model.keras")
        again = other.saving.load_model(tmp_path / "model.keras")
        same(again.predict(x, verbose=0), model.predict(x, verbose=0), 1e-5)
