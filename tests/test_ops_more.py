"""More of nnseq.ops against Keras' own: values, dtypes and shapes, eager and traced; gradients of
the formulas against numerical ones."""

import keras_ops
import numpy as np
import pytest

from nnseq import ops

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4)).astype(np.float32)
Y = RNG.normal(size=(3, 4)).astype(np.float32)
U = RNG.uniform(-0.9, 0.9, size=(3, 4)).astype(np.float32)
P = RNG.uniform(1.1, 3.0, size=(3, 4)).astype(np.float32)
EDGE = np.array([0.0, -0.0, 1e-6, -1e-6, 1.0, -7.5, 30.0, np.inf, -np.inf, np.nan], np.float32)
HOLES = np.where(RNG.uniform(size=(3, 4)) < 0.4, np.float32("nan"), X).astype(np.float32)
HOLES[0] = np.nan
N = RNG.integers(-5, 6, size=(3, 4)).astype(np.int32)
J = RNG.integers(1, 6, size=(3, 4)).astype(np.int32)
C = RNG.normal(size=(2, 3, 4)).astype(np.float32)
V3, W3 = X[:, :3], Y[:, :3]

# name, arrays, other arguments
CASES = [
    *[
        (name, (X,), {})
        for name in [
            "sinh",
            "cosh",
            "arcsinh",
            "exp2",
            "erfc",
            "sinc",
            "deg2rad",
            "rad2deg",
            "trunc",
            "fabs",
        ]
    ],
    *[(name, (EDGE,), {}) for name in ["sinh", "arcsinh", "trunc", "isneginf", "isposinf", "erfc"]],
    ("arccosh", (P,), {}),
    ("arctanh", (U,), {}),
    *[
        (name, (X, Y), {})
        for name in ["hypot", "logaddexp", "logaddexp2", "fmax", "fmin", "vdot", "inner", "kron"]
    ],
    ("hypot", (X * 1e30, Y * 1e30), {}),
    ("hypot", (X * 0, Y * 0), {}),
    ("logaddexp", (EDGE, EDGE[::-1].copy()), {}),
    ("fmax", (HOLES, Y), {}),
    ("fmin", (X, HOLES), {}),
    ("heaviside", (np.sign(N).astype("float32"), Y), {}),
    ("fmod", (N, J), {}),
    ("fmod", (X, P), {}),
    ("ldexp", (X, N), {}),
    ("isclose", (X, X + 1e-6), {}),
    ("isclose", (EDGE, EDGE), {"equal_nan": True}),
    ("isclose", (EDGE, EDGE), {}),
    ("allclose", (X, X + 1e-7), {}),
    ("allclose", (X, Y), {}),
    ("saturate_cast", (X * 300,), {"dtype": "uint8"}),
    ("saturate_cast", (X * 1e12,), {"dtype": "int32"}),
    ("saturate_cast", (N * 100,), {"dtype": "uint8"}),
    *[("diagonal", (X,), {"offset": k}) for k in (-2, 0, 3)],
    ("diagonal", (C,), {"axis1": 2, "axis2": 0}),
    *[("diag", (X[0],), {"k": k}) for k in (-1, 0, 2)],
    ("diag", (X,), {"k": 1}),
    ("diagflat", (N,), {}),
    ("trace", (X,), {}),
    ("trace", (C,), {"offset": 1, "axis1": 1, "axis2": 2}),
    *[
        (name, (HOLES,), {"axis": axis, "keepdims": keep})
        for name in ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]
        for axis, keep in ((None, False), (1, True), (0, False))
    ],
    ("nansum", (N,), {}),
    ("nanmax", (N,), {"axis": 0}),
    ("ptp", (X,), {"axis": 1}),
    ("ptp", (N,), {}),
    ("slice", (C,), {"start_indices": (0, 1, 2), "shape": (2, 2, 1)}),
    ("slice_update", (C,), {"start_indices": (0, 1, 2), "updates": np.ones((1, 2, 2), "float32")}),
    ("slice_update", (N,), {"start_indices": (1, 0), "updates": np.array([[7, 8]], "int32")}),
    ("scatter", (np.array([[0], [2], [2]]), X, (4, 4)), {}),
    ("scatter", (np.array([[0, 1], [2, 3], [0, 1]]), X[0, :3], (3, 4)), {}),
    ("scatter_update", (X, np.array([[2], [0]]), Y[:2]), {}),
    ("scatter_update", (X, np.array([[2, 1], [0, 0]]), Y[0, :2]), {}),
    ("scatter_update", (X, np.array([[1], [1]]), Y[:2]), {"reduction": "add"}),
    ("segment_sum", (X, np.array([1, 0, 1])), {"num_segments": 3}),
    ("multi_hot", (np.array([[0, 2], [1, 1]]),), {"num_classes": 4}),
    ("multi_hot", (np.array([1, 3]),), {"num_classes": 4}),
    ("isin", (N, J[0]), {}),
    ("isin", (N, J[0]), {"invert": True}),
    ("append", (X, Y), {}),
    ("append", (X, Y), {"axis": 1}),
    ("append", (N, Y), {"axis": 0}),
    ("diff", (C,), {}),
    ("diff", (C,), {"n": 2, "axis": 1}),
    ("diff", (N > 0,), {}),
    ("array_split", (X,), {"indices_or_sections": 3, "axis": 1}),
    ("hsplit", (X,), {"indices_or_sections": 2}),
    ("vsplit", (C,), {"indices_or_sections": 2}),
    ("dsplit", (C,), {"indices_or_sections": 4}),
    ("flipud", (C,), {}),
    ("fliplr", (C,), {}),
    *[
        ("rot90", (C,), {"k": k, "axes": axes})
        for k in (-1, 0, 1, 2, 3)
        for axes in ((0, 1), (2, 1))
    ],
    ("meshgrid", (X[0], Y[:, 0]), {}),
    ("meshgrid", (X[0], Y[:, 0], N[0]), {"indexing": "ij"}),
    ("kron", (X[0], C), {}),
    ("inner", (C, X), {}),
    ("cross", (V3, W3), {}),
    ("cross", (V3[:, :2], W3), {}),
    ("cross", (V3[:, :2], W3[:, :2]), {}),
    ("cross", (X, Y), {"axis": 0}),
    ("trapezoid", (X,), {}),
    ("trapezoid", (C,), {"dx": 0.5, "axis": 1}),
    ("trapezoid", (X, P.cumsum(1)), {}),
    ("vander", (X[0],), {}),
    ("vander", (J[0],), {"N": 3, "increasing": True}),
    ("copy", (N,), {}),
]


