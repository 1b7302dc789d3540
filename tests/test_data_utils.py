"""pad_sequences, time series, split_dataset and the Dataset they give."""

import inspect
import threading
import time

import numpy as np
import pytest

import nnseq
from nnseq import layers
from nnseq.utils import pad_sequences, split_dataset, timeseries_dataset_from_array
from nnseq.utils.datasets import Dataset

RAGGED = [[1], [2, 3], [], [4, 5, 6]]


@pytest.mark.keras
@pytest.mark.parametrize("seed", range(40))
def test_pad_sequences_is_keras(seed):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(seed)
    shape = [(), (2,), (2, 3)][seed % 3]
    sequences = [rng.integers(0, 9, (n, *shape)).tolist() for n in rng.integers(0, 6, 5)]
    sequences.append(rng.integers(0, 9, (3, *shape)).tolist())
    arguments = {
        "maxlen": [None, 1, 3, 8][rng.integers(4)],
        "dtype": ["int32", "float32", "int64", object][rng.integers(4)],
        "padding": ["pre", "post"][rng.integers(2)],
        "truncating": ["pre", "post"][rng.integers(2)],
        "value": [0.0, -1, 7][rng.integers(3)],
    }
    got = pad_sequences(sequences, **arguments)
    want = keras.utils.pad_sequences(sequences, **arguments)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


@pytest.mark.keras
def test_signatures():
    keras = pytest.importorskip("keras")
    for name in ("pad_sequences", "split_dataset", "timeseries_dataset_from_array", "get_file"):
        ours, theirs = (inspect.signature(getattr(m.utils, name)) for m in (nnseq, keras))
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ]


def test_pad_sequences_of_words_and_arrays():
    words = pad_sequences([["a"], ["bc", "d"]], dtype=object, value="-", padding="post")
    assert words.tolist() == [["a", "-"], ["bc", "d"]]
    assert pad_sequences([np.arange(3), np.arange(1)]).tolist() == [[0, 1, 2], [0, 0, 0]]
    assert pad_sequences([[], []], maxlen=2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("sequences", "arguments", "message"),
    [
        (3, {}, "must be iterable"),
        ([[1], 2], {}, "Found non-iterable: 2"),
        ([[[1, 2]], [[1]]], {}, r"Shape of sample \(1,\) of sequence at position 1"),
        (RAGGED, {"padding": "both"}, 'Padding type "both" not understood'),
        (RAGGED, {"truncating": "both"}, 'Truncating type "both" not understood'),
        (RAGGED, {"value": "x"}, "dtype=object"),
        ([], {}, "maxlen"),
    ],
)
def test_pad_sequences_refuses(sequences, arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **arguments)


def windows(data, targets, length, stride, rate, start, end):
    """Every window by itself, as the description of the function says."""
    steps = data[start:end]
    x, y = [], []
    for begin in range(0, len(steps), stride):
        window = range(begin, begin + length * rate, rate)
        if window[-1] >= len(steps) or (targets is not None and begin >= len(targets)):
            break
        x.append(steps[list(window)])
        y.append(None if targets is None else targets[start:end][begin])
    return x, y


@pytest.mark.parametrize("seed", range(25))
def test_time_series(seed):
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(30, *[(), (2,)][seed % 2])).astype("float32")
    targets = [None, rng.normal(size=30), rng.normal(size=12)][rng.integers(3)]
    length, stride, rate = (int(n) for n in rng.integers(1, 4, 3))
    start, end = [(None, None), (2, None), (None, 25), (3, 24)][rng.integers(4)]
    if targets is not None and len(targets) == 12:
        start = end = None
    want = windows(data, targets, length, stride, rate, start, end)
    size = [None, 4, 128][rng.integers(3)]
    made = timeseries_dataset_from_array(
        data, targets, length, stride, rate, size, start_index=start, end_index=end
    )
    batches = list(made)
    assert len(batches) == len(made)
    x = [batch if targets is None else batch[0] for batch in batches]
    y = [] if targets is None else [batch[1] for batch in batches]
    join = np.stack if size is None else np.concatenate
    np.testing.assert_array_equal(join(x), np.stack(want[0]))
    if targets is not None:
        np.testing.assert_array_equal(join(y), np.stack(want[1]))


