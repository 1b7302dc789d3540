"""nnseq.ops against NumPy: values, shapes, dtypes, promotion, indexing and errors."""

import numpy as np
import pytest

from nnseq import Input, KerasTensor, Model, Tensor, Variable, ops
from nnseq.engine.traced import Traced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype(np.float32)
Y = RNG.normal(size=(3, 4)).astype(np.float32)
P = RNG.uniform(0.1, 2.0, size=(3, 4)).astype(np.float32)
I32 = RNG.integers(-5, 6, size=(3, 4)).astype(np.int32)
C = RNG.normal(size=(2, 3, 4)).astype(np.float32)


def erf(x):
    from math import erf as exact

    return np.vectorize(exact)(x.astype(np.float64))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# name, function of nnseq, the same in NumPy, arguments
CASES = [
    ("add", ops.add, np.add, (X, Y)),
    ("subtract", ops.subtract, np.subtract, (X, Y)),
    ("multiply", ops.multiply, np.multiply, (X, Y)),
    ("divide", ops.divide, np.divide, (X, P)),
    ("divide_ints", ops.divide, np.divide, (I32, np.int32(4))),
    ("floor_divide", ops.floor_divide, np.floor_divide, (I32, np.int32(3))),
    ("mod", ops.mod, np.mod, (I32, np.int32(3))),
    ("power", ops.power, np.power, (P, Y)),
    ("maximum", ops.maximum, np.maximum, (X, Y)),
    ("minimum", ops.minimum, np.minimum, (X, Y)),
    ("clip", lambda x: ops.clip(x, -0.5, 0.5), lambda x: np.clip(x, -0.5, 0.5), (X,)),
    ("equal", ops.equal, np.equal, (I32, I32[::-1])),
    ("not_equal", ops.not_equal, np.not_equal, (I32, I32[::-1])),
    ("less", ops.less, np.less, (X, Y)),
    ("less_equal", ops.less_equal, np.less_equal, (I32, I32[::-1])),
    ("greater", ops.greater, np.greater, (X, Y)),
    ("greater_equal", ops.greater_equal, np.greater_equal, (I32, I32[::-1])),
    ("logical_and", ops.logical_and, np.logical_and, (I32, I32[::-1])),
    ("logical_or", ops.logical_or, np.logical_or, (I32, I32[::-1])),
    ("logical_xor", ops.logical_xor, np.logical_xor, (I32, I32[::-1])),
    ("logical_not", ops.logical_not, np.logical_not, (I32,)),
    ("where", ops.where, np.where, (X > 0, X, Y)),
    ("negative", ops.negative, np.negative, (X,)),
    ("absolute", ops.absolute, np.abs, (I32,)),
    ("sign", ops.sign, np.sign, (X,)),
    ("square", ops.square, np.square, (I32,)),
    ("floor", ops.floor, np.floor, (X * 3,)),
    ("ceil", ops.ceil, np.ceil, (X * 3,)),
    ("round", ops.round, np.round, (X * 3,)),
    ("round_2", lambda x: ops.round(x, 2), lambda x: np.round(x, 2), (X,)),
    ("sqrt", ops.sqrt, np.sqrt, (P,)),
    ("rsqrt", ops.rsqrt, lambda x: 1 / np.sqrt(x), (P,)),
    ("reciprocal", ops.reciprocal, np.reciprocal, (P,)),
    ("exp", ops.exp, np.exp, (X,)),
    ("expm1", ops.expm1, np.expm1, (X,)),
    ("log", ops.log, np.log, (P,)),
    ("log1p", ops.log1p, np.log1p, (P,)),
    ("log2", ops.log2, np.log2, (P,)),
    ("log10", ops.log10, np.log10, (P,)),
    ("sin", ops.sin, np.sin, (X,)),
    ("cos", ops.cos, np.cos, (X,)),
    ("tan", ops.tan, np.tan, (X,)),
    ("tanh", ops.tanh, np.tanh, (X,)),
    ("erf", ops.erf, erf, (X,)),
    ("isnan", ops.isnan, np.isnan, (np.float32([0, np.nan, np.inf]),)),
    ("isinf", ops.isinf, np.isinf, (np.float32([0, np.nan, -np.inf]),)),
    ("isfinite", ops.isfinite, np.isfinite, (np.float32([0, np.nan, np.inf]),)),
    ("nan_to_num", ops.nan_to_num, np.nan_to_num, (np.float32([1, np.nan, np.inf, -np.inf]),)),
    ("sigmoid", ops.sigmoid, sigmoid, (X,)),
    ("log_sigmoid", ops.log_sigmoid, lambda x: np.log(sigmoid(x)), (X,)),
    ("relu", ops.relu, lambda x: np.maximum(x, 0), (X,)),
    ("softplus", ops.softplus, lambda x: np.log1p(np.exp(x)), (X,)),
    ("silu", ops.silu, lambda x: x * sigmoid(x), (X,)),
    ("hard_tanh", ops.hard_tanh, lambda x: np.clip(x, -1, 1), (X * 2,)),
    ("leaky_relu", ops.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x), (X,)),
    ("elu", lambda x: ops.elu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)), (X,)),
    ("sum", ops.sum, np.sum, (X,)),
    ("sum_axis", lambda x: ops.sum(x, -1), lambda x: x.sum(-1), (C,)),
    ("sum_axes", lambda x: ops.sum(x, (0, 2), True), lambda x: x.sum((0, 2), keepdims=True), (C,)),
    ("mean", lambda x: ops.mean(x, 1), lambda x: x.mean(1), (C,)),
    ("mean_ints", ops.mean, np.mean, (I32,)),
    ("max", lambda x: ops.max(x, 0), lambda x: x.max(0), (C,)),
    ("min", lambda x: ops.min(x, 2, True), lambda x: x.min(2, keepdims=True), (C,)),
    ("prod", lambda x: ops.prod(x, 1), lambda x: x.prod(1), (C,)),
    ("any", lambda x: ops.any(x, 1), lambda x: x.any(1), (I32 > 3,)),
    ("all", lambda x: ops.all(x, 0), lambda x: x.all(0), (I32 > -4,)),
    ("var", lambda x: ops.var(x, 1), lambda x: x.var(1), (C,)),
    ("std", ops.std, np.std, (C,)),
    ("argmax", lambda x: ops.argmax(x, 1), lambda x: x.argmax(1), (C,)),
    ("argmin", ops.argmin, np.argmin, (C,)),
    (
        "argmax_keepdims",
        lambda x: ops.argmax(x, -1, keepdims=True),
        lambda x: x.argmax(-1)[..., None],
        (C,),
    ),
    ("logsumexp", lambda x: ops.logsumexp(x, 1), lambda x: np.log(np.exp(x).sum(1)), (C,)),
    ("norm", lambda x: ops.norm(x, axis=-1), lambda x: np.linalg.norm(x, axis=-1), (C,)),
    ("norm_1", lambda x: ops.norm(x, 1, axis=0), lambda x: np.linalg.norm(x, 1, axis=0), (X,)),
    (
        "average",
        lambda x: ops.average(x, 1, [1, 2, 3, 4]),
        lambda x: np.average(x, 1, [1, 2, 3, 4]),
        (X,),
    ),
    ("count_nonzero", lambda x: ops.count_nonzero(x, 0), lambda x: np.count_nonzero(x, 0), (I32,)),
    ("reshape", lambda x: ops.reshape(x, (4, -1)), lambda x: x.reshape(4, -1), (C,)),
    ("ravel", ops.ravel, np.ravel, (C,)),
    ("transpose", ops.transpose, np.transpose, (C,)),
    ("transpose_axes", lambda x: ops.transpose(x, (1, 0, 2)), lambda x: x.transpose(1, 0, 2), (C,)),
    ("moveaxis", lambda x: ops.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1), (C,)),
    (
        "moveaxes",
        lambda x: ops.moveaxis(x, (0, 1), (2, 0)),
        lambda x: np.moveaxis(x, (0, 1), (2, 0)),
        (C,),
    ),
    ("swapaxes", lambda x: ops.swapaxes(x, 0, 2), lambda x: x.swapaxes(0, 2), (C,)),
    (
        "expand_dims",
        lambda x: ops.expand_dims(x, (0, -1)),
        lambda x: np.expand_dims(x, (0, -1)),
        (X,),
    ),
    ("squeeze", lambda x: ops.squeeze(x[:1]), lambda x: x[0], (X,)),
    (
        "concatenate",
        lambda x, y: ops.concatenate([x, y], 1),
        lambda x, y: np.concatenate([x, y], 1),
        (X, Y),
    ),
    ("stack", lambda x, y: ops.stack([x, y], -1), lambda x, y: np.stack([x, y], -1), (X, Y)),
    ("hstack", lambda x, y: ops.hstack([x, y]), lambda x, y: np.hstack([x, y]), (X, Y)),
    ("vstack", lambda x, y: ops.vstack([x, y]), lambda x, y: np.vstack([x, y]), (X[0], Y[0])),
    (
        "broadcast_to",
        lambda x: ops.broadcast_to(x, (2, 3, 4)),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        (X,),
    ),
    ("tile", lambda x: ops.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), (X,)),
    ("tile_1", lambda x: ops.tile(x, 2), lambda x: np.tile(x, 2), (C,)),
    ("repeat", lambda x: ops.repeat(x, 3, 1), lambda x: np.repeat(x, 3, 1), (C,)),
    ("repeat_flat", lambda x: ops.repeat(x, 2), lambda x: np.repeat(x, 2), (X,)),
    (
        "repeat_each",
        lambda x: ops.repeat(x, [2, 0, 1], 0),
        lambda x: np.repeat(x, [2, 0, 1], 0),
        (X,),
    ),
    (
        "pad",
        lambda x: ops.pad(x, ((1, 0), (0, 2)), constant_values=7),
        lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=7),
        (X,),
    ),
    ("pad_reflect", lambda x: ops.pad(x, 1, "reflect"), lambda x: np.pad(x, 1, "reflect"), (X,)),
    (
        "pad_edge",
        lambda x: ops.pad(x, ((0, 2), (1, 0)), "edge"),
        lambda x: np.pad(x, ((0, 2), (1, 0)), "edge"),
        (X,),
    ),
    ("flip", lambda x: ops.flip(x, 1), lambda x: np.flip(x, 1), (X,)),
    ("flip_all", ops.flip, np.flip, (C,)),
    ("roll", lambda x: ops.roll(x, 3, 1), lambda x: np.roll(x, 3, 1), (X,)),
    ("roll_flat", lambda x: ops.roll(x, -2), lambda x: np.roll(x, -2), (X,)),
    ("tril", ops.tril, np.tril, (X,)),
    ("triu", lambda x: ops.triu(x, 1), lambda x: np.triu(x, 1), (C,)),
    ("take", lambda x: ops.take(x, [2, 0, -1], 0), lambda x: np.take(x, [2, 0, -1], 0), (X,)),
    (
        "take_grid",
        lambda x: ops.take(x, [[1, 0], [3, 3]], 1),
        lambda x: np.take(x, [[1, 0], [3, 3]], 1),
        (X,),
    ),
    ("take_flat", lambda x: ops.take(x, [5, 1]), lambda x: np.take(x, [5, 1]), (X,)),
    (
        "take_along_axis",
        lambda x, i: ops.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, i, 1),
        (C, RNG.integers(0, 3, (2, 2, 4)).astype(np.int32)),
    ),
    ("one_hot", lambda i: ops.one_hot(i, 4), lambda i: np.eye(4)[i], (np.array([0, 3, 1]),)),
    (
        "one_hot_axis",
        lambda i: ops.one_hot(i, 4, axis=0),
        lambda i: np.eye(4)[i].T,
        (np.array([0, 3, 1]),),
    ),
    ("matmul", ops.matmul, np.matmul, (X, Y.T.copy())),
    ("matmul_batch", ops.matmul, np.matmul, (C, C.transpose(0, 2, 1).copy())),
    ("matmul_broadcast", ops.matmul, np.matmul, (X, C.transpose(0, 2, 1).copy())),
    ("matmul_right", ops.matmul, np.matmul, (C, X.T.copy())),
    ("matmul_vector", ops.matmul, np.matmul, (C, X[0])),
    ("matmul_vectors", ops.matmul, np.matmul, (X[0], Y[0])),
    ("matmul_row", ops.matmul, np.matmul, (X[0], X.T.copy())),
    ("dot", ops.dot, np.dot, (C, X.T.copy())),
    ("dot_scalar", ops.dot, np.dot, (X, np.float32(3))),
    ("outer", ops.outer, np.outer, (X[0], Y[1])),
    (
        "tensordot",
        lambda x, y: ops.tensordot(x, y, 1),
        lambda x, y: np.tensordot(x, y, 1),
        (X.T.copy(), X),
    ),
    (
        "tensordot_axes",
        lambda x, y: ops.tensordot(x, y, [[1, 2], [0, 1]]),
        lambda x, y: np.tensordot(x, y, [[1, 2], [0, 1]]),
        (C, X),
    ),
    ("softmax", ops.softmax, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), (X,)),
    ("softmax_axis", lambda x: ops.softmax(x, 0), lambda x: np.exp(x) / np.exp(x).sum(0), (X,)),
    ("softmax_all", lambda x: ops.softmax(x, None), lambda x: np.exp(x) / np.exp(x).sum(), (X,)),
    ("log_softmax", ops.log_softmax, lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)), (X,)),
    ("getitem_int", lambda x: x[1], lambda x: x[1], (C,)),
    ("getitem_last", lambda x: x[..., -1], lambda x: x[..., -1], (C,)),
    ("getitem_slice", lambda x: x[:, 1:, ::2], lambda x: x[:, 1:, ::2], (C,)),
    ("getitem_back", lambda x: x[:, ::-1], lambda x: x[:, ::-1], (C,)),
    ("getitem_back_bounds", lambda x: x[0, 2:0:-1, 3::-2], lambda x: x[0, 2:0:-1, 3::-2], (C,)),
    ("getitem_new", lambda x: x[None, :, 0, None], lambda x: x[None, :, 0, None], (C,)),
    ("getitem_empty", lambda x: x[:, 2:1], lambda x: x[:, 2:1], (C,)),
    ("getitem_indices", lambda x: x[np.array([1, 0, 1])], lambda x: x[np.array([1, 0, 1])], (C,)),
    (
        "getitem_indices_later",
        lambda x: x[:, np.array([2, 0])],
        lambda x: x[:, np.array([2, 0])],
        (C,),
    ),
]


