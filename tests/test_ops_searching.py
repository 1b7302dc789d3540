"""Order, runs, quantiles, counts, segments and angles of nnseq.ops against Keras' own, eager and
traced, with gradients."""

import keras_ops
import numpy as np
import pytest

from nnseq import Input, Model, ops
from nnseq.engine.traced import Traced

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(11)
X = RNG.normal(size=(3, 5)).astype(np.float32)
Y = RNG.normal(size=(3, 5)).astype(np.float32)
C = RNG.normal(size=(2, 3, 4)).astype(np.float32)
U = RNG.uniform(-0.95, 0.95, size=(3, 5)).astype(np.float32)
EDGE = np.array([0.0, -0.0, 1e-6, 0.41, 0.42, 2.4, 2.5, -7.5, 1e30, np.inf, -np.inf, np.nan],
                np.float32)  # fmt: skip
ENDS = np.array([-1.0, -1 + 6e-8, -0.999, -1e-4, 0.0, 0.3, 0.9999, 1.0, 1.1, np.nan], np.float32)
HOLES = np.where(RNG.uniform(size=(3, 5)) < 0.4, np.float32("nan"), X).astype(np.float32)
HOLES[0], HOLES[1] = np.nan, X[1]
N = RNG.integers(-5, 6, size=(3, 5)).astype(np.int32)
J = RNG.integers(0, 6, size=(3, 5)).astype(np.int32)
BIG = RNG.integers(-(2**31) + 1, 2**31, 20).astype(np.int32)
FIBONACCI = np.array([1836311903, 1134903170, -1836311903, 0, 5], np.int32)
SORTED = np.sort(RNG.normal(size=9)).astype(np.float32)
IDS = np.array([2, 0, 2, 3, 0, 2, 1], np.int32)
ROWS = RNG.normal(size=(7, 3)).astype(np.float32)
FRAMES = RNG.normal(size=(4, 6, 3)).astype(np.float32)
METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]
SIDES = [s * v for s in (1.0, -1.0) for v in (0.0, 1.0, np.inf)]
PLANE = np.array([(a, b) for a in SIDES for b in SIDES], np.float32)

