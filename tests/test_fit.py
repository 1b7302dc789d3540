"""compile, fit, evaluate and predict against Keras, and what they promise by themselves."""

import copy
import gc
import os
import pickle
import signal
import threading
import warnings
import weakref

import numpy as np
import pytest

import nnseq
from nnseq import callbacks, layers, losses, metrics, ops, optimizers
from nnseq.utils import PyDataset, set_random_seed

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(3)
ROWS = 50
X = RNG.normal(size=(ROWS, 6)).astype("float32")
TARGET = RNG.normal(size=(ROWS, 2)).astype("float32")
CLASSES = RNG.integers(0, 3, ROWS)
WEIGHTS = RNG.uniform(0, 2, ROWS).astype("float32")


def mlp(lib, units=2, activation=None, **kwargs):
    L = lib.layers
    return lib.Sequential(
        [lib.Input((6,)), L.Dense(8, activation="tanh", **kwargs), L.Dense(units, activation)]
    )


def twins(build, **compile_arguments):
    """The same compiled model twice, with the weights of ours."""
    ours, theirs = build(nnseq), build(keras)
    theirs.set_weights(ours.get_weights())
    ours.compile(**compile_arguments)
    theirs.compile(**compile_arguments)
    return ours, theirs


def same_weights(ours, theirs, atol=2e-6):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=atol)


def same_history(ours, theirs):
    assert list(ours.history) == list(theirs.history)
    assert ours.epoch == theirs.epoch
    for name, values in theirs.history.items():
        assert all(type(value) is float for value in ours.history[name])
        np.testing.assert_allclose(ours.history[name], values, rtol=2e-5, atol=2e-6, err_msg=name)


ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
# (units, activation, compile arguments, targets)
PROBLEMS = {
    "mse": (2, None, {"loss": "mse", "metrics": ["mae"]}, TARGET),
    "mae": (1, None, {"loss": "mae", "metrics": ["mse", "mae"]}, TARGET[:, 0]),
    "classes": (
        3,
        "softmax",
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        CLASSES,
    ),
    "classes (n, 1)": (
        3,
        "softmax",
        {"loss": "sparse_categorical_crossentropy", "metrics": ["acc"]},
        CLASSES[:, None],
    ),
    "one-hot": (
        3,
        "softmax",
        {"loss": "categorical_crossentropy", "metrics": ["accuracy", "mse"]},
        ONE_HOT,
    ),
    "binary": (
        1,
        "sigmoid",
        {"loss": "binary_crossentropy", "metrics": ["accuracy"]},
        (CLASSES > 0).astype("int64"),
    ),
}


@pytest.mark.keras
@pytest.mark.parametrize(
    ("problem", "optimizer"), list(zip(PROBLEMS, ["sgd", "adam", "rmsprop"] * 2, strict=True))
)
def test_fit_evaluate_predict(problem, optimizer):
    units, activation, arguments, y = PROBLEMS[problem]
    ours, theirs = twins(lambda lib: mlp(lib, units, activation), optimizer=optimizer, **arguments)
    fit = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
    fit["validation_split"] = 0.2
    same_history(ours.fit(X, y, **fit), theirs.fit(X, y, **fit))
    same_weights(ours, theirs)
    expected = theirs.evaluate(X, y, batch_size=16, verbose=0)
    np.testing.assert_allclose(ours.evaluate(X, y, batch_size=16, verbose=0), expected, rtol=2e-5)
    expected = theirs.predict(X, batch_size=16, verbose=0)
    np.testing.assert_allclose(ours.predict(X, batch_size=16, verbose=0), expected, atol=2e-6)


@pytest.mark.keras
def test_weights_of_samples_and_classes():
    arguments = {
        "optimizer": "sgd",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "weighted_metrics": ["accuracy"],
    }
    fit = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0}
    for extra in ({"sample_weight": WEIGHTS}, {"class_weight": {0: 3.0, 2: 0.5}}):
        ours, theirs = twins(lambda lib: mlp(lib, 3, "softmax"), **arguments)
        same_history(ours.fit(X, CLASSES, **fit, **extra), theirs.fit(X, CLASSES, **fit, **extra))
        same_weights(ours, theirs)
    validation = (X[:20], CLASSES[:20], WEIGHTS[:20])
    ours, theirs = twins(lambda lib: mlp(lib, 3, "softmax"), **arguments)
    fit["validation_data"] = validation
    same_history(ours.fit(X, CLASSES, **fit), theirs.fit(X, CLASSES, **fit))


