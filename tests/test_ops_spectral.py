"""Eigenvalues, singular values and what follows from them against NumPy's in float64 and Keras'
own, eager and traced, with gradients of first and second order."""

import keras_ops
import numpy as np
import pytest

from nnseq import GradientTape, Input, Model, Variable, ops
from nnseq.engine.traced import Traced

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(29)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def symmetric(*shape):
    x = normal(*shape)
    return (x + np.swapaxes(x, -1, -2)) / 2


def rank(m, n, r):
    return normal(m, r) @ normal(r, n)


SYMMETRIC = {
    "one": symmetric(1, 1),
    "two": symmetric(2, 2),
    "odd": symmetric(5, 5),
    "even": symmetric(6, 6),
    "batch": symmetric(2, 3, 4, 4),
    "larger": symmetric(20, 20),
    "equal": np.eye(4, dtype=np.float32) * 3,
    "nothing": np.zeros((3, 3), np.float32),
    "opposite": np.float32([[0, 2], [2, 0]]),
    "small": symmetric(4, 4) * 1e-15,
    "large": symmetric(4, 4) * 1e15,
    "of rank 2": (lambda x: x @ x.T)(normal(5, 2)),
}
ANY = {
    **{name: SYMMETRIC[name] for name in ("one", "odd", "batch", "equal", "nothing", "small")},
    "square": normal(6, 6),
    "tall": normal(5, 3),
    "column": normal(4, 1),
    "row": normal(1, 4),
    "wide": normal(2, 3, 5),
    "larger": normal(20, 14),
    "of rank 2, tall": rank(6, 4, 2),
    "of rank 2, wide": rank(3, 5, 2),
    "turned": np.float32([[0, 2, 0], [0, 0, 3], [-1, 0, 0]]),
}


def near(found, want, scale, error=2e-6):
    np.testing.assert_allclose(found, want, atol=error * max(scale, 1e-30), rtol=0)


def scale_of(x):
    return float(np.abs(x).max()) * max(x.shape[-2:])


@pytest.mark.parametrize("name", SYMMETRIC)
def test_eigh(name):
    x = SYMMETRIC[name]
    values, vectors = (t.numpy() for t in ops.eigh(x))
    assert values.dtype == vectors.dtype == np.float32
    assert (np.diff(values) >= 0).all()
    near(values, np.linalg.eigvalsh(x.astype(float)), scale_of(x))
    turned = np.swapaxes(vectors, -1, -2)
    near(turned @ vectors, np.broadcast_to(np.eye(x.shape[-1]), x.shape), 1, 6e-6)
    near((vectors * values[..., None, :]) @ turned, x, scale_of(x), 3e-6)


def test_eigh_takes_the_symmetric_part():
    x = normal(4, 4)
    ours, theirs = ops.eigh(x)[0], keras.ops.eigh(x)[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("name", ANY)
def test_svd(name, full):
    x = ANY[name]
    want = np.linalg.svd(x.astype(float), full_matrices=full)
    u, values, v = (t.numpy() for t in ops.svd(x, full_matrices=full))
    assert [t.shape for t in (u, values, v)] == [t.shape for t in want]
    near(values, want[1], scale_of(x))
    for q in (u, np.swapaxes(v, -1, -2)):
        near(np.swapaxes(q, -1, -2) @ q, np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2],
             q.shape[-1], q.shape[-1])), 1, 6e-6)  # fmt: skip
    few = values.shape[-1]
    near((u[..., :few] * values[..., None, :]) @ v[..., :few, :], x, scale_of(x), 3e-6)
    np.testing.assert_array_equal(ops.svd(x, compute_uv=False), values)


@pytest.mark.parametrize("name", ANY)
def test_pinv_and_rank(name):
    x = ANY[name].astype(float)
    want = np.linalg.pinv(x, rcond=1e-5)
    spread = 1e-6 * np.linalg.norm(x) * np.linalg.norm(want) + 1e-6
    np.testing.assert_allclose(
        ops.pinv(ANY[name]), want, rtol=0, atol=10 * spread * max(np.abs(want).max(), 1e-30)
    )
    np.testing.assert_array_equal(ops.matrix_rank(ANY[name]), np.linalg.matrix_rank(x, rtol=1e-5))


WITH_KERAS = [
    ("pinv", (ANY["tall"],), {}),
    ("pinv", (ANY["wide"],), {"rcond": 0.5}),
    ("pinv", (ANY["of rank 2, wide"],), {}),
    ("matrix_rank", (ANY["of rank 2, tall"],), {}),
    ("matrix_rank", (ANY["batch"],), {"tol": 0.5}),
    ("lstsq", (ANY["tall"], normal(5)), {}),
    ("lstsq", (ANY["tall"], normal(5, 2)), {}),
    ("lstsq", (ANY["square"], normal(6)), {"rcond": 0.3}),
    ("lstsq", (ANY["of rank 2, wide"], normal(3)), {}),
    *[("norm", (ANY["tall"],), {"ord": ord}) for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf,
                                                         -np.inf)],
    ("norm", (ANY["batch"],), {"ord": 2, "axis": (1, 3)}),
    ("norm", (ANY["batch"],), {"ord": "nuc", "axis": (-1, 0), "keepdims": True}),
    ("norm", (ANY["batch"],), {"ord": -np.inf, "axis": (2, 0), "keepdims": True}),
    ("norm", (ANY["batch"],), {"axis": (0, 1)}),
    ("norm", (ANY["batch"],), {}),
    *[("norm", (ANY["wide"],), {"ord": ord, "axis": -1}) for ord in (0, 1, -1, 2, 3, 2.5, np.inf,
                                                                     -np.inf)],
    ("norm", (normal(6),), {"ord": 2, "keepdims": True}),
    ("norm", (normal(6),), {"ord": 3}),
]  # fmt: skip


