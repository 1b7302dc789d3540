"""When callbacks are told what, what they may do, and CallbackList; beside Keras."""

import numpy as np
import pytest

import nnseq
from nnseq import callbacks, layers, optimizers
from nnseq.callbacks import Callback, CallbackList, History, LambdaCallback, ProgbarLogger

keras = pytest.importorskip("keras")

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
HOOKS = sorted(name for name in dir(Callback) if name.startswith("on_"))


def build(library=nnseq):
    layer = library.layers.Dense(1, kernel_initializer="zeros")
    model = library.Sequential([library.Input((3,)), layer])
    # Keras need not compile for one fit.
    eagerly = library is keras
    model.compile(library.optimizers.SGD(0.01), "mse", metrics=["mae"], run_eagerly=eagerly)
    return model


def recorder(library, told, names=HOOKS):
    """A callback that notes the events of `names`: (name, batch or epoch, logs)."""

    class Recorder(library.callbacks.Callback):
        pass

    def make(name):
        def hook(self, *args, **keywords):
            *index, logs = [*args, *keywords.values()]
            told.append((name, index[0] if index else None, dict(logs)))

        return hook

    for name in names:
        setattr(Recorder, name, make(name))
    return Recorder()


RUNS = {
    "fit": lambda m, c: m.fit(X, Y, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=c),
    "validation": lambda m, c: m.fit(
        X, Y, batch_size=20, verbose=0, shuffle=False, callbacks=c, validation_data=(X[:9], Y[:9]),
        validation_batch_size=5,
    ),
    "evaluate": lambda m, c: m.evaluate(X, Y, batch_size=8, verbose=0, callbacks=c),
    "evaluate_steps": lambda m, c: m.evaluate(X, Y, batch_size=8, steps=2, verbose=0, callbacks=c),
    "predict": lambda m, c: m.predict(X, batch_size=8, verbose=0, callbacks=c),
    "predict_one": lambda m, c: m.predict(X, verbose=0, callbacks=c),
}  # fmt: skip


@pytest.mark.keras
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_the_same_events_with_the_same_logs_as_keras(run):
    found = []
    for library in (nnseq, keras):
        told = []
        run(build(library), recorder(library, told))
        # Keras tells of the end of a batch late: after the next one's beginning.
        found.append(sorted(told, key=lambda event: (event[0], event[1] or 0)))
    assert [event[:2] for event in found[0]] == [event[:2] for event in found[1]]
    for (name, _, mine), (_, _, other) in zip(*found, strict=True):
        assert list(mine) == list(other), name
        for key in mine:
            np.testing.assert_allclose(mine[key], other[key], rtol=2e-5, atol=2e-6)


def test_a_batch_ends_before_the_next_begins():
    told = []
    build().fit(X, Y, batch_size=8, verbose=0, callbacks=recorder(nnseq, told))
    names = [(name, index) for name, index, _ in told if "train_batch" in name]
    pairs = [(f"on_train_batch_{when}", i) for i in range(3) for when in ("begin", "end")]
    assert names == pairs


def test_the_model_and_the_parameters():
    seen = []
    spy = LambdaCallback(
        on_train_begin=lambda logs: seen.append((spy.model, spy.params)),
        on_test_begin=lambda logs: seen.append((spy.model, spy.params)),
        on_predict_begin=lambda logs: seen.append((spy.model, spy.params)),
    )
    model = build()
    model.fit(X, Y, epochs=3, batch_size=6, verbose=0, callbacks=[spy])
    model.evaluate(X, Y, batch_size=5, verbose=0, callbacks=[spy])
    model.predict(X, steps=2, batch_size=4, verbose=0, callbacks=[spy])
    assert all(m is model for m, _ in seen)
    assert [params for _, params in seen] == [
        {"verbose": 0, "epochs": 3, "steps": 4},
        {"verbose": 0, "epochs": 1, "steps": 4},
        {"verbose": 0, "epochs": 1, "steps": 2},
    ]


# --- what callbacks may do ----------------------------------------------------------------------
IN_FIT = [name for name in HOOKS if "predict" not in name]


