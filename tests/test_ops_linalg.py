"""nnseq.ops.linalg against Keras' own and NumPy's in float64, eager and traced, with gradients of
first and second order."""

import keras_ops
import numpy as np
import pytest

import nnseq
from nnseq import GradientTape, Input, Model, Variable, ops

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(17)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


A, B, ONE = normal(2, 3, 4, 4), normal(5, 5), np.float32([[-2.0]])
V, W = normal(5), normal(5, 3)
S = (B @ B.T + np.eye(5)).astype(np.float32)
L = np.tril(B) + 3 * np.eye(5, dtype=np.float32)
U = np.ascontiguousarray(L.T)
TURNED = np.float32([[0, 2, 0], [0, 0, 3], [-1, 0, 0]])
TALL, WIDE = normal(5, 3), normal(2, 3, 4)

SMOOTH = [
    *[(name, (x,), {}) for name in ["det", "inv"] for x in (A, B, ONE, TURNED)],
    *[("slogdet", (x,), {}) for x in (A, B)],
    ("logdet", (S,), {}),
    *[("lu_factor", (x,), {}) for x in (A, B, TALL, WIDE)],
    *[("cholesky", (S,), {"upper": upper}) for upper in (False, True)],
    ("cholesky_inverse", (L,), {}),
    ("cholesky_inverse", (U,), {"upper": True}),
    ("solve", (B, V), {}),
    ("solve", (B, W), {}),
    ("solve", (A, normal(2, 3, 4, 2)), {}),
    ("solve_triangular", (U, V), {}),
    ("solve_triangular", (L, W), {"lower": True}),
    ("solve_triangular", (B + 4 * np.eye(5, dtype=np.float32), W), {}),  # reads one side only
    *[("qr", (x,), {}) for x in (A, B, TALL)],
    ("qr", (WIDE,), {}),
]
SINGULAR = np.float32([[1, 2, 3], [2, 4, 6], [1, 1, 1]])
MORE = [
    *[("det", (x,), {}) for x in (SINGULAR, np.zeros((2, 2), np.float32), np.eye(3, dtype="f"))],
    ("slogdet", (np.zeros((2, 2), np.float32),), {}),
    ("slogdet", (TURNED,), {}),
    ("qr", (TALL,), {"mode": "complete"}),
    ("qr", (np.float32([[2, 1], [0, 3]]),), {}),
]
CASES = [*SMOOTH, *MORE]
# A pivot's index has no gradient, and weights of a whole orthogonal matrix see its free columns.
VALUES = [case for case in SMOOTH if case[0] not in ("lu_factor", "slogdet")]


@pytest.mark.parametrize("case", CASES, ids=keras_ops.ids(CASES))
def test_values_are_keras(case):
    keras_ops.check_values(*case, tolerance=2e-4)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_signatures_are_keras(name):
    keras_ops.check_signature(name)


@pytest.mark.parametrize("case", CASES, ids=keras_ops.ids(CASES))
def test_traced(case):
    keras_ops.check_traced(*case)


@pytest.mark.parametrize("case", VALUES, ids=keras_ops.ids(VALUES))
def test_gradients(case):
    keras_ops.check_gradients(*case, step=1e-3)


@pytest.mark.parametrize("name", ["slogdet", "logdet", "lu_factor"])
def test_gradients_of_the_part_that_has_one(name):
    def part(x):
        result = getattr(ops, name)(x)
        return result if name == "logdet" else result[1 if name == "slogdet" else 0]

    weights, direction = normal(*part(S).shape), normal(5, 5) * 1e-2
    variable = Variable(S)
    with GradientTape() as tape:
        total = ops.sum(part(variable) * weights)
    gradient = np.asarray(tape.gradient(total, variable))
    ends = [float(ops.sum(part(S + s * direction) * weights)) for s in (0.5, -0.5)]
    assert (gradient * direction).sum() == pytest.approx(ends[0] - ends[1], rel=1e-2, abs=1e-4)