def test_shuffled_time_series():
    def passes(seed):
        data = np.arange(50)
        made = timeseries_dataset_from_array(data, data, 3, shuffle=True, seed=seed, batch_size=8)
        return [np.concatenate([y for _, y in made]) for _ in range(2)]

    first, second = passes(4)
    assert (first != second).any() and (np.sort(first) == np.arange(48)).all()
    for a, b in zip((first, second), passes(4), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (passes(5)[0] != first).any()
    nnseq.utils.set_random_seed(1)
    once = passes(None)[0]
    nnseq.utils.set_random_seed(1)
    np.testing.assert_array_equal(passes(None)[0], once)


@pytest.mark.parametrize(
    "arguments",
    [
        {"start_index": -1}, {"start_index": 10}, {"end_index": 10}, {"end_index": -2},
        {"start_index": 4, "end_index": 4}, {"sampling_rate": 0}, {"sampling_rate": 10},
        {"sequence_stride": 0}, {"sequence_stride": 10}, {"format": "torch"},
    ],
)  # fmt: skip
def test_time_series_refuses(arguments):
    name = next(iter(arguments))
    with pytest.raises(ValueError, match=f"{name}|end_index"):
        timeseries_dataset_from_array(np.arange(10), None, 2, **arguments)


def test_a_model_learns_a_time_series():
    nnseq.utils.set_random_seed(0)
    wave = np.sin(np.arange(400) / 5).astype("float32")
    made = timeseries_dataset_from_array(wave[:-4], wave[4:], 4, shuffle=True, batch_size=32)
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(1)])
    model.compile(nnseq.optimizers.Adam(0.03), "mse")
    history = model.fit(made, epochs=15, verbose=0, validation_data=made)
    assert history.history["val_loss"][-1] < 0.02
    assert model.predict(made.map(lambda x, y: x), verbose=0).shape == (393, 1)


def test_split_dataset():
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    left, right = split_dataset((x, y), left_size=0.7)
    assert (len(left), right.cardinality()) == (7, 3)
    (batch_x, batch_y), *rest = left.batch(4)
    np.testing.assert_array_equal(batch_x, x[:4])
    np.testing.assert_array_equal(batch_y, y[:4])
    assert [len(b[0]) for b in rest] == [3]
    assert [len(b[0]) for b in left.batch(4, drop_remainder=True)] == [4]
    for sizes in ({"left_size": 4, "right_size": 2}, {"right_size": 0.2}, {"left_size": 9}):
        left, right = split_dataset(y, **sizes)
        assert np.stack(list(right)).tolist() == list(range(10))[-len(right) :]
        assert np.stack(list(left)).tolist() == list(range(len(left)))
    mixed = [list(part) for part in split_dataset(y, 6, shuffle=True, seed=3)]
    assert sorted(mixed[0] + mixed[1]) == list(range(10)) and mixed[0] != sorted(mixed[0])
    assert mixed == [list(part) for part in split_dataset(y, 6, shuffle=True, seed=3)]
    again, _ = split_dataset(left, left_size=0.5)
    assert len(again) == round(len(left) * 0.5)


@pytest.mark.parametrize(
    ("data", "sizes", "error", "message"),
    [
        (np.arange(5), {}, ValueError, "At least one of"),
        ("abc", {"left_size": 1}, TypeError, "of type str"),
        ([], {"left_size": 1}, ValueError, "empty"),
        ([np.arange(3), np.arange(4)], {"left_size": 1}, ValueError, "3 and, at index 1, 4"),
        ([np.arange(3), [1, 2, 3]], {"left_size": 1}, ValueError, "list'> at index 1"),
        (np.arange(5), {"left_size": 5}, ValueError, "smaller than 5"),
        (np.arange(5), {"left_size": 1.2}, ValueError, "left_size=1.2"),
        (np.arange(5), {"right_size": 0}, ValueError, "right_size=0"),
        (np.arange(5), {"left_size": "1"}, TypeError, "Invalid `left_size` Type"),
        (np.arange(5), {"left_size": 0.7, "right_size": 0.8}, ValueError, "at most 5"),
        (np.arange(5), {"left_size": 0.01}, ValueError, "neither may be empty"),
    ],
)
def test_split_dataset_refuses(data, sizes, error, message):
    with pytest.raises(error, match=message):
        split_dataset(data, **sizes)


def test_dataset():
    calls = []

    def start():
        calls.append(1)
        return iter([(1, 2), (3, 4), (5, 6)])

    made = Dataset(start, 3)
    sums = made.map(lambda a, b: a + b, num_parallel_calls=4).prefetch(2)
    assert list(sums) == [3, 7, 11] == list(sums) and len(calls) == 2
    kept = sums.cache()
    assert list(kept) == [3, 7, 11] == list(kept) and len(calls) == 3
    assert (list(sums.take(2)), list(sums.take(-1)), list(sums.take(9))) == (
        [3, 7], [3, 7, 11], [3, 7, 11])  # fmt: skip
    assert (list(sums.skip(1)), len(sums.skip(1)), len(sums.skip(7))) == ([7, 11], 2, 0)


def test_prefetch_is_ahead_by_so_many_and_stops():
    made = []

    def numbers():
        for i in range(6):
            made.append(i)
            yield i

    ahead = Dataset(numbers, 6).prefetch(2)
    assert list(ahead) == list(ahead) == list(range(6))
    made.clear()
    threads = threading.active_count()
    running = iter(ahead)
    assert next(running) == 0
    deadline = time.monotonic() + 60
    while made != [0, 1, 2] and time.monotonic() < deadline:  # one is taken, two wait
        time.sleep(0.01)
    assert made == [0, 1, 2]
    running.close()
    assert threading.active_count() == threads

    def broken():
        yield 1
        raise RuntimeError("of the source")

    with pytest.raises(RuntimeError, match="of the source"):
        list(Dataset(broken, 2).prefetch())