@pytest.mark.keras
@pytest.mark.parametrize(
    ("name", "array"),
    [*((name, True) for name in IN_FIT), ("on_train_begin", False), ("on_batch_end", False)],
)
def test_stop_training_in_any_method(name, array):
    found = []
    for library in (nnseq, keras):
        model = build(library)
        stop = library.callbacks.LambdaCallback(
            **{name: lambda *args, model=model, **logs: setattr(model, "stop_training", True)}
        )
        data = (X, Y) if array else (_batches(library),)
        arguments = {"batch_size": 5} if array else {}
        history = model.fit(
            *data, epochs=3, verbose=0, shuffle=False, callbacks=[stop],
            validation_data=(X, Y), **arguments,
        )  # fmt: skip
        found.append((history.epoch, int(model.optimizer.iterations)))
    assert found[0] == found[1]


def _batches(library):
    class Batches(library.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return X[5 * index : 5 * index + 5], Y[5 * index : 5 * index + 5]

    return Batches()


@pytest.mark.parametrize("name", HOOKS)
def test_an_exception_in_any_method_leaves_the_model_usable(name):
    def fails(*_):
        raise RuntimeError("mine")

    model, callback = build(), LambdaCallback(**{name: fails})
    progress = ProgbarLogger()
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[progress, callback])
        model.predict(X, verbose=0, callbacks=[callback])
    history = model.fit(X, Y, batch_size=5, epochs=2, verbose=0)
    assert history.epoch == [0, 1]
    assert model.predict(X, verbose=0).shape == (20, 1)
    assert np.isfinite(model.evaluate(X, Y, verbose=0)).all()


def test_the_learning_rate_may_be_set_between_batches():
    rates = [0.1, 0.0, 0.0, 0.0]

    class Rates(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.optimizer.learning_rate = rates[batch]

    model, other = build(), build()
    model.fit(X, Y, batch_size=5, shuffle=False, verbose=0, callbacks=[Rates()])
    other.optimizer.learning_rate = 0.1
    other.train_on_batch(X[:5], Y[:5])
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


def test_weights_may_be_set_between_batches():
    class Zero(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.set_weights([np.zeros((3, 1)), np.zeros(1)])

    model = build()
    model.fit(X, Y, batch_size=5, verbose=0, callbacks=[Zero()])
    assert not model.get_weights()[0].any()


def test_a_callback_may_use_the_model():
    class Uses(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["held"] = self.model.evaluate(X[:4], Y[:4], verbose=0)[0]
            logs["mean"] = float(self.model.predict(X, verbose=0).mean())

    history = build().fit(X, Y, epochs=2, verbose=0, callbacks=[Uses()]).history
    assert list(history) == ["loss", "mae", "held", "mean"]
    assert all(len(values) == 2 for values in history.values())


def test_logs_that_a_callback_adds_reach_those_after_it():
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = 2.0 - epoch

    early = callbacks.EarlyStopping("mine", mode="max", patience=1)
    history = build().fit(X, Y, epochs=9, verbose=0, callbacks=[Adds(), early])
    assert history.history["mine"] == [2.0, 1.0]


@pytest.mark.keras
def test_callbacks_written_for_keras():
    class Theirs(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((self.model, batch, logs["loss"]))

    seen = []
    model = build()
    early = keras.callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    history = model.fit(X, Y, batch_size=10, epochs=9, verbose=0, callbacks=[Theirs(), early])
    assert history.epoch == [0, 1]
    assert [(m is model, batch) for m, batch, _ in seen] == [(True, 0), (True, 1)] * 2


def test_a_subclass_without_init():
    class Bare(Callback):
        def __init__(self):
            self.epochs = []

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append((epoch, self.params["epochs"], self.model.name))

    bare = Bare()
    model = build()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=bare)
    assert bare.epochs == [(0, 2, model.name), (1, 2, model.name)]


# --- CallbackList, History, LambdaCallback ------------------------------------------------------
def test_callbacks_in_every_form():
    told = []
    one = LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(epoch))
    for form in (one, [one], (one,), [[one]], CallbackList([one]), [CallbackList(one)], None, []):
        assert build().fit(X, Y, verbose=0, callbacks=form).epoch == [0]
    assert len(told) == 6
    for wrong in (3, "early", Callback, [Callback], [None, "x"], lambda: None):
        with pytest.raises(TypeError, match="`callbacks` must be instances of Callback"):
            build().fit(X, Y, verbose=0, callbacks=wrong)


def test_a_callback_list_in_a_training_loop_of_ones_own():
    model = build()
    told = []
    listed = CallbackList(
        [recorder(nnseq, told)], add_history=True, model=model, verbose=0, epochs=1, steps=2
    )
    listed.append(LambdaCallback(on_train_end=lambda logs: told.append("end")))
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    for step in range(2):
        listed.on_train_batch_begin(step)
        listed.on_train_batch_end(step, model.train_on_batch(X, Y, return_dict=True))
    listed.on_epoch_end(0, {"loss": nnseq.ops.ones(()), "parts": {"b": np.float32(2), "a": 1}})
    listed.on_train_end({})
    assert model.history is listed.history
    assert listed.history.history == {"loss": [1.0], "a": [1.0], "b": [2.0]}
    assert all(type(v) is float for (v,) in listed.history.history.values())
    assert told[-1] == "end"
    assert listed.history.params == {"verbose": 0, "epochs": 1, "steps": 2}


def test_the_users_own_history_is_returned():
    mine = History()
    model = build()
    assert model.fit(X, Y, epochs=2, verbose=0, callbacks=[mine]) is mine
    assert model.history is mine
    assert mine.epoch == [0, 1]


def test_lambda_callback():
    seen = []
    callback = LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch), on_epoch_begin=None
    )
    build().fit(X, Y, batch_size=10, verbose=0, callbacks=callback)
    assert seen == [0, 1]
    with pytest.raises(ValueError, match="Did you mean 'on_batch_end'"):
        LambdaCallback(on_batch_ends=print)


