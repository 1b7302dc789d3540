"""The loaders of data sets against a server with small files of the real layout, and Keras'."""

import gzip
import hashlib
import inspect
import io
import json
import os
import pickle

import numpy as np
import pytest
from test_get_file import tar_of
from web import serving

import nnseq
from nnseq import datasets
from nnseq.datasets import origins
from nnseq.datasets.cifar import load_batches

RNG = np.random.default_rng(0)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return gzip.compress(head + array.tobytes())


def bytes_of(*shape, most=256):
    return RNG.integers(0, most, shape).astype(np.uint8)


def texts(count):
    made = [RNG.integers(1, 60, RNG.integers(2, 9)).tolist() for _ in range(count)]
    return np.fromiter(made, object, count)


def batch(count, *keys):
    content = {b"data": bytes_of(count, 3072), b"filenames": [b"a.png"] * count}
    content |= {key: RNG.integers(0, 10, count).tolist() for key in keys}
    return pickle.dumps(content, protocol=3)


IMAGES, CLASSES = bytes_of(7, 28, 28), bytes_of(7, most=10)
TEN = {
    f"cifar-10-batches-py/{name}": batch(10_000 if name[0] == "d" else 3, b"labels")
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
}
HUNDRED = {
    f"cifar-100-python/{name}": batch(4, b"fine_labels", b"coarse_labels")
    for name in ("train", "test")
}
FILES = {
    "mnist.npz": npz(x_train=IMAGES, y_train=CLASSES, x_test=IMAGES[:3], y_test=CLASSES[:3]),
    "train-images-idx3-ubyte.gz": idx(IMAGES),
    "train-labels-idx1-ubyte.gz": idx(CLASSES),
    "t10k-images-idx3-ubyte.gz": idx(IMAGES[:2]),
    "t10k-labels-idx1-ubyte.gz": idx(CLASSES[:2]),
    "boston_housing.npz": npz(x=RNG.normal(size=(11, 13)), y=RNG.normal(size=11)),
    "california_housing.npz": npz(
        x=RNG.normal(size=(700, 8)).astype("float32"), y=RNG.normal(size=700).astype("float32")
    ),
    "imdb.npz": npz(
        x_train=texts(9), y_train=np.arange(9) % 2, x_test=texts(8), y_test=np.arange(8) % 2
    ),
    "reuters.npz": npz(x=texts(12), y=np.arange(12)),
    "imdb_word_index.json": json.dumps({"good": 1, "bad": 2}).encode(),
    "reuters_word_index.json": json.dumps({"cocoa": 1}).encode(),
    "cifar-10-batches-py-target": tar_of(**TEN),
    "cifar-100-python-target": tar_of(**HUNDRED),
}


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Serves FILES in place of the real ones; the cache is empty."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    assert set(FILES) == set(origins.FILES)
    with serving(FILES) as (url, asked):
        for name, data in FILES.items():
            digest = hashlib.sha256(data).hexdigest()
            monkeypatch.setitem(origins.FILES, name, (url + name, digest))
        yield asked


def theirs(monkeypatch, name):
    """Keras' module of this name, which takes the files from where ours does."""
    keras = pytest.importorskip("keras")
    module = inspect.getmodule(getattr(keras.datasets, name).load_data)

    def get_file(fname=None, origin=None, file_hash=None, **options):
        return origins.fetch(fname, **options)

    monkeypatch.setattr(module, "get_file", get_file)
    return module


LOADS = [
    ("mnist", [{}]),
    ("fashion_mnist", [{}]),
    ("cifar10", [{}]),
    ("cifar100", [{}, {"label_mode": "coarse"}]),
    ("boston_housing", [{}, {"test_split": 0.5, "seed": 3}, {"test_split": 0}]),
    ("california_housing", [{}, {"version": "small", "test_split": 0.3}]),
    ("imdb", [
        {}, {"num_words": 30}, {"skip_top": 5, "num_words": 40, "oov_char": None}, {"maxlen": 6},
        {"start_char": None}, {"start_char": None, "index_from": 0, "seed": 1}]),
    ("reuters", [
        {}, {"num_words": 30, "test_split": 0.5}, {"skip_top": 5, "oov_char": None},
        {"maxlen": 7}, {"start_char": None, "seed": 2},
        {"start_char": None, "index_from": 0, "num_words": 100}]),
]  # fmt: skip


