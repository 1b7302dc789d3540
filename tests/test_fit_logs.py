"""The logs of fit for every kind of data, weights, validation, loss and metric, beside Keras."""

import threading
import warnings

import numpy as np
import pytest

import nnseq

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.keras

RNG = np.random.default_rng(0)
N = 37
X = RNG.normal(size=(N, 4)).astype("float32")
X2 = RNG.normal(size=(N, 3)).astype("float32")
Y = RNG.normal(size=(N, 2)).astype("float32")
BINARY = (X[:, :1] > 0).astype("float32")
CLASSES = RNG.integers(0, 3, N)
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
W = RNG.uniform(0.5, 2, N).astype("float32")


def plain(lib, units=2, activation=None, **kwargs):
    dense = lib.layers.Dense
    return lib.Sequential(
        [lib.Input((4,)), dense(5, activation="tanh"), dense(units, activation, **kwargs)]
    )


def binary(lib):
    return plain(lib, 1, "sigmoid")


def softmax(lib):
    return plain(lib, 3, "softmax")


def regularized(lib):
    return plain(lib, kernel_regularizer="l2")


def heads(lib, dict_inputs=False, dict_outputs=False):
    one, two = lib.Input((4,), name="x1"), lib.Input((3,), name="x2")
    joined = lib.layers.Concatenate()([one, two])
    a = lib.layers.Dense(2, name="a")(joined)
    b = lib.layers.Dense(1, activation="sigmoid", name="b")(joined)
    return lib.Model(
        {"x1": one, "x2": two} if dict_inputs else [one, two],
        {"a": a, "b": b} if dict_outputs else [a, b],
    )


def dict_heads(lib):
    return heads(lib, dict_inputs=True, dict_outputs=True)


def batches(x=X, y=Y, *weights, size=10, passes=1):
    for _ in range(passes):
        for i in range(0, len(x), size):
            yield tuple(array[i : i + size] for array in (x, y, *weights))


def dataset(lib, end=4):
    class Batches(lib.utils.PyDataset):
        @property
        def num_batches(self):
            return end

        def __getitem__(self, index):
            at = slice(10 * (index % 4), 10 * (index % 4) + 10)
            return X[at], Y[at]

    return Batches(workers=1, use_multiprocessing=False, max_queue_size=4)


def spread(lib):
    def spread(y_true, y_pred):
        return lib.ops.mean(lib.ops.abs(y_true - y_pred), axis=-1)

    return spread