@pytest.mark.keras
def test_regularizers_and_constraints():
    build = lambda lib: mlp(  # noqa: E731
        lib,
        kernel_regularizer="l2",
        bias_regularizer=lib.regularizers.L1(0.1),
        bias_initializer="random_normal",  # the slope of |0| is 1 in JAX and 0 elsewhere
        activity_regularizer="l2",
        kernel_constraint=lib.constraints.MaxNorm(0.5),
    )
    ours, theirs = twins(build, optimizer="sgd", loss="mse")
    fit = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0}
    same_history(ours.fit(X, TARGET, **fit), theirs.fit(X, TARGET, **fit))
    same_weights(ours, theirs)
    assert np.linalg.norm(ours.get_weights()[0], axis=0).max() <= 0.5 + 1e-6


def two_headed(lib):
    x = lib.Input((6,), name="x")
    hidden = lib.layers.Dense(8, activation="tanh")(x)
    a = lib.layers.Dense(2, name="a")(hidden)
    b = lib.layers.Dense(3, activation="softmax", name="b")(hidden)
    return lib.Model(x, [a, b])


@pytest.mark.keras
@pytest.mark.parametrize(
    ("arguments", "y"),
    [
        ({"loss": ["mse", "sparse_categorical_crossentropy"]}, [TARGET, CLASSES]),
        (
            {
                "loss": {"a": "mse", "b": "sparse_categorical_crossentropy"},
                "loss_weights": {"a": 0.5, "b": 2.0},
                "metrics": {"a": ["mae"], "b": ["accuracy"]},
            },
            {"a": TARGET, "b": CLASSES},
        ),
        (
            {
                "loss": ["mse", "sparse_categorical_crossentropy"],
                "loss_weights": [0.5, 2.0],
                "metrics": [["mae", "mse"], ["accuracy"]],
            },
            [TARGET, CLASSES],
        ),
        ({"loss": "mae"}, [TARGET, ONE_HOT]),
    ],
)
def test_several_outputs(arguments, y):
    ours, theirs = twins(two_headed, optimizer="sgd", **arguments)
    fit = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0}
    same_history(ours.fit(X, y, **fit), theirs.fit(X, y, **fit))
    same_weights(ours, theirs)
    np.testing.assert_allclose(
        ours.evaluate(X, y, verbose=0), theirs.evaluate(X, y, verbose=0), rtol=2e-5
    )
    for a, b in zip(ours.predict(X, verbose=0), theirs.predict(X, verbose=0), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_one_of_two_outputs_without_a_loss():
    model = two_headed(nnseq)
    model.compile("sgd", loss={"a": "mse"})
    before = model.get_layer("b").get_weights()
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        model.fit(X, {"a": TARGET}, verbose=0)
    for a, b in zip(before, model.get_layer("b").get_weights(), strict=True):
        assert np.array_equal(a, b)


class Batches(PyDataset):
    def __init__(self, x, y, size):
        super().__init__()
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        return self.x[rows], self.y[rows]


def generator(x, y, size):
    for start in range(0, len(x), size):
        yield x[start : start + size], y[start : start + size]


def fresh():
    set_random_seed(4)
    model = mlp(nnseq)
    model.compile("adam", "mse", metrics=["mae"])
    return model


SOURCES = {
    "PyDataset": lambda: Batches(X, TARGET, 16),
    "list iterator": lambda: Iterable(16),
}


class Iterable:
    def __init__(self, size):
        self.size = size

    def __iter__(self):
        return generator(X, TARGET, self.size)


@pytest.mark.parametrize("source", SOURCES)
def test_batches_train_like_arrays(source):
    fit = {"epochs": 3, "shuffle": False, "verbose": 0}
    a, b = fresh(), fresh()
    expected = a.fit(X, TARGET, batch_size=16, **fit)
    got = b.fit(SOURCES[source](), **fit)
    assert got.history == expected.history
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        assert np.array_equal(u, v)
    assert b.evaluate(SOURCES[source](), verbose=0) == a.evaluate(
        X, TARGET, batch_size=16, verbose=0
    )
    assert np.array_equal(b.predict(SOURCES[source](), verbose=0), a.predict(X, 16, verbose=0))


def test_a_generator_with_steps_goes_on_where_it_was():
    fit = {"epochs": 2, "verbose": 0}
    a, b = fresh(), fresh()
    a.fit(X[:48], TARGET[:48], batch_size=8, steps_per_epoch=3, shuffle=False, **fit)
    b.fit(generator(X[:48], TARGET[:48], 8), steps_per_epoch=3, **fit)
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        assert np.array_equal(u, v)


def test_a_generator_that_ends_early_ends_training_with_a_warning():
    with pytest.warns(UserWarning, match="ran out of data"):
        history = fresh().fit(generator(X, TARGET, 10), epochs=4, steps_per_epoch=3, verbose=0)
    assert history.epoch == [0, 1]


def test_one_step_at_a_time_is_the_same_as_many():
    a, b = fresh(), fresh()
    seen = []
    a.fit(X, TARGET, batch_size=16, epochs=2, verbose=0)
    told = callbacks.LambdaCallback(on_train_batch_end=lambda i, logs: seen.append((i, logs)))
    set_random_seed(4)
    mlp(nnseq)
    b.fit(X, TARGET, batch_size=16, epochs=2, verbose=0, callbacks=[told])
    assert [i for i, _ in seen] == [0, 1, 2, 3] * 2
    assert seen[3][1]["loss"] == b.history.history["loss"][0]
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        assert np.array_equal(u, v)


def test_run_eagerly_is_the_same_up_to_rounding():
    a, b = fresh(), fresh()
    fit = {"batch_size": 16, "epochs": 2, "shuffle": False, "verbose": 0}
    expected = a.fit(X, TARGET, **fit).history
    b.run_eagerly = True
    got = b.fit(X, TARGET, **fit).history
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-5)
    np.testing.assert_allclose(b.predict(X, verbose=0), a.predict(X, verbose=0), atol=1e-5)