SMOOTH = [
    *[(name, (X,), {}) for name in ["arctan", "cbrt", "i0"]],
    *[(name, (U,), {}) for name in ["arcsin", "arccos", "erfinv"]],
    ("i0", (X * 6,), {}),
    ("arctan2", (X, Y), {}),
    ("arctan2", (C, X[0, :4]), {}),
    *[
        (name, (X,), options)
        for name in ["quantile", "nanquantile"]
        for options in [
            *({"q": 0.3, "axis": 1, "method": method} for method in METHODS),
            {"q": np.array([0.0, 0.21, 1.0], np.float32), "axis": (1, 0), "keepdims": True},
        ]
    ],
    ("quantile", (C,), {"q": [0.25, 0.6], "axis": (0, 2)}),
    ("percentile", (X,), {"q": 33}),
    ("nanpercentile", (X,), {"q": [10, 70], "axis": 0}),
    *[(name, (C,), {"axis": axis}) for name in ["median", "nanmedian"] for axis in (None, 1)],
    ("median", (X,), {"axis": -1, "keepdims": True}),
    *[("cumprod", (C,), {"axis": axis}) for axis in (None, 0, 1, 2)],
    *[
        (name, (ROWS,), {"segment_ids": IDS, "num_segments": 4})
        for name in ["segment_max", "segment_min", "segment_prod", "segment_sum"]
    ],
    ("segment_max", (ROWS,), {"segment_ids": np.sort(IDS), "num_segments": 4, "sorted": True}),
    *[("correlate", (SORTED, X[0]), {"mode": mode}) for mode in ("valid", "same", "full")],
    *[("correlate", (X[0, :4], SORTED), {"mode": mode}) for mode in ("valid", "same", "full")],
    ("correlate", (X[0], X[1]), {"mode": "same"}),
    ("cdist", (X, Y[:2]), {}),
    ("cdist", (C, Y[:, :4]), {}),
    ("corrcoef", (X,), {}),
    ("psnr", (X, Y), {"max_val": 3.0}),
    *[(name, (X,), {}) for name in ["conj", "conjugate", "real"]],
    ("depth_to_space", (RNG.normal(size=(2, 2, 3, 8)).astype(np.float32),), {"block_size": 2}),
    (
        "depth_to_space",
        (RNG.normal(size=(2, 9, 2, 3)).astype(np.float32),),
        {"block_size": 3, "data_format": "channels_first"},
    ),
    ("space_to_depth", (RNG.normal(size=(2, 6, 3, 2)).astype(np.float32),), {"block_size": 3}),
    (
        "space_to_depth",
        (RNG.normal(size=(2, 3, 4, 2)).astype(np.float32),),
        {"block_size": 2, "data_format": "channels_first"},
    ),
    ("unfold", (RNG.normal(size=(2, 3, 5, 6)).astype(np.float32),), {"kernel_size": (2, 3)}),
    (
        "unfold",
        (RNG.normal(size=(2, 1, 7, 6)).astype(np.float32),),
        {"kernel_size": 2, "dilation": (2, 1), "padding": (1, 2), "stride": (3, 2)},
    ),
    (
        "fold",
        (RNG.normal(size=(2, 12, 12)).astype(np.float32),),
        {"output_size": (4, 5), "kernel_size": 2},
    ),
    (
        "fold",
        (RNG.normal(size=(2, 4, 15)).astype(np.float32),),
        {"output_size": (7, 6), "kernel_size": 2, "dilation": (2, 1), "padding": (1, 2),
         "stride": (3, 2)},
    ),
]  # fmt: skip
MORE = [
    *[(name, (EDGE,), {}) for name in ["arctan", "signbit", "cbrt", "angle"]],
    *[(name, (ENDS,), {}) for name in ["arcsin", "arccos", "erfinv"]],
    ("arctan2", (PLANE[:, 0].copy(), PLANE[:, 1].copy()), {}),
    ("arctan2", (N, J), {}),
    *[(name, (N,), {}) for name in ["arctan", "signbit", "cbrt", "imag", "isreal", "real", "i0"]],
    ("gcd", (N, J), {}),
    ("gcd", (BIG, BIG[::-1].copy()), {}),
    ("gcd", (FIBONACCI, FIBONACCI[::-1].copy()), {}),
    ("gcd", (FIBONACCI[:1], FIBONACCI[1:2]), {}),
    ("lcm", (N, J), {}),
    ("gcd", (J.astype(np.uint8), (J + 200).astype(np.uint8)), {}),
    *[
        (name, (HOLES,), {"axis": axis, "keepdims": keep})
        for name in ["nanargmax", "nanargmin", "nanmedian"]
        for axis, keep in ((None, False), (1, True), (0, False))
    ],
    *[("nanquantile", (HOLES,), {"q": [0.1, 0.8], "axis": 1, "method": m}) for m in METHODS],
    *[(name, (HOLES,), {"axis": a}) for name in ["nancumsum", "nancumprod"] for a in (None, 1)],
    ("median", (HOLES,), {"axis": 1}),
    *[(name, (N,), {"axis": 1}) for name in ["median", "cumprod", "nanargmax", "nancumprod"]],
    ("quantile", (N,), {"q": 0.4}),
    ("cumprod", (N > 0,), {}),
    ("cumprod", (J.astype(np.uint8),), {"axis": 1}),
    ("cumprod", (N,), {"axis": 0, "dtype": "float32"}),
    *[
        ("searchsorted", (SORTED, values), {"side": side})
        for values in (X, SORTED, EDGE)
        for side in ("left", "right")
    ],
    ("searchsorted", (np.array([1, 3, 3, 7], np.int32), N), {"side": "right"}),
    ("searchsorted", (SORTED[:1], X), {}),
    ("digitize", (X, SORTED), {}),
    ("digitize", (N, np.array([-3.0, 0.0, 2.5])), {}),
    ("bincount", (J[0],), {}),
    ("bincount", (J[0],), {"minlength": 9}),
    ("bincount", (J[0],), {"weights": X[0]}),
    ("histogram", (X[0],), {}),
    ("histogram", (SORTED,), {"bins": 3, "range": (-0.5, 1.0)}),
    ("histogram", (J[0],), {"bins": 5}),
    ("histogram", (np.arange(11.0, dtype=np.float32),), {}),
    ("histogram", (np.ones(4, np.float32),), {"bins": 4}),
    ("nonzero", (N,), {}),
    *[("unique", (J,), {"size": size}) for size in (None, 2, 9)],
    ("unique", (N,), {"return_index": True, "return_inverse": True, "return_counts": True}),
    ("unique", (J[:, :2],), {"axis": 1, "return_counts": True}),
    ("unravel_index", (np.array([0, 5, 11, -1, 40, -40], np.int32), (3, 4)), {}),
    ("unravel_index", (J, 7), {}),
    ("argpartition", (SORTED, 3), {}),
    ("select", ([N > 2, N < 0], [X, Y]), {"default": 7.0}),
    ("select", ([N > 2, N < 0], [N, J]), {}),
    *[
        (name, (N[:, 0], np.array([1, 0, 1], np.int32)), {"num_segments": 3})
        for name in ["segment_max", "segment_min", "segment_prod"]
    ],
    *[
        (name, (ROWS,), {"segment_ids": IDS * 2, "num_segments": 6})
        for name in ["segment_max", "segment_min", "segment_prod"]
    ],
    ("psnr", (X, X), {"max_val": 3.0}),
    *[
        ("ctc_decode", (FRAMES, np.array([6, 4, 0, 1])), more)
        for more in ({}, {"merge_repeated": False}, {"mask_index": None}, {"mask_index": 1})
    ],
    ("corrcoef", (X[0],), {}),
    ("correlate", (N[0], J[0, :2]), {}),
]  # fmt: skip
ON_DATA = {"bincount", "nonzero", "unique"}  # the sizes of their results depend on the data
CASES = [*SMOOTH, *MORE]
NOT_ARRAYS = [*ON_DATA, "select", "unravel_index", "argpartition"]
TRACED = [case for case in CASES if case[0] not in NOT_ARRAYS]


