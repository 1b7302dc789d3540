"""Every kind of NumPy input through predict, fit and evaluate: the right answer, or an error that
names the argument; and the caller's data is never written."""

import datetime

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops
from nnseq.utils import set_random_seed

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")
INTS = RNG.integers(0, 2, (20, 4))


class Columns:
    """Converts itself, has a shape, and is iterable over the names of its columns."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype) if dtype else self.values

    def __iter__(self):
        return iter("abcd")

    def __len__(self):
        return len(self.values)


class Foreign:
    """Like a tensor of another library: indexing gives the same class, `__array__` the values."""

    def __init__(self, values):
        self._values = values
        self.shape, self.dtype, self.ndim = values.shape, f"lib.{values.dtype}", values.ndim

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._values, dtype)

    def __getitem__(self, key):
        return Foreign(self._values[key])

    def __len__(self):
        return len(self._values)


def read_only():
    array = X.copy()
    array.flags.writeable = False
    return array


def strided():
    wide = np.full((40, 8), np.nan, "float32")
    wide[::2, ::2] = X
    return wide[::2, ::2]


def unaligned():
    return np.frombuffer(b"\0" + X.tobytes(), "uint8")[1:].view("float32").reshape(X.shape)


def memory_map(path):
    np.save(path / "x.npy", X)
    return np.load(path / "x.npy", mmap_mode="r")


# name -> (how it is made, the float32 array whose results it must give bit for bit)
GOOD = {
    "float32": (lambda path: X.copy(), X),
    "float64": (lambda path: X.astype("float64"), X),
    "float16": (lambda path: X.astype("float16"), X.astype("float16").astype("float32")),
    **{
        name: (lambda path, name=name: INTS.astype(name), INTS.astype("float32"))
        for name in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
                     "uint64", ">i2", ">i4", ">i8", ">u4")
    },
    "big-endian float32": (lambda path: X.astype(">f4"), X),
    "big-endian float64": (lambda path: X.astype(">f8"), X),
    "big-endian float16": (lambda path: X.astype(">f2"), X.astype("float16").astype("float32")),
    "Fortran order": (lambda path: np.asfortranarray(X), X),
    "strided": (lambda path: strided(), X),
    "negative strides": (lambda path: X[::-1, ::-1].copy()[::-1, ::-1], X),
    "broadcast": (lambda path: np.broadcast_to(X[:1], (20, 4)), np.repeat(X[:1], 20, axis=0)),
    "unaligned": (lambda path: unaligned(), X),
    "read-only": (lambda path: read_only(), X),
    "memory map": (memory_map, X),
    "masked without a mask": (lambda path: np.ma.array(X), X),
    "subclass": (lambda path: X.view(np.recarray), X),
    "list": (lambda path: X.tolist(), X),
    "tuple of tuples": (lambda path: tuple(map(tuple, X.tolist())), X),
    "list of ints": (lambda path: INTS.tolist(), INTS.astype("float32")),
    "nnseq Tensor": (lambda path: ops.convert_to_tensor(X), X),
    "columns": (lambda path: Columns(X), X),
    "foreign tensor": (lambda path: Foreign(X), X),
    "NaN and infinities": (
        lambda path: np.where(INTS == 1, np.float32(np.inf), X), np.where(INTS == 1, np.inf, X)
    ),
}  # fmt: skip
BAD = {
    "complex64": (X.astype("complex64"), TypeError),
    "complex128": (X.astype("complex128"), TypeError),
    "object": (X.astype(object), TypeError),
    "unicode": (np.full((20, 4), "1.0"), TypeError),
    "bytes": (np.full((20, 4), b"1.0"), TypeError),
    "datetime64": (np.zeros((20, 4), "datetime64[D]"), TypeError),
    "timedelta64": (np.zeros((20, 4), "timedelta64[s]"), TypeError),
    "structured": (np.zeros((20, 4), [("a", "f4")]), TypeError),
    "long double": (X.astype(np.longdouble), TypeError),
    "masked": (np.ma.array(X, mask=X > 0), TypeError),
    "ragged list": ([[1.0, 2.0], [3.0]], ValueError),
    "0-d": (np.array(1.0), ValueError),
    "list of dates": ([datetime.date(2020, 1, 1)] * 20, TypeError),
}


@pytest.fixture(scope="module")
def model():
    set_random_seed(0)
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def results(model, x, y):
    """What predict, evaluate and fit give; afterwards the model is as before."""
    before = model.get_weights()
    found = [model.predict(x, batch_size=size, verbose=0) for size in (7, 32)]
    found += [model.predict_on_batch(x), np.array(model.evaluate(x, y, batch_size=7, verbose=0))]
    losses = model.fit(x, y, batch_size=7, shuffle=False, verbose=0).history
    found += [np.array([losses[name][0] for name in sorted(losses)]), *model.get_weights()]
    set_random_seed(3)
    model.fit(x, y, batch_size=7, verbose=0)
    found += model.get_weights()
    model.set_weights(before)
    return found


def contents(x):
    """A copy of the values, to see that they stay."""
    return x.values.copy() if isinstance(x, Columns) else np.array(x)


@pytest.mark.parametrize("kind", GOOD)
def test_right_results_and_the_source_is_not_written(model, kind, tmp_path):
    make, same = GOOD[kind]
    x = make(tmp_path)
    before = contents(x)
    for a, b in zip(results(model, x, Y), results(model, same.astype("float32"), Y), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(contents(x), before)
    np.testing.assert_array_equal(model(x), model(same.astype("float32")))


@pytest.mark.parametrize("kind", GOOD)
def test_targets_of_every_kind(model, kind, tmp_path):
    make, same = GOOD[kind]
    y = [row[:2] for row in make(tmp_path)] if "list" in kind or "tuple" in kind else None
    y = make(tmp_path)[:, :2] if y is None and hasattr(make(tmp_path), "ndim") else y
    if y is None:
        y = Columns(same[:, :2])
    got = model.evaluate(X, y, batch_size=7, verbose=0)
    want = model.evaluate(X, same[:, :2].astype("float32"), batch_size=7, verbose=0)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("kind", BAD)
def test_refused_with_the_name_of_the_argument(model, kind):
    value, error = BAD[kind]
    before = model.get_weights()
    for call in (
        lambda: model.predict(value, verbose=0),
        lambda: model.evaluate(value, Y, verbose=0),
        lambda: model.fit(value, Y, verbose=0),
    ):
        with pytest.raises(error, match=r"\bx\b") as caught:
            call()
        assert "\n" not in str(caught.value)
    with pytest.raises(error, match=r"\by\b"):
        model.fit(X, value, verbose=0)
    if kind not in ("ragged list", "0-d", "list of dates"):
        with pytest.raises(error, match=r"\(20, 4\)|masked array"):
            model.predict(value, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("classes", ["int8", "uint8", "int64", ">i8", "float32", "bool", "float16"])
def test_classes_of_every_type(classes):
    set_random_seed(0)
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = INTS[:, 0]
    want = model.evaluate(X, labels.astype("int32"), verbose=0)
    assert model.evaluate(X, labels.astype(classes), verbose=0) == want
    assert model.evaluate(X, labels.astype(classes)[:, None], verbose=0) == want
    assert model.evaluate(X, labels.astype(classes).tolist(), verbose=0) == want