def test_the_seed_decides_everything():
    a, b = fresh(), fresh()
    set_random_seed(8)
    a.fit(X, TARGET, epochs=3, batch_size=8, verbose=0)
    set_random_seed(8)
    b.fit(X, TARGET, epochs=3, batch_size=8, verbose=0)
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        assert np.array_equal(u, v)
    set_random_seed(9)
    c = fresh()
    set_random_seed(9)
    c.fit(X, TARGET, epochs=3, batch_size=8, verbose=0)
    assert not np.array_equal(a.get_weights()[0], c.get_weights()[0])


def test_the_loss_is_the_mean_over_samples():
    model = fresh()
    by_one = [model.evaluate(X[i : i + 1], TARGET[i : i + 1], verbose=0)[0] for i in range(ROWS)]
    assert model.evaluate(X, TARGET, batch_size=7, verbose=0)[0] == pytest.approx(
        np.mean(by_one), rel=1e-6
    )


def test_custom_train_step():
    class Own(nnseq.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)
            self.tracker = metrics.Mean(name="own_loss")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with nnseq.GradientTape() as tape:
                loss = ops.mean(ops.square(self(x, training=True) - y))
            grads = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(grads, self.trainable_variables, strict=True))
            self.tracker.update_state(loss)
            return {"own_loss": self.tracker.result()}

        @property
        def metrics(self):
            return [self.tracker]

    own = Own()
    own.compile(optimizer="sgd")
    own(X[:1])
    start = own.get_weights()
    history = own.fit(X, TARGET, batch_size=25, epochs=2, shuffle=False, verbose=0).history
    assert list(history) == ["own_loss"]
    usual = nnseq.Sequential([nnseq.Input((6,)), layers.Dense(2)])
    usual.build((None, 6))
    usual.set_weights(start)
    usual.compile(optimizer="sgd", loss="mse")
    expected = usual.fit(X, TARGET, batch_size=25, epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["own_loss"], expected["loss"], rtol=1e-6)