@pytest.mark.keras
@pytest.mark.parametrize(("name", "variants"), LOADS, ids=[name for name, _ in LOADS])
def test_same_as_keras(server, monkeypatch, name, variants):
    keras_module = theirs(monkeypatch, name)
    module = getattr(datasets, name)
    for arguments in variants:
        got, want = module.load_data(**arguments), keras_module.load_data(**arguments)
        for mine, other in zip(flat(got), flat(want), strict=True):
            assert isinstance(mine, np.ndarray)
            assert mine.dtype == other.dtype and len(mine) == len(other)
            if mine.dtype == object:  # Keras: a matrix, if all texts are of one length
                assert [list(text) for text in mine] == [list(text) for text in other]
            else:
                np.testing.assert_array_equal(mine, other)
    for extra in ("get_word_index", "get_label_names"):
        if hasattr(keras_module, extra):
            assert getattr(module, extra)() == getattr(keras_module, extra)()
    assert len(server) == len(set(server))  # the cache was used
    assert list(inspect.signature(module.load_data).parameters) == [
        p for p in inspect.signature(keras_module.load_data).parameters if p != "kwargs"
    ]


def flat(loaded):
    return [array for part in loaded for array in part]


@pytest.mark.keras
def test_places_and_hashes_are_those_of_keras():
    keras = pytest.importorskip("keras")
    names = [name for name, _ in LOADS]
    source = "\n".join(inspect.getsource(inspect.getmodule(getattr(keras.datasets, n).load_data))
                       for n in names)  # fmt: skip
    for name, (url, digest) in origins.FILES.items():
        folder, _, file = url.rpartition("/")
        assert folder in source and file in source and name in source
        assert digest is None or digest in source
        assert (digest is None) == ("ubyte" in name)  # Keras has no hashes for these
    assert set(datasets.__all__) == set(names) == set(public(keras.datasets))


def public(module):
    return [name for name in dir(module) if not name.startswith("_")]


def test_a_file_that_was_changed_is_refused(server, monkeypatch):
    url, _ = origins.FILES["mnist.npz"]
    monkeypatch.setitem(origins.FILES, "mnist.npz", (url, "0" * 64))
    with pytest.raises(ValueError, match="corrupted"):
        datasets.mnist.load_data()


class Attack:
    def __reduce__(self):
        return os.system, ("echo attacked >&2",)


def test_pickles_run_nothing(tmp_path, capfd):
    (tmp_path / "a.npz").write_bytes(npz(x=np.array([Attack(), 1], object)))
    with pytest.raises(pickle.UnpicklingError, match="damaged or malicious"):
        origins.read_npz(tmp_path / "a.npz")
    (tmp_path / "batch").write_bytes(pickle.dumps({b"data": Attack()}))
    with pytest.raises(pickle.UnpicklingError, match=r"posix\.system|nt\.system"):
        load_batches([tmp_path / "batch"], "labels")
    assert "attacked" not in capfd.readouterr().err


def test_arguments_are_checked_before_anything_is_fetched(server):
    for load, arguments in (
        (datasets.cifar100.load_data, {"label_mode": "all"}),
        (datasets.boston_housing.load_data, {"test_split": 1}),
        (datasets.california_housing.load_data, {"version": "tiny"}),
    ):
        with pytest.raises(ValueError, match=r"Received|Invalid"):
            load(**arguments)
    assert server == []
    with pytest.raises(ValueError, match="Increase maxlen"):
        datasets.imdb.load_data(maxlen=1)


def test_import_of_the_parts():
    from nnseq.datasets import mnist
    from nnseq.preprocessing import sequence

    assert nnseq.datasets.mnist is mnist
    assert sequence.pad_sequences is nnseq.utils.pad_sequences
    with pytest.raises(AttributeError, match=r"'nnseq.datasets' has no attribute 'emnist'"):
        _ = datasets.emnist