CE, SCE, BCE = "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy"
PAIR, TARGETS = [X, X2], [Y, BINARY]
BY_NAME = {"a": Y, "b": BINARY}
HELD = (X[:9], Y[:9])
# (model, compile arguments, fit arguments); functions of the library are called with it.
CASES = {
    "metrics": (plain, {"metrics": ["mae", "mse"]}, {}),
    "metrics_twice": (plain, {"metrics": ["mae", "mae"], "weighted_metrics": ["mae"]}, {}),
    "metrics_nested": (plain, {"metrics": [["mae"]]}, {}),
    "metric_objects": (
        plain,
        {"metrics": lambda lib: [lib.metrics.MeanSquaredError(name="my"), spread(lib)]},
        {},
    ),
    "loss_function": (plain, {"loss": spread}, {}),
    "loss_object": (plain, {"loss": lambda lib: lib.losses.Huber()}, {}),
    "loss_list": (plain, {"loss": ["mse"]}, {}),
    "regularizer": (regularized, {"metrics": ["mse"]}, {}),
    "accuracy_binary": (
        binary,
        {"loss": BCE, "metrics": ["accuracy", "AUC", "Precision"]},
        {"y": BINARY},
    ),
    "accuracy_sparse": (softmax, {"loss": SCE, "metrics": ["acc"]}, {"y": CLASSES}),
    "accuracy_one_hot": (softmax, {"loss": CE, "metrics": ["accuracy"]}, {"y": ONE_HOT}),
    "sample_weight": (
        plain,
        {"metrics": ["mae"], "weighted_metrics": ["mae", "mse"]},
        {"sample_weight": W},
    ),
    "class_weight": (
        softmax,
        {"loss": SCE, "metrics": ["acc"], "weighted_metrics": ["acc"]},
        {"y": CLASSES, "class_weight": {0: 1.0, 1: 3.0}},
    ),
    "class_weight_one_hot": (softmax, {"loss": CE}, {"y": ONE_HOT, "class_weight": {1: 3.0}}),
    "validation_split": (
        plain,
        {"metrics": ["mae"], "weighted_metrics": ["mse"]},
        {"validation_split": 0.3, "sample_weight": W},
    ),
    "validation_data": (plain, {"metrics": ["mae"]}, {"validation_data": HELD}),
    "validation_weights": (
        plain,
        {"weighted_metrics": ["mae"]},
        {"validation_data": (*HELD, W[:9])},
    ),
    "validation_steps": (
        plain,
        {},
        {"validation_data": (X, Y), "validation_batch_size": 5, "validation_steps": 2},
    ),
    "validation_freq": (plain, {}, {"validation_data": HELD, "validation_freq": 2, "epochs": 5}),
    "validation_epochs": (
        plain,
        {},
        {"validation_data": HELD, "validation_freq": [1, 4], "epochs": 5},
    ),
    "validation_generator": (
        plain,
        {},
        {"validation_data": lambda lib: batches(passes=9), "validation_steps": 3},
    ),
    "validation_dataset": (plain, {}, {"validation_data": dataset}),
    "initial_epoch": (plain, {}, {"initial_epoch": 2, "epochs": 4}),
    "no_epoch": (plain, {}, {"initial_epoch": 4, "epochs": 4}),
    "steps": (plain, {}, {"steps_per_epoch": 5, "batch_size": None}),
    "generator": (plain, {}, {"x": lambda lib: batches(), "epochs": 1}),
    "generator_weights": (
        plain,
        {"weighted_metrics": ["mae"]},
        {"x": lambda lib: batches(X, Y, W), "epochs": 1},
    ),
    "generator_steps": (
        plain,
        {},
        {"x": lambda lib: batches(passes=9), "steps_per_epoch": 3, "epochs": 3},
    ),
    "dataset": (plain, {}, {"x": dataset}),
    "dataset_steps": (plain, {}, {"x": dataset, "steps_per_epoch": 4}),
    "dataset_without_end": (
        plain,
        {},
        {"x": lambda lib: dataset(lib, None), "steps_per_epoch": 3, "epochs": 3},
    ),
    "shuffled_batch": (plain, {}, {"shuffle": "batch"}),
    "integers": (plain, {}, {"x": (4 * X).astype("int32")}),
    "float64": (plain, {}, {"x": X.astype("float64"), "y": Y.astype("float64")}),
    "lists": (
        heads,
        {"loss": ["mse", BCE], "metrics": [["mae"], ["accuracy"]]},
        {"x": PAIR, "y": TARGETS},
    ),
    "tuples": (heads, {"loss": ["mse", BCE]}, {"x": tuple(PAIR), "y": tuple(TARGETS)}),
    "dicts": (
        dict_heads,
        {"loss": {"a": "mse", "b": BCE}, "metrics": {"a": ["mae", "mse"], "b": "accuracy"}},
        {"x": {"x1": X, "x2": X2}, "y": BY_NAME},
    ),
    "dicts_for_lists": (
        heads,
        {"loss": {"a": "mse", "b": BCE}, "metrics": {"b": ["accuracy"]}},
        {"x": {"x1": X, "x2": X2}, "y": BY_NAME},
    ),
    "one_loss": (heads, {"metrics": [None, ["accuracy"]]}, {"x": PAIR, "y": TARGETS}),
    "loss_weights": (
        heads,
        {"loss": ["mse", "mae"], "loss_weights": {"a": 2.0, "b": 0.5}},
        {"x": PAIR, "y": TARGETS},
    ),
    "loss_of_one_output": (
        lambda lib: heads(lib, dict_outputs=True),
        {"loss": {"a": "mse"}},
        {"x": PAIR, "y": {"a": Y}},
    ),
    "weights_of_outputs": (
        heads,
        {"metrics": [["mae"], ["mae"]], "weighted_metrics": [["mae"], ["mae"]]},
        {"x": PAIR, "y": TARGETS, "sample_weight": [W, 2 * W]},
    ),
    "weights_by_name": (
        dict_heads,
        {"weighted_metrics": {"a": ["mae"]}},
        {"x": {"x1": X, "x2": X2}, "y": BY_NAME, "sample_weight": {"a": W, "b": W}},
    ),
    "split_outputs": (heads, {}, {"x": PAIR, "y": TARGETS, "validation_split": 0.25}),
}


def given(arguments, lib):
    return {name: value(lib) if callable(value) else value for name, value in arguments.items()}


