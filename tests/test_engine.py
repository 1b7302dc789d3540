"""Values, traces, state and names: the seam between Python and the core."""

import copy
import pickle
import threading

import numpy as np
import pytest

from nnseq import KerasTensor, Tensor, Variable, ops, random
from nnseq.engine import dtypes, naming, nest
from nnseq.engine.random_state import SeedGenerator
from nnseq.engine.state import current_trace, eager_scope
from nnseq.engine.traced import Spec, Traced

pytestmark = pytest.mark.smoke

ONES = np.ones((2, 3), np.float32)


# --- dtypes, names, structures -------------------------------------------------------------------
@pytest.mark.parametrize(
    "given, name",
    [
        (None, "float32"),
        ("float", "float32"),
        (np.float64, "float64"),
        (np.dtype("int64"), "int64"),
        (int, "int32"),
        (bool, "bool"),
        ("uint8", "uint8"),
    ],
)
def test_standardize_dtype(given, name):
    assert dtypes.standardize_dtype(given) == name


@pytest.mark.parametrize("given", ["float16", "bfloat16", "complex64", "text", np.str_, 3])
def test_other_dtypes_are_refused_by_name(given):
    with pytest.raises(ValueError, match="not supported"):
        dtypes.standardize_dtype(given)


@pytest.mark.parametrize(
    "class_name, name",
    [
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("GlobalMaxPooling2D", "global_max_pooling2d"),
        ("LSTM", "lstm"),
        ("GRU", "gru"),
        ("SimpleRNN", "simple_rnn"),
        ("BatchNormalization", "batch_normalization"),
        ("ReLU", "re_lu"),
        ("PReLU", "p_re_lu"),
        ("LeakyReLU", "leaky_re_lu"),
        ("ELU", "elu"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("SeparableConv2D", "separable_conv2d"),
        ("ZeroPadding2D", "zero_padding2d"),
        ("UpSampling2D", "up_sampling2d"),
        ("SpatialDropout1D", "spatial_dropout1d"),
        ("InputLayer", "input_layer"),
        ("EinsumDense", "einsum_dense"),
        ("MyNet2DLayer", "my_net2d_layer"),
    ],
)
def test_snake_case(class_name, name):
    assert naming.to_snake_case(class_name) == name


def test_counters_are_shared_and_start_again():
    naming.clear_session()
    assert [naming.auto_name("dense") for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert naming.get_uid("dense") == 4
    assert naming.auto_name("dense") == "dense_4"
    naming.clear_session()
    assert naming.auto_name("dense") == "dense"
    assert KerasTensor((1,)).name == "keras_tensor"
    assert KerasTensor((1,)).name == "keras_tensor_1"


def test_structures():
    tree = {"b": [1, (2, 3)], "a": None}
    assert nest.flatten(tree) == [None, 1, 2, 3]
    assert nest.pack(tree, "wxyz") == {"b": ["x", ("y", "z")], "a": "w"}
    assert list(nest.map_structure(lambda x: x, tree)) == ["b", "a"]
    with pytest.raises(ValueError, match="differ"):
        nest.map_structure(lambda a, b: a, [1, 2], [1])
    with pytest.raises(ValueError, match="differ"):
        nest.map_structure(lambda a, b: a, {"a": 1}, {"b": 1})


# --- Variables -----------------------------------------------------------------------------------
def test_variable():
    v = Variable([1.0, 2.0], name="v")
    assert repr(v) == "<Variable path=v, shape=(2,), dtype=float32, value=[1. 2.]>"
    assert (v.ndim, v.size, v.trainable) == (1, 2, True)
    v.assign([3, 4])
    v.assign_add(1.0)
    v.assign_sub([1.0, 0.0])
    assert v.numpy().tolist() == [3.0, 5.0]
    v.assign(v * 2)
    assert v.value.tolist() == [6.0, 10.0]
    other = Variable(v)
    other.assign_add(1)
    assert v.numpy().tolist() == [6.0, 10.0]
    with pytest.raises(
        ValueError, match=r"Variable v has shape \(2,\), the value has shape \(3,\)"
    ):
        v.assign([1, 2, 3])
    assert Variable(lambda shape, dtype: np.zeros(shape, dtype), (2, 2), "int32").dtype == "int32"
    with pytest.raises(ValueError, match="shape"):
        Variable(lambda shape, dtype: 0)
    with pytest.raises(ValueError, match="cannot contain character `/`"):
        Variable(1.0, name="a/b")


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_variables_and_tensors_can_be_copied(duplicate):
    v = Variable([1.0, 2.0], name="v")
    w = duplicate(v)
    w.assign_add(1.0)
    assert v.numpy().tolist() == [1.0, 2.0] and w.numpy().tolist() == [2.0, 3.0]
    assert w.path == "v"
    assert duplicate(Tensor([1, 2])).tolist() == [1, 2]


# --- state in a trace ----------------------------------------------------------------------------
def test_reads_after_assignments_see_the_new_value():
    v = Variable(1.0)
    seen = []

    def step(x):
        before = v.value
        v.assign(v + x)
        between = v * 1.0
        v.assign_add(x)
        seen.append(current_trace())
        return before, between, v.value

    traced = Traced(step)
    assert [float(t) for t in traced(np.float32(2.0))] == [1.0, 3.0, 5.0]
    assert float(v) == 5.0
    assert [float(t) for t in traced(np.float32(1.0))] == [5.0, 6.0, 7.0]
    assert len(seen) == 1 and current_trace() is None


def test_nothing_is_written_when_a_step_fails():
    v, table = Variable(1.0), Variable(np.eye(3, dtype=np.float32))

    def step(i):
        v.assign_add(1.0)
        return ops.take(table, i, 0)

    traced = Traced(step)
    traced(np.array([1, 2]))
    with pytest.raises(ValueError, match="9"):
        traced(np.array([1, 9]))
    assert float(v) == 2.0


def test_values_of_symbolic_tensors_are_refused():
    def check(x):
        for ask in (bool, int, float, np.asarray, list, lambda t: t.numpy()):
            with pytest.raises(TypeError, match="run_eagerly=True"):
                ask(ops.sum(x, -1))
        return x

    Traced(check)(ONES)
    with pytest.raises(TypeError, match=r"truth value.*ops\.where.*run_eagerly=True"):
        Traced(lambda x: x if ops.sum(x) > 0 else -x)(ONES)


def test_tensors_kept_from_a_trace_are_refused():
    kept = []
    Traced(lambda x: kept.append(x * 2) or x)(ONES)
    with pytest.raises(ValueError, match="after its trace had ended"):
        kept[0] + 1
    with pytest.raises(ValueError, match="kept from an earlier trace"):
        Traced(lambda x: x + kept[0])(ONES)
    with pytest.raises(TypeError, match="run_eagerly"):
        kept[0].numpy()


def test_eager_scope_inside_a_trace():
    def step(x):
        with eager_scope():
            three = float(ops.sum(Tensor([1.0, 2.0])))
        return x * three

    assert Traced(step)(ONES).numpy().tolist() == (ONES * 3).tolist()


def test_large_integers_stay_exact_in_a_trace():
    big = 2**60 + 1
    add = Traced(lambda x: x + ops.convert_to_tensor(big, "int64"))
    assert add(np.array([1], np.int64)).tolist() == [big + 1]


# --- traces --------------------------------------------------------------------------------------
def _counted(function):
    calls = []

    def step(*args):
        calls.append(args)
        return function(*args)

    return Traced(step), calls


def test_one_trace_for_all_batch_sizes():
    traced, calls = _counted(lambda x: x * 2)
    for rows in (1, 2, 7, 0):
        assert traced(np.ones((rows, 3), np.float32)).shape == (rows, 3)
    assert len(calls) == 1
    traced(np.ones((2, 4), np.float32))
    traced(np.ones((2, 3), np.int32))
    traced(np.ones((2, 3, 1), np.float32))
    assert len(calls) == 4
    assert traced(np.ones((2, 3))).dtype == "float32"  # float64 enters as float32
    assert len(calls) == 4


def test_structure_and_constants_are_in_the_key():
    traced, calls = _counted(lambda data, flag: data["a"] * 2 if flag else data["a"])
    assert float(ops.sum(traced({"a": ONES}, True))) == 12
    assert float(ops.sum(traced({"a": ONES}, False))) == 6
    assert traced({"a": ONES, "b": None}, True).shape == (2, 3)
    traced({"a": ONES}, True)
    assert len(calls) == 3


def test_results_keep_their_structure():
    result = Traced(lambda x: {"y": (x, None), "z": [3, x + 1, np.float32(2)]})(ONES)
    assert result["y"][1] is None and result["z"][0] == 3
    assert result["z"][1].numpy().tolist() == (ONES + 1).tolist()
    assert float(result["z"][2]) == 2.0


def test_code_that_needs_the_batch_size_is_traced_for_each_shape():
    traced, calls = _counted(lambda x: x * (x.shape[0] * 2))
    assert float(traced(ONES)[0, 0]) == 4
    assert float(traced(ONES)[0, 0]) == 4
    assert len(calls) == 2  # once in vain, once for two rows
    assert float(traced(np.ones((5, 3), np.float32))[0, 0]) == 10
    assert len(calls) == 3
    assert not traced.get(ONES).batch_free


def test_the_second_error_is_reported():
    def step(x):
        if x.shape[0] is None:
            raise TypeError("first")
        raise ValueError("second")

    with pytest.raises(ValueError, match="second"):
        Traced(step)(ONES)


def test_host_integers():
    def step(x):
        n = ops.shape(x)[0]
        wide = ops.zeros((n * 2 + 1 - n, 3))
        halves = ops.reshape(x, (n // 2, 2, 3))
        ramp = ops.arange(n)
        return (
            wide,
            halves,
            ramp,
            x / n,
            ops.cast(n % 3, "float32"),
            x[: n - 1],
            ops.tile(x, (n, 1)),
        )

    for rows in (4, 6):
        x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
        wide, halves, ramp, scaled, rest, cut, tiled = Traced(step)(x)
        assert wide.shape == (rows + 1, 3)
        assert halves.shape == (rows // 2, 2, 3)
        assert ramp.tolist() == list(range(rows))
        np.testing.assert_allclose(scaled, x / rows, rtol=1e-6)
        assert float(rest) == rows % 3
        np.testing.assert_array_equal(cut, x[:-1])
        np.testing.assert_array_equal(tiled, np.tile(x, (rows, 1)))


def test_comparing_a_host_integer_asks_for_concrete_shapes():
    traced, calls = _counted(lambda x: x * 2 if ops.shape(x)[0] > 2 else x)
    assert float(traced(ONES)[0, 0]) == 1
    assert float(traced(np.ones((3, 3), np.float32))[0, 0]) == 2
    assert len(calls) == 3


def test_specs_and_given_shapes():
    traced = Traced(lambda x: ops.sum(x, 1))
    compiled = traced.get(Spec((8, 5)), shapes=[(None, None)])
    for shape in ((2, 3), (4, 6)):
        [out] = compiled.function(np.ones(shape, np.float32))
        assert out.numpy().tolist() == [shape[1]] * shape[0]


def test_threads_trace_once():
    traced, calls = _counted(lambda x: x + 1)
    threads = [threading.Thread(target=lambda: traced(ONES)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


# --- scan ----------------------------------------------------------------------------------------
def test_nested_scan_with_captured_values():
    w = Variable(2.0)

    def step(xs):
        def inner(c, x):
            return c + x * w, c

        def outer(c, row):
            total, _ = ops.scan(inner, ops.zeros(()), row)
            return c + total, total

        return ops.scan(outer, ops.zeros(()), xs)

    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for run in (step, Traced(step)):
        total, rows = run(ops.convert_to_tensor(x))
        assert float(total) == 30.0
        assert rows.tolist() == [6.0, 24.0]


def test_a_trace_can_be_read():
    w = Variable(2.0)

    def running(xs):
        return ops.scan(lambda c, x: (c + x * w, c), ops.zeros(()), xs)

    compiled = Traced(running).get(np.ones(3, "float32"))
    graph = compiled.graph
    assert [v.name for v in compiled.function.variables] == [w.path]
    assert len(graph.inputs) == 1
    assert len(graph.outputs) == 2
    op, inputs, attrs = graph.producer(graph.outputs[0])
    assert op == "scan"
    assert graph.inputs[0] in inputs
    body = attrs["body"]
    assert body.num_nodes > 0
    before = body.num_nodes
    body.set_scope("mine")
    body.scalar(1.0, "float32")  # a copy: the trace stays as it is
    assert graph.producer(graph.outputs[0])[2]["body"].num_nodes == before


def test_scan_refuses_what_a_loop_cannot_hold():
    v = Variable(0.0)
    with pytest.raises(NotImplementedError, match="assigned inside a scanned loop"):
        ops.scan(lambda c, x: (v.assign(x), (c, x))[1], ops.zeros(()), ONES[0])
    with pytest.raises(NotImplementedError, match="random numbers inside"):
        ops.scan(lambda c, x: (c + random.normal(()), x), ops.zeros(()), ONES[0])
    with pytest.raises(ValueError, match="turned a state"):
        ops.scan(lambda c, x: (x, x), ops.zeros((2,)), ONES[0])
    with pytest.raises(ValueError, match="at least one sequence"):
        ops.scan(lambda c, x: (c, x), ops.zeros(()), [])


# --- random numbers ------------------------------------------------------------------------------
def test_seeds():
    assert random.normal((3,), seed=1).tolist() == random.normal((3,), seed=1).tolist()
    assert random.normal((3,), seed=1).tolist() != random.normal((3,), seed=2).tolist()
    g, h = SeedGenerator(5), SeedGenerator(5)
    first, second = random.normal((3,), seed=g), random.normal((3,), seed=g)
    assert first.tolist() != second.tolist()
    assert random.normal((3,), seed=h).tolist() == first.tolist()
    assert g.state.numpy().tolist() == [5, 2]
    with pytest.raises(ValueError, match="seed"):
        SeedGenerator("a")
    with pytest.raises(ValueError, match="seed"):
        random.normal((3,), seed=1.5)


def test_a_trace_advances_each_generator_once():
    g = SeedGenerator(5)
    traced = Traced(lambda x: (random.uniform((4,), seed=g), random.uniform((4,), seed=g)))
    a, b = traced(ONES)
    c, d = traced(ONES)
    assert len({tuple(t.tolist()) for t in (a, b, c, d)}) == 4
    assert g.state.numpy().tolist() == [5, 2]
    g.state.assign([5, 0])
    again, _ = traced(ONES)
    assert again.tolist() == a.tolist()


def test_distributions():
    n = 20000
    u = random.uniform((n,), -1, 3, seed=0).numpy()
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 0.05
    z = random.normal((n,), 2, 0.5, seed=0).numpy()
    assert abs(z.mean() - 2) < 0.02 and abs(z.std() - 0.5) < 0.02
    t = random.truncated_normal((n,), 0, 1, seed=0).numpy()
    assert np.abs(t).max() <= 2 and abs(t.std() - 0.8796) < 0.02
    k = random.randint((n,), -2, 3, seed=0).numpy()
    assert sorted(set(k.tolist())) == [-2, -1, 0, 1, 2]
    assert abs(random.bernoulli((n,), 0.3, seed=0).numpy().mean() - 0.3) < 0.02
    with pytest.raises(ValueError, match="maxval"):
        random.randint((2,), 3, 3)


@pytest.mark.parametrize("noise_shape", [None, (None, 1, None)])
def test_dropout(noise_shape):
    x = np.ones((50, 8, 40), np.float32)
    y = random.dropout(x, 0.25, noise_shape=noise_shape, seed=3).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.05
    if noise_shape:
        assert (y == y[:, :1]).all()
    assert random.dropout(x, 0.0).numpy().all() and not random.dropout(x, 1.0).numpy().any()
    with pytest.raises(ValueError, match="rate"):
        random.dropout(x, 1.5)


# --- what Tensors and KerasTensors refuse --------------------------------------------------------
def test_keras_tensors_have_no_value():
    x = KerasTensor((None, 3), name="x")
    for ask in (bool, int, float, len, list, np.asarray, lambda t: t.numpy()):
        with pytest.raises(TypeError, match="functional model"):
            ask(x)
    with pytest.raises(TypeError, match="functional model"):
        ops.convert_to_numpy(x)


def test_arrays_without_numbers_are_refused():
    with pytest.raises(TypeError, match="dtype"):
        Tensor(np.array(["a"]))
    with pytest.raises(ValueError, match="array"):
        Tensor([[1], [2, 3]])
