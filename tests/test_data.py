"""What may be passed as data, how it is cut into batches, and the helpers of nnseq.utils."""

import collections

import numpy as np
import pytest

import nnseq
from nnseq import layers
from nnseq.training import arrays
from nnseq.training.data import make_source
from nnseq.utils import PyDataset, normalize, set_random_seed, to_categorical

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")


@pytest.fixture(scope="module")
def model():
    set_random_seed(0)
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


def test_dicts_and_lists_of_arrays():
    a, b = nnseq.Input((4,), name="a"), nnseq.Input((2,), name="b")
    both = nnseq.Model({"a": a, "b": b}, layers.Dense(2)(layers.Concatenate()([a, b])))
    both.compile("sgd", "mse")
    data = {"b": Y, "a": X}
    assert both.predict(data, batch_size=6, verbose=0).shape == (20, 2)
    assert both.fit(data, Y, batch_size=6, verbose=0).history["loss"][0] > 0
    loss = both.evaluate(data, Y, batch_size=6, verbose=0)
    order = collections.OrderedDict(data)
    assert both.evaluate(order, Y, batch_size=6, verbose=0) == loss


def test_no_rows(model):
    assert model.predict(X[:0], verbose=0).shape == (0, 2)
    assert model.predict_on_batch(X[:0]).shape == (0, 2)
    for call in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(ValueError, match="at least one sample"):
            call(X[:0], Y[:0])


def test_batches_of_every_size_predict_the_same_rows(model):
    expected = model.predict(X, batch_size=20, verbose=0)
    for size in (1, 3, 19, 20, 21):
        got = model.predict(X, batch_size=size, verbose=0)
        np.testing.assert_allclose(got, expected, atol=1e-6)


def rows_seen(source, steps=None):
    return [batch[0][:, 0].astype(int).tolist() for batch in source.take(steps)]


def test_shuffled_passes_hold_every_row_once():
    numbers = np.arange(10.0)[:, None]
    set_random_seed(1)
    source = make_source(numbers, batch_size=4, shuffle=True)
    first, second = rows_seen(source), rows_seen(source)
    for batches in (first, second):
        assert sorted(row for batch in batches for row in batch) == list(range(10))
    assert first != second
    assert [len(batch) for batch in first] == [4, 4, 2]


def test_the_core_draws_the_rows_that_take_gives(model):
    """A model that adds up what it sees: the order in the core is the order of `take`."""
    numbers = np.arange(10, dtype="float32")[:, None]
    seen = []

    class Order(nnseq.Model):
        def call(self, x):
            return x

        def train_step(self, data):
            return {"first": data[0][0, 0]}

    order = Order()
    order.compile("sgd")
    note = nnseq.callbacks.LambdaCallback(on_train_batch_end=lambda i, logs: seen.append(logs))
    set_random_seed(2)
    order.fit(numbers, batch_size=4, epochs=2, verbose=0, callbacks=[note])
    set_random_seed(2)
    source = make_source(numbers, batch_size=4, shuffle=True)
    expected = [batch[0] for _ in range(2) for batch in rows_seen(source)]
    assert [logs["first"] for logs in seen] == expected


def test_steps_go_on_in_the_data():
    numbers = np.arange(10.0)[:, None]
    source = make_source(numbers, batch_size=3, steps=2)
    assert rows_seen(source, 2) == [[0, 1, 2], [3, 4, 5]]
    assert rows_seen(source, 3) == [[6, 7, 8], [9], [0, 1, 2]]
    assert [len(rows) for rows in rows_seen(make_source(numbers, steps=3), 3)] == [4, 4, 2]


def test_a_dataset_is_told_about_epochs_and_shuffled_by_batches():
    calls = []

    class Data(PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            calls.append(index)
            return X[:2], Y[:2]

        def on_epoch_end(self):
            calls.append("end")

    plain = make_source(Data())
    list(plain.take(None))
    assert calls == [0, 1, 2, 3, "end"]
    calls.clear()
    set_random_seed(0)
    shuffled = make_source(Data(), shuffle=True)
    for _ in range(4):
        list(shuffled.take(None))
    orders = [calls[i : i + 4] for i in range(0, 20, 5)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_weights_of_classes():
    weights = {0: 2.0, 2: 0.5}
    classes = np.array([0, 1, 2, 0])
    expected = [2, 1, 0.5, 2]
    assert arrays.class_weights(classes, weights).tolist() == expected
    assert arrays.class_weights(classes[:, None], weights).tolist() == expected
    assert arrays.class_weights(np.eye(3)[classes], weights).tolist() == expected
    steps = arrays.class_weights(np.eye(3)[classes].reshape(2, 2, 3), weights)
    assert steps.tolist() == [[2, 1], [0.5, 2]]


def test_validation_takes_the_last_rows():
    given, held = arrays.split_validation(0.25, x=X, y=[Y, Y[:, 0]], sample_weight=None)
    assert np.array_equal(given["x"], X[:15])
    assert np.array_equal(held["y"][1], Y[15:, 0])
    assert held["x"].base is not None
    given, _ = arrays.split_validation(0.3, x=np.zeros((11, 1)))
    assert len(given["x"]) == int(11 * 0.7)


def test_to_categorical():
    assert to_categorical([1, 0]).tolist() == [[0, 1], [1, 0]]
    assert to_categorical([[1], [0]], 3).shape == (2, 3)
    assert to_categorical([[1, 0]], 3).shape == (1, 2, 3)
    for wrong in ([3], [-1]):
        with pytest.raises(ValueError, match="sample 0"):
            to_categorical(wrong, 3)
    with pytest.raises(ValueError, match="integers"):
        to_categorical([0.5])


def test_normalize():
    assert normalize([[3.0, 4.0], [0.0, 0.0]]).tolist() == [[0.6, 0.8], [0, 0]]