@pytest.mark.parametrize("case", CASES, ids=keras_ops.ids(CASES))
def test_values_are_keras(case):
    keras_ops.check_values(*case)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_signatures_are_keras(name):
    keras_ops.check_signature(name)


SMOOTH = [
    case
    for case in CASES
    if keras_ops.is_smooth(case)
    and case[0] not in ("isclose", "allclose", "saturate_cast", "heaviside", "trunc")
]


@pytest.mark.parametrize("case", SMOOTH, ids=keras_ops.ids(SMOOTH))
def test_traced_values_and_gradients(case):
    keras_ops.check_gradients(*case)


def test_loops():
    rows = np.arange(6.0, dtype="float32").reshape(3, 2)
    assert ops.map(lambda r: ops.sum(r * r), rows).tolist() == [1.0, 13.0, 41.0]
    assert ops.vectorized_map(lambda r: r[0], rows).tolist() == [0.0, 2.0, 4.0]
    assert ops.fori_loop(1, 4, lambda i, v: v * i, 1) == 6
    assert ops.switch(7, [lambda a: a, lambda a: -a], 3) == -3


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
def test_windows(name):
    for points in (1, 5, 8):
        ours, theirs = getattr(ops, name)(points), getattr(keras.ops, name)(points)
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-6)


def test_numbers():
    np.testing.assert_allclose(ops.kaiser(5, 3.0).numpy(), np.kaiser(5, 3.0), rtol=1e-6)
    np.testing.assert_allclose(ops.logspace(0, 2, 5).numpy(), np.logspace(0, 2, 5), rtol=1e-6)
    assert ops.tri(2, 3, 1, "int32").tolist() == [[1, 1, 0], [1, 1, 1]]
    assert ops.array([1, 2]).dtype == "int32" == ops.dtype(N)
    assert ops.ndim(C) == 3 and ops.size(C) == 24
    assert ops.is_tensor(ops.ones(2)) and not ops.is_tensor(N)


def test_errors():
    with pytest.raises(ValueError, match="must be 1-D or 2-D"):
        ops.diag(C)
    with pytest.raises(ValueError, match="one number for each axis"):
        ops.slice(X, (0,), (1,))
    with pytest.raises(ValueError, match="two different axes"):
        ops.rot90(X, axes=(0, -2))
    with pytest.raises(NotImplementedError, match="reduction='mul'"):
        ops.scatter_update(X, [[0]], X[:1], reduction="mul")
    with pytest.raises(ValueError, match="more columns than the 1 axes"):
        ops.scatter([[0, 1]], [1.0], (3,))
    with pytest.raises(ValueError, match="must be 2 or 3"):
        ops.cross(X, Y)