def _check(got, want):
    want = np.asarray(want)
    assert isinstance(got, Tensor)
    assert got.shape == want.shape
    if want.dtype == np.float64:
        want = want.astype(np.float32)
    if want.dtype == np.bool_:
        assert got.dtype == "bool"
    np.testing.assert_allclose(got.numpy(), want, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name, ours, reference, args", CASES, ids=[c[0] for c in CASES])
def test_eager_and_traced_values(name, ours, reference, args):
    want = reference(*args)
    _check(ours(*map(ops.convert_to_tensor, args)), want)
    _check(Traced(ours)(*args), want)


BATCHED = [case for case in CASES if all(np.ndim(a) >= 2 for a in case[3])]


@pytest.mark.parametrize("name, ours, reference, args", BATCHED, ids=[c[0] for c in BATCHED])
def test_keras_tensor_gives_shape_and_replays(name, ours, reference, args):
    inputs = [Input(batch_shape=a.shape, dtype=ops.convert_to_tensor(a).dtype) for a in args]
    output = ours(*inputs)
    want = np.asarray(reference(*args))
    assert isinstance(output, KerasTensor)
    assert output.shape == want.shape
    _check(Model(inputs, output)(list(args)), want)


EINSUMS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,kj->ik", [(2, 3), (4, 3)]),
    ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
    ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
    ("abc,cde->abde", [(2, 3, 4), (4, 5, 2)]),
    ("...ij,jk->...ik", [(2, 2, 3), (3, 4)]),
    ("i,i->", [(4,), (4,)]),
    ("i,j->ij", [(4,), (3,)]),
    ("ij->ji", [(2, 3)]),
    ("ij->j", [(2, 3)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
    ("ij,ij->i", [(2, 3), (2, 3)]),
    ("ijk,il->jl", [(2, 3, 4), (2, 5)]),
]


@pytest.mark.parametrize("subscripts, shapes", EINSUMS, ids=[e[0] for e in EINSUMS])
def test_einsum(subscripts, shapes):
    arrays = [RNG.normal(size=s).astype(np.float32) for s in shapes]
    want = np.einsum(subscripts, *arrays)
    _check(ops.einsum(subscripts, *arrays), want)
    _check(Traced(lambda *xs: ops.einsum(subscripts, *xs))(*arrays), want)


def test_einsum_refuses_repeated_letters():
    with pytest.raises(ValueError, match="once"):
        ops.einsum("ii->i", np.ones((2, 2)))


PROMOTIONS = [
    (np.ones(2, np.int32), 1.5, "float32"),
    (np.ones(2, np.int32), 2, "int32"),
    (np.ones(2, np.uint8), 2, "uint8"),
    (np.ones(2, bool), 2, "int32"),
    (np.ones(2, np.int32), np.ones(2, np.float32), "float32"),
    (np.ones(2, np.int64), np.ones(2, np.float32), "float32"),
    (np.ones(2, np.int32), np.ones(2, np.int64), "int64"),
    (np.ones(2, bool), np.ones(2, np.uint8), "uint8"),
    (np.ones(2), 1, "float32"),
    (np.ones(2, np.float32), np.float64(2.0), "float32"),
]


@pytest.mark.parametrize("a, b, dtype", PROMOTIONS)
def test_promotion(a, b, dtype):
    assert ops.add(a, b).dtype == dtype
    assert ops.add(b, a).dtype == dtype


def test_float64_only_when_asked():
    assert ops.convert_to_tensor(np.ones(2)).dtype == "float32"
    wide = ops.convert_to_tensor(np.ones(2), "float64")
    assert wide.dtype == "float64"
    assert (wide + 1.0).dtype == "float64"
    assert (wide + np.ones(2, np.float32)).dtype == "float64"


def test_operators_of_tensors_numbers_arrays_and_variables():
    x, v = Tensor(X), Variable(Y)
    for got, want in [
        (1 - x, 1 - X),
        (2 / (x * x + 1), 2 / (X * X + 1)),
        (X + x, X + X),
        (X @ x.T, X @ X.T),
        (x - v, X - Y),
        (v * X, Y * X),
        (-v, -Y),
        (abs(x), np.abs(X)),
        (x**2, X**2),
        (2.0**x, 2.0**X),
        ((x > 0) & ~(v > 0), (X > 0) & ~(Y > 0)),
        (v[1:, None], Y[1:, None]),
        (np.float32(2) * x, 2 * X),
    ]:
        _check(got, want)


def test_tensor_protocol():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.ndim == 2 and x.size == 4 and len(x) == 2
    assert [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert float(x[1, 1]) == 4.0 and int(Tensor(3)) == 3 and bool(Tensor(True))
    assert np.asarray(x).dtype == np.float32
    assert np.sum(x.numpy()) == 10
    assert range(5)[Tensor(2)] == 2
    assert f"{Tensor(1.5):.2f}" == "1.50"
    assert (x == x).dtype == "bool" and x is not None and (x != None)  # noqa: E711
    assert Tensor([2**40]).dtype == "int64" and Tensor([1]).dtype == "int32"


def test_creation():
    assert ops.zeros((2, 3)).numpy().tolist() == np.zeros((2, 3)).tolist()
    assert ops.ones((2,), "int32").dtype == "int32"
    assert ops.full((2,), 3.5).tolist() == [3.5, 3.5]
    assert ops.zeros_like(I32).dtype == "int32"
    assert ops.full_like(X, 2).tolist() == np.full_like(X, 2).tolist()
    assert ops.arange(2, 8, 2).tolist() == [2, 4, 6]
    assert ops.arange(5, 0, -2).tolist() == [5, 3, 1]
    np.testing.assert_allclose(ops.arange(0.0, 1.0, 0.1), np.arange(0, 1, 0.1), atol=1e-6)
    np.testing.assert_allclose(ops.linspace(0, 1, 5), np.linspace(0, 1, 5))
    assert ops.eye(2, 3).tolist() == np.eye(2, 3).tolist()
    assert ops.cast([1.7, -1.7], "int32").tolist() == [1, -1]
    assert ops.cast(X > 0, "float32").tolist() == (X > 0).astype(float).tolist()


def test_split_and_unstack():
    for got, want in zip(ops.split(X, 2, 1), np.split(X, 2, 1), strict=True):
        _check(got, want)
    for got, want in zip(ops.split(X, [1, 3], axis=1), np.split(X, [1, 3], axis=1), strict=True):
        _check(got, want)
    assert len(ops.unstack(X)) == 3
    _check(ops.unstack(X, axis=1)[2], X[:, 2])
    with pytest.raises(ValueError, match="cannot be cut into 3 equal parts"):
        ops.split(X, 3, 1)


ERRORS = [
    (lambda: ops.squeeze(X, 0), ValueError, "is not 1"),
    (lambda: ops.sum(X, 2), ValueError, "axis 2 is out of bounds"),
    (lambda: ops.sum(X, (0, 0)), ValueError, "twice"),
    (lambda: ops.transpose(X, (0, 0)), ValueError, "not an order"),
    (lambda: ops.take(X, [3], 0), ValueError, "3"),
    (lambda: ops.take(X, [0.5], 0), TypeError, "integers"),
    (lambda: Tensor(X)[3], IndexError, "out of bounds"),
    (lambda: Tensor(X)[0, 0, 0], IndexError, "3 indices"),
    (lambda: Tensor(X)[Tensor(X) > 0], NotImplementedError, "where"),
    (lambda: ops.matmul(X, Y), ValueError, "inner"),
    (lambda: ops.convert_to_tensor(["a"]), TypeError, "dtype"),
    (lambda: ops.cast(X, "float16"), ValueError, "float16"),
    (lambda: ops.conv(X, X), ValueError, "conv"),
    (lambda: ops.max_pool(C[..., None], 2, data_format="first"), ValueError, "channels_first"),
    (lambda: ops.pad(X, 1, "wrap"), ValueError, "wrap"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors_are_one_line(case):
    function, kind, text = ERRORS[case]
    with pytest.raises(kind, match=text) as caught:
        function()
    assert "\n" not in str(caught.value)


@pytest.mark.keras
class TestAgainstKeras:
    """Numbers that NumPy has no function for."""

    @pytest.fixture
    def keras_ops(self):
        return pytest.importorskip("keras").ops

    @pytest.mark.parametrize(
        "name",
        [
            "relu6",
            "selu",
            "softsign",
            "gelu",
            "hard_sigmoid",
            "hard_silu",
            "silu",
            "softplus",
            "elu",
        ],
    )
    def test_activation(self, keras_ops, name):
        x = np.linspace(-6, 6, 41).astype(np.float32)
        want = np.asarray(getattr(keras_ops, name)(x))
        np.testing.assert_allclose(getattr(ops, name)(x), want, rtol=2e-5, atol=2e-6)

    def test_gelu_exact(self, keras_ops):
        want = np.asarray(keras_ops.gelu(X, approximate=False))
        np.testing.assert_allclose(ops.gelu(X, approximate=False), want, rtol=2e-5, atol=2e-6)

    @pytest.mark.parametrize("strides", [1, 2, (1, 2)])
    @pytest.mark.parametrize("padding", ["valid", "same"])
    def test_conv_and_pool(self, keras_ops, strides, padding):
        x = RNG.normal(size=(2, 7, 8, 3)).astype(np.float32)
        w = RNG.normal(size=(3, 2, 3, 5)).astype(np.float32)
        d = RNG.normal(size=(3, 2, 3, 2)).astype(np.float32)
        p = RNG.normal(size=(1, 1, 6, 4)).astype(np.float32)
        for got, want in [
            (ops.conv(x, w, strides, padding), keras_ops.conv(x, w, strides, padding)),
            (
                ops.depthwise_conv(x, d, 1, padding),
                keras_ops.depthwise_conv(x, d, 1, padding),
            ),
            (
                ops.separable_conv(x, d, p, 1, padding),
                keras_ops.separable_conv(x, d, p, 1, padding),
            ),
            (
                ops.conv(x, w, 1, padding, dilation_rate=2),
                keras_ops.conv(x, w, 1, padding, dilation_rate=2),
            ),
            (ops.max_pool(x, 2, strides, padding), keras_ops.max_pool(x, 2, strides, padding)),
            (
                ops.average_pool(x, (3, 2), strides, padding),
                keras_ops.average_pool(x, (3, 2), strides, padding),
            ),
        ]:
            np.testing.assert_allclose(got, np.asarray(want), rtol=1e-4, atol=1e-5)

    def test_one_dimensional_conv_and_pool(self, keras_ops):
        x = RNG.normal(size=(2, 9, 4)).astype(np.float32)
        w = RNG.normal(size=(3, 2, 6)).astype(np.float32)  # two groups
        for got, want in [
            (ops.conv(x, w, 2), keras_ops.conv(x, w, 2)),
            (ops.max_pool(x, 3, 2, "same"), keras_ops.max_pool(x, 3, 2, "same")),
            (ops.average_pool(x, 2), keras_ops.average_pool(x, (2,), (2,))),
        ]:
            np.testing.assert_allclose(got, np.asarray(want), rtol=1e-4, atol=1e-5)

    def test_normalisation(self, keras_ops):
        mean, variance = X.mean(0), X.var(0)
        for got, want in [
            (
                ops.batch_normalization(X, mean, variance, -1, Y[0], P[0], 1e-3),
                keras_ops.batch_normalization(X, mean, variance, -1, Y[0], P[0], 1e-3),
            ),
            (
                ops.batch_normalization(C, C.mean((0, 2)), C.var((0, 2)), 1),
                keras_ops.batch_normalization(C, C.mean((0, 2)), C.var((0, 2)), 1),
            ),
            (
                ops.layer_normalization(X, P[0], Y[0], epsilon=1e-3),
                keras_ops.layer_normalization(X, P[0], Y[0], epsilon=1e-3),
            ),
            (ops.normalize(X), keras_ops.normalize(X)),
        ]:
            np.testing.assert_allclose(got, np.asarray(want), rtol=1e-4, atol=1e-5)

    def test_cross_entropies_of_plain_arrays(self, keras_ops):
        p = RNG.uniform(0.05, 1, (5, 3)).astype(np.float32)
        p[0] = [1, 0, 0]
        one_hot, labels = np.eye(3, dtype=np.float32)[[2, 0, 1, 1, 2]], np.array([2, 0, 1, 1, 2])
        for name, target in [
            ("categorical_crossentropy", one_hot),
            ("sparse_categorical_crossentropy", labels),
            ("binary_crossentropy", one_hot),
        ]:
            for from_logits in (False, True):
                got = getattr(ops, name)(target, p, from_logits=from_logits)
                want = getattr(keras_ops, name)(target, p, from_logits=from_logits)
                np.testing.assert_allclose(got, np.asarray(want), rtol=1e-4, atol=1e-5)

    def test_scan(self, keras_ops):
        xs = RNG.normal(size=(5, 3)).astype(np.float32)
        init = np.zeros(3, np.float32)

        def step(o):
            return lambda c, x: (o.tanh(c + x), c * x)

        for reverse in (False, True):
            got = ops.scan(step(ops), init, xs, reverse=reverse)
            want = keras_ops.scan(step(keras_ops), init, xs, reverse=reverse)
            for a, b in zip(got, want, strict=True):
                np.testing.assert_allclose(a, np.asarray(b), rtol=1e-5, atol=1e-6)


def test_cross_entropy_uses_the_logits_behind_softmax_and_sigmoid():
    logits = np.float32([[200.0, -200.0]])
    assert ops.sparse_categorical_crossentropy([1], ops.softmax(logits)).item() == 400.0
    assert ops.categorical_crossentropy([[0.0, 1.0]], ops.softmax(logits)).item() == 400.0
    got = ops.binary_crossentropy([[0.0, 1.0]], ops.sigmoid(logits))
    assert got.tolist() == [[200.0, 200.0]]
    clipped = ops.sparse_categorical_crossentropy([1], ops.softmax(logits).numpy()).item()
    assert clipped == pytest.approx(-np.log(1e-7), rel=1e-5)


@pytest.mark.parametrize("from_logits", [True, False])
def test_label_out_of_range_is_named(from_logits):
    with pytest.raises(ValueError, match="7"):
        ops.sparse_categorical_crossentropy([1, 7], np.ones((2, 3), np.float32), from_logits)


def test_one_hot_of_no_class_is_zero():
    assert ops.one_hot([5, -1], 3).numpy().sum() == 0


def test_cond_and_while_loop_run_eagerly_and_are_refused_by_name_in_a_trace():
    assert ops.cond(Tensor(True), lambda: 1, lambda: 2) == 1
    assert ops.while_loop(lambda i: i < 5, lambda i: i + 2, Tensor(0)).item() == 6
    with pytest.raises(NotImplementedError, match=r"ops\.cond.*run_eagerly"):
        Traced(lambda x: ops.cond(ops.sum(x) > 0, lambda: x, lambda: -x))(X)
    with pytest.raises(NotImplementedError, match=r"ops\.while_loop"):
        Traced(lambda x: ops.while_loop(lambda i: i < 5, lambda i: i + 1, ops.sum(x)))(X)
