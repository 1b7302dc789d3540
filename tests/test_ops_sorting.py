"""Sorting and running sums of nnseq.ops, eager, traced and with gradients, against NumPy."""

import numpy as np
import pytest

import nnseq
from nnseq import ops

X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
FEW = np.random.default_rng(1).integers(0, 3, (4, 6))


@pytest.mark.parametrize("axis", [-1, 0, 1, None])
def test_sort_and_argsort(axis):
    for x in (X, FEW.astype("int32"), FEW.astype("uint8"), FEW > 1):
        if axis is not None and axis >= x.ndim:
            continue
        got, order = ops.sort(x, axis), ops.argsort(x, axis)
        np.testing.assert_array_equal(got.numpy(), np.sort(x, axis))
        np.testing.assert_array_equal(order.numpy(), np.argsort(x, axis, kind="stable"))
        assert got.dtype == str(x.dtype) and order.dtype == "int32"


def test_top_k():
    values, indices = ops.top_k(X, 2)
    np.testing.assert_array_equal(values.numpy(), -np.sort(-X, -1)[..., :2])
    np.testing.assert_array_equal(indices.numpy(), np.argsort(-X, -1)[..., :2])
    assert ops.top_k([1, 2, 2], 2)[1].tolist() == [1, 2]  # of equal ones the first
    with pytest.raises(ValueError, match="top_k: k=5"):
        ops.top_k(X, 5)
    targets = np.array([0, 3, 1])
    got = ops.in_top_k(targets, X[:, 0], 2).numpy()
    ranks = (X[:, 0] > np.take_along_axis(X[:, 0], targets[:, None], 1)).sum(1)
    np.testing.assert_array_equal(got, ranks < 2)


@pytest.mark.parametrize("axis", [0, -1, None])
def test_cumsum(axis):
    np.testing.assert_allclose(ops.cumsum(X, axis).numpy(), np.cumsum(X, axis), atol=1e-5)
    for dtype, kept in (("bool", "int32"), ("uint8", "uint8"), ("int32", "int32")):
        got = ops.cumsum(FEW.astype(dtype), axis)
        want = np.cumsum(FEW.astype(dtype), axis)
        np.testing.assert_array_equal(got.numpy(), want)
        assert got.dtype == kept
    assert ops.cumsum(FEW, axis, dtype="float32").dtype == "float32"


def test_gradients_go_where_the_elements_came_from():
    with nnseq.GradientTape() as tape:
        x = ops.convert_to_tensor(X)
        tape.watch(x)
        values, _ = ops.top_k(x, 2)
        loss = ops.sum(values) + ops.sum(ops.sort(x, 1)[:, 0]) + ops.sum(ops.cumsum(x, 1)[:, 2])
    want = (np.argsort(np.argsort(-X, -1), -1) < 2).astype("float32")
    want += X.min(1, keepdims=True) == X
    want[:, :3] += 1
    np.testing.assert_array_equal(tape.gradient(loss, x).numpy(), want)


def test_a_model_sorts():
    x = nnseq.Input((6,))
    model = nnseq.Model(x, [ops.sort(x), ops.cumsum(x, 1), ops.top_k(x, 3)[0]])
    data = X.reshape(-1, 6)
    got = model.predict(data, verbose=0)
    np.testing.assert_array_equal(got[0], np.sort(data))
    np.testing.assert_allclose(got[1], np.cumsum(data, 1), atol=1e-6)
    np.testing.assert_array_equal(got[2], np.sort(data)[:, :2:-1])