def test_custom_train_step_equals_the_default_one():
    class Same(nnseq.Sequential):
        def train_step(self, data):
            x, y = data
            with nnseq.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return {"loss": loss}

    parts = [nnseq.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dense(2)]
    same = Same(parts)
    usual = mlp(nnseq)
    usual.set_weights(same.get_weights())
    for model in (same, usual):
        model.compile("adam", "mse")
        model.fit(X, TARGET, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for u, v in zip(same.get_weights(), usual.get_weights(), strict=True):
        assert np.array_equal(u, v)


def test_compute_loss_may_be_overridden():
    class Scaled(nnseq.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 2 * super().compute_loss(x, y, y_pred, sample_weight, training)

    scaled = Scaled([nnseq.Input((6,)), layers.Dense(2)])
    usual = nnseq.Sequential([nnseq.Input((6,)), layers.Dense(2)])
    usual.set_weights(scaled.get_weights())
    for model in (scaled, usual):
        model.compile("sgd", "mse")
    assert scaled.evaluate(X, TARGET, verbose=0) == pytest.approx(
        2 * usual.evaluate(X, TARGET, verbose=0)
    )


def test_custom_loss_and_metric_functions():
    def largest(y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    class Cubed(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)

    model = mlp(nnseq)
    model.compile("sgd", Cubed(), metrics=[largest])
    logs = model.evaluate(X, TARGET, verbose=0, return_dict=True)
    error = np.abs(model.predict(X, verbose=0) - TARGET)
    assert logs["loss"] == pytest.approx((error**3).mean(), rel=1e-5)
    assert logs["largest"] == pytest.approx(error.max(axis=1).mean(), rel=1e-5)


def test_on_batch_functions():
    model = fresh()
    a = model.train_on_batch(X, TARGET)
    assert len(a) == 2
    logs = model.test_on_batch(X, TARGET, return_dict=True)
    assert list(logs) == ["loss", "mae"]
    assert np.array_equal(model.predict_on_batch(X), model.predict(X, batch_size=50, verbose=0))
    assert model.metrics_names == ["loss", "mae"]
    # Of this batch alone, whatever came before.
    assert model.test_on_batch(X[:3], TARGET[:3], return_dict=True)["mae"] == pytest.approx(
        np.abs(model.predict(X[:3], verbose=0) - TARGET[:3]).mean(), rel=1e-5
    )


def test_a_metric_given_by_class_or_name_takes_one_automatic_name():
    for given, name in ((nnseq.metrics.Precision, "precision"), ("AUC", "AUC")):
        nnseq.utils.clear_session()
        model = fresh()
        model.compile("sgd", "mse", metrics=[given])
        assert name in model.evaluate(X, TARGET, verbose=0, return_dict=True)


def test_a_model_compiled_with_classes_is_saved(tmp_path):
    model = fresh()
    model.compile("sgd", losses.MeanSquaredError, metrics=[metrics.MeanAbsoluteError])
    model.save(tmp_path / "m.keras")
    again = nnseq.models.load_model(tmp_path / "m.keras")
    wanted = model.evaluate(X, TARGET, verbose=0, return_dict=True)
    assert again.evaluate(X, TARGET, verbose=0, return_dict=True) == wanted


def test_nothing_to_train():
    model = mlp(nnseq)
    model.trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, TARGET, verbose=0)
    for u, v in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(u, v)


def test_trainable_after_compile_changes_nothing_and_warns_once():
    model = mlp(nnseq)
    first = model.layers[0]
    model.compile("sgd", "mse")
    first.trainable = False
    before = first.get_weights()[0]
    with pytest.warns(UserWarning, match=f"`trainable` of {first.name} was changed"):
        model.fit(X, TARGET, verbose=0)
    assert not np.array_equal(before, first.get_weights()[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, TARGET, verbose=0)
    model.compile("sgd", "mse")
    before = [v.numpy() for v in first.weights]
    model.fit(X, TARGET, verbose=0)
    assert np.array_equal(before[0], first.get_weights()[0])


def test_validation_frequency_and_batches():
    model = fresh()
    seen = []
    told = callbacks.LambdaCallback(on_test_batch_end=lambda i, logs: seen.append(i))
    history = model.fit(
        X,
        TARGET,
        epochs=5,
        verbose=0,
        validation_data=(X[:10], TARGET[:10]),
        validation_freq=[2, 5],
        validation_batch_size=4,
        callbacks=told,
    )
    assert len(history.history["val_loss"]) == 2
    assert seen == [0, 1, 2] * 2
    assert len(history.history["loss"]) == 5


def test_the_order_in_which_callbacks_are_told():
    told = []

    names = [n for n in dir(callbacks.Callback) if n.startswith("on_") and n[3:8] != "batch"]
    recorder = callbacks.LambdaCallback(**{n: lambda *_, n=n: told.append(n) for n in names})
    model = fresh()
    data = (X, TARGET)
    model.fit(*data, batch_size=25, verbose=0, callbacks=[recorder], validation_data=data)
    bare = [name.removeprefix("on_") for name in told]
    assert bare[:3] == ["train_begin", "epoch_begin", "train_batch_begin"]
    assert bare[-3:] == ["test_end", "epoch_end", "train_end"]
    assert recorder.model is model
    assert recorder.params == {"verbose": 0, "epochs": 1, "steps": 2}


def test_stop_training():
    stop = callbacks.LambdaCallback()
    stop.on_epoch_end = lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 1)
    assert fresh().fit(X, TARGET, epochs=9, verbose=0, callbacks=[stop]).epoch == [0, 1]
    batch = callbacks.LambdaCallback()
    batch.on_train_batch_end = lambda i, logs: setattr(batch.model, "stop_training", i == 1)
    model = fresh()
    model.fit(X, TARGET, batch_size=10, epochs=9, verbose=0, callbacks=[batch])
    assert int(model.optimizer.iterations) == 2


def test_early_stopping():
    model = fresh()
    model.compile(optimizers.SGD(0.0), "mse", metrics=["accuracy"])
    early = callbacks.EarlyStopping(monitor="loss", patience=2, restore_best_weights=True)
    history = model.fit(X, TARGET, epochs=20, verbose=0, callbacks=[early], shuffle=False)
    assert len(history.epoch) == 3
    assert (early.best_epoch, early.stopped_epoch) == (0, 2)


def test_the_learning_rate_function_is_called_before_every_step():
    rates = []

    def rate():
        rates.append(0.1 / (1 + len(rates)))
        return rates[-1]

    model = mlp(nnseq)
    model.compile(optimizers.SGD(rate), "mse")
    calls = len(rates)
    model.fit(X, TARGET, batch_size=10, verbose=0)
    assert len(rates) - calls >= 5
    assert float(model.optimizer.learning_rate) == pytest.approx(rates[-1])


def test_added_and_removed_layers():
    model = nnseq.Sequential([nnseq.Input((6,)), layers.Dense(4), layers.Dense(2)])
    model.compile(optimizers.SGD(0.01, momentum=0.9), "mse")
    model.fit(X, TARGET, verbose=0)
    slot = model.optimizer.slots(model.layers[0].kernel)[0]
    model.pop()
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    with pytest.warns(UserWarning, match="forgets its state of 2 variables"):
        model.fit(X, TARGET, verbose=0)
    assert model.optimizer.slots(model.layers[0].kernel)[0] is slot
    assert len(model.optimizer.variables) == 2 + 6


def test_an_unbuilt_model_is_built_with_an_open_batch_size():
    model = nnseq.Sequential([layers.Dense(3), layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(X, TARGET, batch_size=48, verbose=0)
    assert model.output_shape == (None, 2)
    assert model.predict(X[:5], verbose=0).shape == (5, 2)


def test_models_are_freed():
    model = fresh()
    model.fit(X, TARGET, verbose=0)
    model.predict(X, verbose=0)
    kernel = weakref.ref(model.layers[0].kernel)
    del model
    gc.collect()
    assert kernel() is None


def test_progress_lines(capsys):
    model = fresh()
    data = (X, TARGET)
    model.fit(*data, epochs=2, validation_data=data)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert lines[2] == "Epoch 2/2"
    assert lines[1].startswith("2/2 ━━━━━━━━━━━━━━━━━━━━ 0s ")
    names = [part.split(":")[0] for part in lines[1].split(" - ")[1:]]
    assert names == ["loss", "mae", "val_loss", "val_mae"]
    assert "\x1b" not in lines[1]
    model.fit(*data, verbose=2)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("2/2 - 0s - ")
    model.evaluate(*data)
    model.predict(X)
    assert len(capsys.readouterr().out.splitlines()) == 2
    model.fit(*data, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_train_on_like_the_original(duplicate):
    model = fresh()
    model.fit(X, TARGET, verbose=0)
    other = duplicate(model)
    for each in (model, other):
        each.fit(X, TARGET, shuffle=False, verbose=0)
    for u, v in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(u, v)
    assert int(other.optimizer.iterations) == 4


def test_predict_while_another_thread_trains():
    model = fresh()
    rows, trained, wrong = RNG.normal(size=(2000, 6)).astype("float32"), threading.Event(), []

    def work():
        while not trained.is_set():
            first = model.predict(X, verbose=0)
            if first.shape != (ROWS, 2) or not np.isfinite(first).all():
                wrong.append(first)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        model.fit(rows, rows[:, :2], epochs=5, verbose=0)
    finally:
        trained.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_interrupt_in_the_core():
    model = fresh()
    rows = RNG.normal(size=(4000, 6)).astype("float32")
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows, rows[:, :2], epochs=10**6, verbose=0)
    done = int(model.optimizer.iterations)
    assert done > 0
    model.fit(X, TARGET, verbose=0)
    assert int(model.optimizer.iterations) == done + 2


def test_eager_steps_see_the_layers_as_compiled():
    """As a discriminator is trained alone and frozen inside of a compiled GAN."""
    found = []
    for eager in (False, True):
        model = fresh()
        model.compile("sgd", "mse", run_eagerly=eager)
        model.layers[0].trainable = False
        with pytest.warns(UserWarning, match="was changed after compile"):
            model.fit(X, TARGET, shuffle=False, verbose=0)
        assert not model.layers[0].trainable
        found.append(model.get_weights())
    for u, v in zip(*found, strict=True):
        np.testing.assert_allclose(u, v, atol=1e-6)


def test_one_discriminator_in_two_compiled_models():
    def step(order):
        set_random_seed(5)
        generator = nnseq.Sequential([nnseq.Input((3,)), layers.Dense(6)])
        judge = nnseq.Sequential([nnseq.Input((6,)), layers.Dense(1, activation="sigmoid")])
        judge.compile("sgd", "binary_crossentropy")
        judge.trainable = False
        both = nnseq.Sequential([generator, judge])
        both.compile("sgd", "binary_crossentropy")
        before = generator.get_weights()[0], judge.get_weights()[0]
        if order == "judge":
            with pytest.warns(UserWarning, match="changed after compile"):
                judge.train_on_batch(X, np.ones((ROWS, 1)))
        else:
            both.train_on_batch(X[:, :3], np.ones((ROWS, 1)))
        after = generator.get_weights()[0], judge.get_weights()[0]
        return [not np.array_equal(u, v) for u, v in zip(before, after, strict=True)]

    assert step("judge") == [False, True]
    assert step("both") == [True, False]


def test_code_that_needs_the_batch_size_is_traced_for_each():
    class Model(nnseq.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, kernel_initializer="ones")

        def call(self, x):
            return self.dense(x) * (2.0 if x.shape[0] > 3 else 1.0)

    model = Model()
    model.compile("sgd", "mse")
    got = model.predict(X[:10], batch_size=8, verbose=0)
    expected = X[:10].sum(axis=1)
    np.testing.assert_allclose(got[:8, 0], 2 * expected[:8], rtol=1e-5)
    np.testing.assert_allclose(got[8:, 0], expected[8:], rtol=1e-5)
    model.fit(X[:10], TARGET[:10], batch_size=8, verbose=0)
    assert int(model.optimizer.iterations) == 2


def test_validation_steps_are_the_same_rows_every_time():
    model = fresh()
    model.compile(optimizers.SGD(0.0), "mse")
    data = (X, TARGET)
    history = model.fit(
        *data, epochs=2, verbose=0, validation_data=data, validation_steps=1, batch_size=10
    ).history
    first = model.evaluate(X[:10], TARGET[:10], verbose=0)
    assert history["val_loss"] == pytest.approx([first, first])


def test_a_terminal_shows_a_moving_line(capsys, monkeypatch):
    monkeypatch.setattr("nnseq.utils.progbar.is_dynamic", lambda: True)
    monkeypatch.setattr("nnseq.callbacks.progbar_logger.is_dynamic", lambda: True)
    fresh().fit(X, TARGET, batch_size=5)
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert text.count("\r") >= 2
    assert "10/10" in text.split("\r")[-1]
    assert text.endswith("\n")
