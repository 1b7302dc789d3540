"""CategoryEncoding and Discretization beside Keras; Hashing and its hashes against known values."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers
from nnseq.utils.hashing import fingerprint64, siphash


@pytest.mark.keras
@pytest.mark.parametrize("mode", ["multi_hot", "count", "one_hot"])
@pytest.mark.parametrize("shape", [(4,), (3, 1), (3, 5), (2, 3, 4)])
def test_category_encoding_is_that_of_keras(mode, shape):
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).integers(0, 6, shape)
    ours, theirs = (m.layers.CategoryEncoding(6, mode) for m in (nnseq, keras))
    want = np.asarray(theirs(x))
    for given in (x, x.astype("float32"), x.tolist()):
        got = ours(given)
        assert got.dtype == "float32"
        np.testing.assert_array_equal(got, want)
    config = json.loads(json.dumps(ours.get_config()))
    assert keras.layers.CategoryEncoding.from_config(config).get_config().keys() == config.keys()
    if mode == "count":
        weights = np.random.default_rng(1).uniform(size=shape).astype("float32")
        got = ours(x, count_weights=weights)
        np.testing.assert_allclose(got, np.asarray(theirs(x, count_weights=weights)), rtol=1e-6)


@pytest.mark.keras
@pytest.mark.parametrize("mode", ["int", "multi_hot", "count", "one_hot"])
def test_discretization_is_that_of_keras(mode):
    keras = pytest.importorskip("keras")
    ends = [-1.5, 0.0, 0.25, 3.0]
    rng = np.random.default_rng(0)
    ours, theirs = (m.layers.Discretization(ends, output_mode=mode) for m in (nnseq, keras))
    for shape in ((7,), (5, 1), (4, 3)):
        x = rng.choice([*ends, -9.0, 9.0, *rng.normal(size=9)], shape).astype("float32")
        got, want = ours(x), np.asarray(theirs(x))
        assert got.dtype == str(want.dtype) and got.shape == want.shape
        np.testing.assert_array_equal(got, want)


@pytest.mark.keras
@pytest.mark.parametrize("seed", range(6))
def test_discretization_adapts_as_keras(seed):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(seed)
    bins, epsilon = int(rng.integers(2, 9)), [0.01, 0.1][rng.integers(2)]
    batches = [rng.normal(size=(int(rng.integers(1, 400)), 2)).astype("float32") for _ in range(4)]
    ours, theirs = (m.layers.Discretization(None, bins, epsilon) for m in (nnseq, keras))
    theirs.reset_state()
    for batch in batches:  # Keras' adapt() needs TensorFlow, its parts do not
        theirs.update_state(batch)
    theirs.finalize_state()
    ours.adapt(iter(batches))
    np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-6)
    again = layers.Discretization.from_config(json.loads(json.dumps(ours.get_config())))
    np.testing.assert_array_equal(again(batches[0]), ours(batches[0]))
    assert keras.layers.Discretization.from_config(ours.get_config()).num_bins == bins


def test_discretization_in_a_model():
    model = nnseq.Sequential(
        [nnseq.Input((3,)), layers.Discretization([0.0, 1.0]), layers.Embedding(3, 2)]
    )
    assert model.output_shape == (None, 3, 2)
    x = np.array([[-1.0, 0.0, 0.5], [1.0, 2.0, np.nan]])
    table = model.get_weights()[0]
    np.testing.assert_array_equal(model.predict(x, verbose=0), table[[[0, 1, 1], [2, 2, 2]]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.CategoryEncoding(), "num_tokens must be set"),
        (lambda: layers.CategoryEncoding(0), ">= 1"),
        (lambda: layers.CategoryEncoding(2, "int"), "output_mode='int'"),
        (lambda: layers.CategoryEncoding(2, sparse=True), "sparse"),
        (lambda: layers.CategoryEncoding(2)([[1]], count_weights=[[1.0]]), "count_weights"),
        (lambda: layers.Discretization(), "must be set"),
        (lambda: layers.Discretization([1.0], 3), "not both"),
        (lambda: layers.Discretization(num_bins=-1), "num_bins=-1"),
        (lambda: layers.Discretization([1.0]).adapt(np.ones(3)), "use `num_bins`"),
        (lambda: layers.Discretization(num_bins=3)(np.ones(3)), "adapt"),
        (lambda: layers.Hashing(0), "num_bins=0"),
        (lambda: layers.Hashing(3, salt="x"), "salt=x"),
        (lambda: layers.Hashing(3, output_mode="tf_idf"), "output_mode='tf_idf'"),
        (lambda: layers.Hashing(3, dtype="float32"), "integer"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# --- hashes ---------------------------------------------------------------------------------------


def test_fingerprints_of_known_texts():
    signed = {
        b"test": 8581389452482819506,
        b"test" * 8: -4196240717365766262,
        b"test" * 64: 3500507768004279527,
    }
    for data, value in signed.items():
        assert fingerprint64(data) == value % 2**64


def test_fingerprints_of_every_length():
    """The chain of hashes with which ports of FarmHash are compared, up to 3,200 bytes."""
    text, h = bytearray(), 0
    for i in range(800):
        for power in (1, 2, 3, None):
            length = len(text) if power is None else i**power % max(len(text), i + 1)
            h ^= fingerprint64(bytes(text[:length]))
            h = (h ^ h >> 41) * 949921979 % 2**64
            text.append(ord("a") + (h & 0xFFFFF) % 26)
        x0, x1, x2, x3 = text[-1], text[-2], text[-3], text[len(text) // 2]
        text[((x0 << 16) + (x1 << 8) + x2) % len(text)] ^= x3
        text[((x1 << 16) + (x2 << 8) + x3) % len(text)] ^= i % 256
    assert h == 0x7A1D67C50EC7E167


def test_siphash_of_the_paper():
    key = int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little")
    assert siphash(bytes(range(15)), key) == 0xA129CA6149BE45E5
    assert siphash(b"", key) == 0x726FDB47DD0E0E31


def test_hashing_as_documented():
    letters = [["A"], ["B"], ["C"], ["D"], ["E"]]
    with_mask = [["A"], ["B"], [""], ["C"], ["D"]]
    for arguments, data, want in (
        ({}, letters, [1, 0, 1, 1, 2]),
        ({"mask_value": ""}, with_mask, [1, 1, 0, 2, 2]),
        ({"salt": [133, 137]}, letters, [1, 2, 1, 0, 2]),
        ({"salt": 133}, letters, [0, 0, 2, 1, 0]),
    ):
        got = layers.Hashing(num_bins=3, **arguments)(data)
        assert got.dtype == "int64" and got.reshape(-1).tolist() == want


def test_hashing_of_numbers_and_modes():
    numbers = np.array([[1, 2], [2, 30]])
    bins = layers.Hashing(4)(numbers).numpy()
    np.testing.assert_array_equal(layers.Hashing(4)(numbers.astype(str)), bins)
    np.testing.assert_array_equal(layers.Hashing(4)(numbers.astype("float32")), bins)
    for mode in ("one_hot", "multi_hot", "count"):
        layer = layers.Hashing(4, output_mode=mode)
        want = layers.CategoryEncoding(4, mode)(bins).numpy()
        np.testing.assert_array_equal(layer(numbers), want)
        assert layer.compute_output_shape((None, 2)) == (None, *want.shape[1:])
        again = layers.Hashing.from_config(json.loads(json.dumps(layer.get_config())))
        assert again.get_config() == layer.get_config()