@pytest.mark.parametrize("case", CASES, ids=keras_ops.ids(CASES))
def test_values_are_keras(case):
    keras_ops.check_values(*case)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES} | {"associative_scan"}))
def test_signatures_are_keras(name):
    keras_ops.check_signature(name)


@pytest.mark.parametrize("case", TRACED, ids=keras_ops.ids(TRACED))
def test_traced(case):
    keras_ops.check_traced(*case)


@pytest.mark.parametrize("case", SMOOTH, ids=keras_ops.ids(SMOOTH))
def test_gradients(case):
    keras_ops.check_gradients(*case, step=1e-3)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan(axis, reverse):
    """Of products of 2 x 2 matrices, which do not commute, with a running sum beside them."""
    for size in (1, 2, 5, 8, 11):
        shape = (size, 3) if axis == 0 else (3, size)
        elems = {"m": RNG.normal(size=(*shape, 2, 2)).astype(np.float32), "n": np.ones(shape)}

        def both(a, b):
            return {"m": b["m"] @ a["m"], "n": a["n"] + b["n"]}

        found = ops.associative_scan(both, elems, reverse=reverse, axis=axis)
        order = range(size)[::-1] if reverse else range(size)
        matrices = np.moveaxis(elems["m"].astype(float), axis, 0)
        so_far, want = np.eye(2), np.zeros_like(matrices)
        for i in order:
            so_far = want[i] = matrices[i] @ so_far
        np.testing.assert_allclose(
            np.moveaxis(found["m"].numpy(), axis, 0), want, rtol=1e-4, atol=1e-4
        )
        count = np.arange(1.0, size + 1)[:: -1 if reverse else 1]
        np.testing.assert_array_equal(np.moveaxis(found["n"].numpy(), axis, 0)[:, 0], count)
    with pytest.raises(ValueError, match="equally long"):
        ops.associative_scan(lambda a, b: a, [X, Y[:2]])


def test_elements_that_are_not_numbers_or_equal_go_to_their_places():
    """Values for which Keras' back ends differ: infinite elements, rows of matrices, no row."""
    assert ops.quantile([1.0, 2.0, np.inf], [0.5, 1.0]).tolist() == [2.0, np.inf]
    assert ops.bincount(np.array([[0, 2], [1, 1]])).tolist() == [[1, 0, 1], [0, 2, 0]]
    weights = np.array([[0.5, 1.0], [2.0, 3.0]])
    assert ops.bincount(np.array([[0, 2], [1, 1]]), weights).tolist() == [[0.5, 0, 1], [0, 5, 0]]
    assert ops.bincount(np.zeros(0, int), minlength=2).tolist() == [0, 0]
    assert ops.searchsorted(np.zeros(0), [1.0, 2.0]).tolist() == [0, 0]
    assert ops.cumprod(np.zeros((0, 2)), 0).shape == (0, 2)
    assert ops.correlate([1, 2], [3, 4]).dtype == "float32"


REARRANGED = [
    ("b h w c -> b c h w", {}),
    ("b h w c -> (b h) w c", {}),
    ("b h w c->h (b w) c", {}),
    ("b h w c -> b (c h w)", {}),
    ("b (h1 h) (w1 w) c -> (b h1 w1) h w c", {"h1": 2, "w1": 3}),
    ("b (h h1) (w w1) c -> b h w (c h1 w1)", {"h1": 2, "w1": 3}),
]