@pytest.mark.parametrize("name", CASES)
def test_the_history_is_that_of_keras(name):
    build, compiled, fitted = CASES[name]
    histories, weights = [], None
    for lib in (nnseq, keras):
        model = build(lib)
        weights = weights or model.get_weights()
        model.set_weights(weights)
        given_compile = given({"optimizer": "sgd", "loss": "mse", **compiled}, lib)
        model.compile(**given_compile, run_eagerly=lib is keras)  # it need not compile for one fit
        arguments = {"x": X, "epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0, **fitted}
        arguments = given(arguments, lib)
        if is_array := isinstance(arguments["x"], np.ndarray | list | tuple | dict):
            arguments = {"y": Y, **arguments}
        else:
            del arguments["batch_size"]
        with warnings.catch_warnings():
            if lib is keras or name == "loss_of_one_output":
                warnings.simplefilter("ignore")
            elif is_array:
                warnings.simplefilter("error")
            histories.append(model.fit(**arguments))
    ours, theirs = histories
    assert list(ours.history) == list(theirs.history)
    assert (ours.epoch, ours.params) == (theirs.epoch, theirs.params)
    for key, values in theirs.history.items():
        assert all(type(value) is float for value in ours.history[key])
        np.testing.assert_allclose(ours.history[key], values, rtol=3e-5, atol=3e-6, err_msg=key)


def test_a_finite_generator_ends_without_a_warning():
    model = plain(nnseq)
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(batches(), verbose=0, validation_data=batches())
        model.evaluate(batches(), verbose=0)
        model.predict((batch[:1] for batch in batches()), verbose=0)
    with pytest.warns(UserWarning, match="ran out of data"):
        assert model.fit(batches(), epochs=3, verbose=0).epoch == [0]


@pytest.mark.parametrize("freq", [0, -1, 1.5, "2", True, None])
def test_bad_validation_freq_is_refused_before_training(freq):
    model = plain(nnseq)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`validation_freq` must be an int of at least 1"):
        model.fit(X, Y, validation_data=HELD, validation_freq=freq, verbose=0)
    assert int(model.optimizer.iterations) == 0


class Told(nnseq.utils.PyDataset):
    """Notes what is asked of it: B(egin), the batches, E(nd)."""

    def __init__(self):
        super().__init__()
        self.told = ""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        self.told += str(index)
        return X[10 * index : 10 * index + 10], Y[10 * index : 10 * index + 10]

    def on_epoch_begin(self):
        self.told += "B"

    def on_epoch_end(self):
        self.told += "E"


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda m, d: m.fit(d, epochs=2, shuffle=False, verbose=0), "B0123EB0123E"),
        (
            lambda m, d: m.fit(d, epochs=2, steps_per_epoch=4, shuffle=False, verbose=0),
            "B0123EB0123E",
        ),
        (
            lambda m, d: m.fit(d, epochs=2, steps_per_epoch=3, shuffle=False, verbose=0),
            "B0123EB01E",
        ),
        (lambda m, d: m.fit(X, Y, validation_data=d, epochs=2, verbose=0), "B0123EB0123E"),
        (
            lambda m, d: m.fit(X, Y, validation_data=d, validation_steps=2, epochs=2, verbose=0),
            "B01EB01E",
        ),
        (lambda m, d: m.evaluate(d, verbose=0), "B0123E"),
        (lambda m, d: m.evaluate(d, steps=3, verbose=0), "B012E"),
        (lambda m, d: m.predict(d, verbose=0), "B0123E"),
    ],
)
def test_a_data_set_is_told_of_every_pass(run, expected):
    model, data = plain(nnseq), Told()
    model.compile("sgd", "mse")
    run(model, data)
    assert data.told == expected


def test_a_data_set_is_told_when_a_callback_stops():
    model, data = plain(nnseq), Told()
    model.compile("sgd", "mse")
    stop = nnseq.callbacks.LambdaCallback(
        on_batch_end=lambda batch, logs: setattr(model, "stop_training", batch == 1)
    )
    model.fit(data, shuffle=False, verbose=0, callbacks=[stop])
    assert data.told == "B01E"


class Slow(nnseq.utils.PyDataset):
    """Notes how many batches are made at the same time and how far ahead."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.meet = threading.Barrier(2) if self.workers > 1 else None
        self.threads = set()
        self.fails_at = None
        self.most = 0

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == self.fails_at:
            raise OSError("no such batch")
        if self.meet is not None:
            self.meet.wait(timeout=60)  # only passed by two at a time
        self.threads.add(threading.get_ident())
        self.most = max(self.most, index)
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]


def test_workers_make_batches_in_advance_and_in_order():
    histories = []
    for arguments in ({}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}):
        nnseq.utils.set_random_seed(0)
        model, data = plain(nnseq), Slow(**arguments)
        model.compile("sgd", "mse")
        histories.append(model.fit(data, epochs=2, shuffle=False, verbose=0).history)
        assert len(data.threads) >= data.workers
        assert (threading.get_ident() in data.threads) == (data.workers == 1)
    assert histories[0] == histories[1] == histories[2]


def test_workers_stop_with_the_run():
    model = plain(nnseq)
    model.compile("sgd", "mse")
    data = Slow(workers=2, max_queue_size=2)
    data.meet = None
    before = threading.active_count()
    model.evaluate(data, steps=2, verbose=0)
    assert data.most <= 3
    assert threading.active_count() == before
    data.fails_at = 3
    with pytest.raises(OSError, match="no such batch"):
        model.fit(data, shuffle=False, verbose=0)
    assert threading.active_count() == before
    assert int(model.optimizer.iterations) == 3