def test_second_derivatives_of_the_inverse():
    """Of f = sum(inv(x)) along d: 2 sum(inv d inv d inv)."""
    d = normal(5, 5)
    x = Variable(B)
    with GradientTape() as outer:
        with GradientTape() as inner:
            total = ops.sum(ops.inv(x))
        slope = ops.sum(inner.gradient(total, x) * d)
    second = float(np.sum(np.asarray(outer.gradient(slope, x)) * d))
    b = np.linalg.inv(B.astype(float))
    assert second == pytest.approx(2 * (b @ d @ b @ d @ b).sum(), rel=1e-3)


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_sizes_in_float64(size):
    x = RNG.normal(size=(size, size))
    found = {
        "inv": (ops.inv(x), np.linalg.inv(x)),
        "logdet": (ops.slogdet(x)[1], np.linalg.slogdet(x)[1]),
        "solve": (ops.solve(x, x[:, 0]), np.eye(size)[0]),
    }
    scale = np.linalg.cond(x) * 1e-6
    for name, (ours, want) in found.items():
        error = np.abs(ours.numpy() - want).max()
        assert error <= scale * max(1, np.abs(want).max()), name
    q, r = ops.qr(x)
    np.testing.assert_allclose(q.numpy() @ r.numpy(), x, atol=2e-5)
    np.testing.assert_allclose(q.numpy().T @ q.numpy(), np.eye(size), atol=2e-5)
    spd = x @ x.T + np.eye(size)
    lower = ops.cholesky(spd).numpy()
    np.testing.assert_allclose(lower @ lower.T, spd, atol=1e-5 * np.abs(spd).max())
    np.testing.assert_array_equal(lower, np.tril(lower))


@pytest.mark.parametrize("size", [4, 5, 6, 7, 8])
def test_nearly_singular_matrices(size):
    """Hilbert's, of conditions 2e4 to 1e10: values are as near as those of Keras."""
    x = (1 / (np.arange(size)[:, None] + np.arange(size) + 1)).astype(np.float32)
    ones = np.ones(size, np.float32)
    for name, arrays in (("inv", (x,)), ("solve", (x, ones))):
        want = getattr(np.linalg, name)(*(a.astype(float) for a in arrays))
        ours, theirs = (
            np.abs(np.asarray(f(*arrays)) - want).max() / np.abs(want).max()
            for f in (getattr(ops, name), getattr(keras.ops, name))
        )
        assert ours <= 5 * theirs + 1e-6, name


def test_models_of_any_batch():
    inputs = Input((4, 4))
    outputs = [ops.det(inputs), ops.inv(inputs), ops.qr(inputs)[1],
               ops.solve(inputs, inputs[:, 0])]  # fmt: skip
    x = A.reshape(-1, 4, 4)
    found = Model(inputs, outputs).predict(x, batch_size=4, verbose=0)
    np.testing.assert_allclose(found[0], np.linalg.det(x), rtol=1e-4)
    np.testing.assert_allclose(found[1], np.linalg.inv(x), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found[2], np.linalg.qr(x)[1], rtol=1e-3, atol=1e-4)
    want = np.linalg.solve(x, x[:, 0][..., None])[..., 0]
    np.testing.assert_allclose(found[3], want, rtol=1e-3, atol=1e-4)


def test_a_layer_learns_through_them():
    """A Gaussian's precision from its log-likelihood: logdet and a quadratic form."""
    rows = RNG.normal(size=(400, 2)) @ np.array([[1.0, 0.6], [0.0, 0.5]])
    x, factor = rows.astype(np.float32), Variable(np.eye(2, dtype=np.float32))

    def loss():
        precision = ops.matmul(factor, ops.transpose(factor))
        return ops.mean(ops.sum(x @ precision * x, -1)) - ops.logdet(precision)

    optimizer = nnseq.optimizers.Adam(0.1)
    for _ in range(60):
        with GradientTape() as tape:
            value = loss()
        optimizer.apply_gradients([(tape.gradient(value, factor), factor)])
    found = np.linalg.inv(factor.numpy() @ factor.numpy().T)
    np.testing.assert_allclose(found, x.T @ x / len(x), atol=5e-2)


ERRORS = [
    (lambda: ops.det(V), "rank >= 2"),
    (lambda: ops.inv(W), "square"),
    (lambda: ops.cholesky(-S), "positive definite"),
    (lambda: ops.solve(B, V[:4]), "Incompatible shapes"),
    (lambda: ops.solve(B, A), "the rank of `a`"),
    (lambda: ops.solve_triangular(B, W[:2]), "Incompatible shapes"),
    (lambda: ops.qr(B, "raw"), "mode=raw"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors_are_one_line(case):
    function, text = ERRORS[case]
    with pytest.raises(ValueError, match=text) as caught:
        function()
    assert "\n" not in str(caught.value)


def test_the_namespace():
    assert ops.linalg.det is ops.det
    assert set(ops.linalg.__all__) <= set(dir(keras.ops.linalg))
    with pytest.raises(AttributeError, match=r"no ops\.linalg\.eig: "):
        _ = ops.linalg.eig