@pytest.mark.parametrize(("pattern", "sizes"), REARRANGED)
def test_rearrange(pattern, sizes):
    x = RNG.normal(size=(2, 4, 6, 3)).astype(np.float32)
    want = np.asarray(keras.ops.rearrange(x, pattern, **sizes))
    np.testing.assert_array_equal(ops.rearrange(x, pattern, **sizes), want)
    inputs = Input((4, 6, 3))
    if pattern.startswith("b h w c -> b"):
        model = Model(inputs, ops.rearrange(inputs, pattern, **sizes))
        np.testing.assert_array_equal(model.predict(x, verbose=0), want)


def test_models_of_any_batch():
    """Functions of the axes that are known, in a model whose batch is not."""
    inputs = Input((5,))
    outputs = [
        ops.median(inputs, axis=1),
        ops.nanquantile(inputs, [0.2, 0.9], axis=-1),
        ops.cumprod(inputs, 1),
        ops.searchsorted(SORTED, inputs),
        ops.arctan2(inputs, 2.0),
        ops.cdist(inputs, Y),
        ops.quantile(inputs, 0.25),
    ]
    found = Model(inputs, outputs).predict(X, batch_size=3, verbose=0)
    want = [
        np.median(X, 1),
        np.nanquantile(X, [0.2, 0.9], axis=-1),
        np.cumprod(X, 1),
        np.searchsorted(SORTED, X),
        np.arctan2(X, 2.0),
        np.linalg.norm(X[:, None] - Y, axis=-1),
        np.quantile(X, 0.25),
    ]
    for ours, theirs in zip(found, want, strict=True):
        np.testing.assert_allclose(np.reshape(ours, np.shape(theirs)), theirs, rtol=1e-5)


ERRORS = [
    (lambda: ops.quantile(X, 0.5, method="cubic"), ValueError, "'cubic'"),
    (lambda: ops.quantile(X, X), ValueError, "a number or a vector"),
    (lambda: ops.searchsorted(X, X), ValueError, "1-D sorted sequences"),
    (lambda: ops.searchsorted(SORTED, X, side="middle"), ValueError, "'middle'"),
    (lambda: ops.digitize(X, X), ValueError, "1D array"),
    (lambda: ops.bincount(X), ValueError, "float32"),
    (lambda: ops.bincount(N), ValueError, "negative"),
    (lambda: Traced(ops.bincount)(J[0]), TypeError, "symbolic"),
    (lambda: Traced(ops.nonzero)(J[0]), TypeError, "symbolic"),
    (lambda: ops.histogram(X), ValueError, "1-dimensional"),
    (lambda: ops.histogram(X[0], bins=2.0), TypeError, "of type `int`"),
    (lambda: ops.histogram(X[0], range=(2, 1)), ValueError, "greater than the first"),
    (lambda: ops.segment_max(X, N), ValueError, "1-D vector"),
    (lambda: ops.segment_max(X, IDS), ValueError, "same leading dimension"),
    (lambda: ops.correlate(X, Y), ValueError, "`x1` must be a 1-dimensional"),
    (lambda: ops.correlate(X[0], Y[0], "half"), ValueError, "half"),
    (lambda: ops.cdist(X, Y[:, :4]), ValueError, "must match"),
    (lambda: ops.psnr(X, Y[:2], 1.0), ValueError, "must match"),
    (lambda: ops.gcd(X, Y), TypeError, "integers"),
    (lambda: ops.select([], []), ValueError, "must not be empty"),
    (lambda: ops.select(N > 0, X), ValueError, "must be lists"),
    (lambda: ops.depth_to_space(C[None], 1), ValueError, "at least 2"),
    (lambda: ops.unfold(X, 2), ValueError, "4D"),
    (lambda: ops.fold(X, 2, 2), ValueError, "3D"),
    (lambda: ops.ctc_decode(C, [3, 3], "beam_search"), NotImplementedError, "'greedy'"),
    (lambda: ops.ctc_decode(C, [3, 3], "best"), ValueError, "Invalid strategy best"),
    (lambda: ops.rearrange(X, "a b -> a"), ValueError, "same axes"),
    (lambda: ops.rearrange(X, "a b c -> c b a"), ValueError, "has 3 axes"),
    (lambda: ops.rearrange(X, "(a b) c -> a b c", a=2), ValueError, "axis of size 3"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors_are_one_line(case):
    function, kind, text = ERRORS[case]
    with pytest.raises(kind, match=text) as caught:
        function()
    assert "\n" not in str(caught.value)