def test_many_steps_at_once_unless_a_callback_wants_each():
    def wants(*given):
        return [m for m in ("train", "test", "predict") if CallbackList(given).wants_batches(m)]

    assert wants(callbacks.EarlyStopping(), ProgbarLogger(), callbacks.TerminateOnNaN()) == []
    assert wants(LambdaCallback(on_epoch_end=print)) == []
    assert wants(LambdaCallback(on_batch_end=print)) == ["train"]
    assert wants(LambdaCallback(on_test_batch_begin=print)) == ["test"]
    assert wants(Callback(), LambdaCallback(on_predict_batch_end=print)) == ["predict"]


def test_a_model_in_a_schedule_of_callbacks_is_freed():
    import gc
    import weakref

    model = nnseq.Sequential([nnseq.Input((3,)), layers.Dense(1)])
    model.compile(optimizers.SGD(0.01), "mse")
    early = callbacks.EarlyStopping("loss")
    model.fit(X, Y, verbose=0, callbacks=[early])
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None
    assert early.model is None


@pytest.mark.keras
@pytest.mark.parametrize("mode", ["evaluate", "predict"])
def test_stop_evaluating_and_predicting(mode):
    hook, flag = {
        "evaluate": ("on_test_batch_end", "stop_evaluating"),
        "predict": ("on_predict_batch_end", "stop_predicting"),
    }[mode]
    found = []
    for library in (nnseq, keras):
        model = build(library)
        model.set_weights([np.ones((3, 1)), np.zeros(1)])
        stop = library.callbacks.LambdaCallback(
            **{hook: lambda batch, logs, model=model: setattr(model, flag, batch == 1)}
        )
        data = (X, np.arange(20.0)[:, None]) if mode == "evaluate" else (X,)
        call = getattr(model, mode)
        found.append(np.asarray(call(*data, batch_size=5, verbose=0, callbacks=[stop])))
        assert np.shape(model.predict(X, verbose=0)) == (20, 1)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
    if mode == "predict":
        assert found[0].shape == (10, 1)


def test_what_a_callback_changes_between_batches_counts_from_the_next_on():
    class Changes(Callback):
        def __init__(self, change):
            super().__init__()
            self.change = change

        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.change(self.model)

    def compile_anew(model):
        model.compile(optimizers.SGD(0.0), "mse")

    def other_optimizer(model):
        model.optimizer = optimizers.SGD(0.0)

    def schedule(model):
        model.optimizer.learning_rate = optimizers.schedules.ExponentialDecay(0.0, 1, 1.0)

    def rate(model):
        model.optimizer.learning_rate = 0.0

    def activation(model):
        model.layers[0].activation = lambda x: x * 0.0

    two = build()
    two.fit(X, Y, batch_size=5, shuffle=False, steps_per_epoch=2, verbose=0)
    for change in (compile_anew, other_optimizer, schedule, rate, activation):
        model = build()
        model.fit(X, Y, batch_size=5, shuffle=False, verbose=0, callbacks=[Changes(change)])
        np.testing.assert_array_equal(model.get_weights()[0], two.get_weights()[0])