@pytest.mark.parametrize("case", WITH_KERAS, ids=keras_ops.ids(WITH_KERAS))
def test_values_are_keras(case):
    keras_ops.check_values(*case, tolerance=2e-4)
    keras_ops.check_traced(*case)


@pytest.mark.parametrize("name", ["eigh", "svd", "pinv", "lstsq", "matrix_rank", "norm"])
def test_signatures_are_keras(name):
    keras_ops.check_signature(name)


TRACED = [("eigh", (SYMMETRIC["batch"],), {}), ("svd", (ANY["tall"],), {}),
          ("svd", (ANY["wide"],), {"full_matrices": False})]  # fmt: skip
SMOOTH = [
    *[("eigh", (SYMMETRIC[name],), {}) for name in ("two", "odd", "batch")],
    ("svd", (ANY["square"],), {}),
    ("svd", (ANY["tall"],), {"full_matrices": False}),
    ("svd", (ANY["wide"],), {"full_matrices": False}),
    ("svd", (ANY["wide"],), {"compute_uv": False}),
    *[("pinv", (ANY[name],), {}) for name in ("square", "tall", "wide")],
    ("lstsq", (ANY["tall"], normal(5, 2)), {}),
    *[("norm", (ANY["tall"],), {"ord": ord}) for ord in ("nuc", 2, -2, 1)],
]


@pytest.mark.parametrize("case", TRACED, ids=keras_ops.ids(TRACED))
def test_traced(case):
    keras_ops.check_traced(*case)


@pytest.mark.parametrize("case", SMOOTH, ids=keras_ops.ids(SMOOTH))
def test_gradients(case):
    keras_ops.check_gradients(*case, step=1e-3)


def test_gradients_of_functions_of_matrices():
    """exp(x) by eigenvalues, at equal ones too: sums that no turn among equal vectors changes."""
    x = np.diag(np.float32([1, 2, 3]))
    found = []
    for start in (x, x + np.diag(np.float32([1, 0, 0]))):
        v = Variable(start)
        with GradientTape() as tape:
            values, _ = ops.eigh(v)
            total = ops.sum(ops.exp(values))
        found.append(np.asarray(tape.gradient(total, v)))
    np.testing.assert_allclose(found[0], np.diag(np.exp([1, 2, 3])), rtol=1e-5)
    np.testing.assert_allclose(found[1], np.diag(np.exp([2, 2, 3])), rtol=1e-5, atol=1e-5)


def test_pinv_of_the_rank_it_has():
    """Along a direction in which the rank stays 2."""
    left, right, turn = normal(6, 2), normal(2, 4), normal(6, 2)
    weights = normal(4, 6)
    v = Variable(left @ right)
    with GradientTape() as tape:
        total = ops.sum(ops.pinv(v) * weights)
    slope = float(np.sum(np.asarray(tape.gradient(total, v)) * (turn @ right)))
    ends = [
        np.sum(np.linalg.pinv((left + t * turn).astype(float) @ right, rcond=1e-5) * weights)
        for t in (1e-4, -1e-4)
    ]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-2)


def test_second_derivatives_of_eigenvalues():
    """Of each along d: 2 sum over the others of (v_i d v_j)^2 / (value_i - value_j)."""
    x, d = np.diag(np.float32([1, 2, 4])), symmetric(3, 3)
    v = Variable(x)
    with GradientTape() as outer:
        with GradientTape() as inner:
            first = ops.eigh(v)[0][0]
        slope = ops.sum(inner.gradient(first, v) * d)
    second = float(np.sum(np.asarray(outer.gradient(slope, v)) * d))
    assert second == pytest.approx(2 * (d[0, 1] ** 2 / -1 + d[0, 2] ** 2 / -3), rel=1e-3)


def test_models_of_any_batch():
    inputs = Input((4, 3))
    model = Model(inputs, [*ops.svd(inputs, full_matrices=False), ops.pinv(inputs)])
    x = normal(7, 4, 3)
    u, values, v, inverse = model.predict(x, batch_size=4, verbose=0)
    np.testing.assert_allclose((u * values[:, None]) @ v, x, atol=1e-5)
    np.testing.assert_allclose(inverse, np.linalg.pinv(x), atol=1e-4)


def test_many_sizes_are_orthogonal_in_a_trace():
    for size in (1, 2, 3, 7, 8):
        x = symmetric(size, size)
        values, vectors = Traced(ops.eigh)(x)
        found = (np.asarray(vectors) * np.asarray(values)) @ np.asarray(vectors).T
        np.testing.assert_allclose(found, x, atol=2e-5)


ERRORS = [
    (lambda: ops.eigh(normal(3, 2)), "square"),
    (lambda: ops.svd(normal(3)), "rank >= 2"),
    (lambda: ops.lstsq(normal(2, 3, 3), normal(3)), "lstsq takes a matrix"),
    (lambda: ops.lstsq(normal(3, 2), normal(2)), "lstsq takes a matrix"),
    (lambda: ops.norm(normal(3, 2), ord=3), "ord=3 is not one of matrices"),
    (lambda: ops.norm(normal(3), ord="nuc"), "ord='nuc' is not one of vectors"),
    (lambda: ops.norm(normal(2, 2, 2), ord=2), "3 dimensions need `axis`"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors_are_one_line(case):
    function, text = ERRORS[case]
    with pytest.raises(ValueError, match=text) as caught:
        function()
    assert "\n" not in str(caught.value)
