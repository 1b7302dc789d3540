"""Callbacks that watch a value decide as those of Keras, epoch by epoch, on random sequences."""

import math
import warnings

import numpy as np
import pytest

import nnseq
from nnseq import callbacks, layers, optimizers

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore:.*(not available|available)")

EPOCHS = 12


class Model:
    """As much of a model as the callbacks use."""

    def __init__(self, optimizer=None):
        self.metrics = []
        self.optimizer = optimizer
        self.stop_training = False
        self.weights = [0]
        self.saved = []

    def get_weights(self):
        return list(self.weights)

    def set_weights(self, weights):
        self.weights = list(weights)

    def save(self, filepath, overwrite=True):
        self.saved.append(filepath)

    save_weights = save


def sequence(rng):
    """Values on a coarse grid, where float32 and float64 agree, with NaN, inf and gaps."""
    values = (rng.integers(-8, 9, EPOCHS) / 8).tolist()
    for i in range(EPOCHS):
        special = rng.integers(0, 20)
        if special < 3:
            values[i] = (math.nan, math.inf, None)[special]
    return values


def play(callback, model, values, seen):
    """One fit: tells the callback, and records `seen(callback, model)` after each epoch."""
    callback.set_model(model)
    callback.set_params({"verbose": 0, "epochs": EPOCHS, "steps": 1})
    record = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        callback.on_train_begin({})
        for epoch, value in enumerate(values):
            callback.on_epoch_begin(epoch, {})
            model.weights = [epoch]
            callback.on_epoch_end(epoch, {} if value is None else {"val_loss": value})
            record.append(seen(callback, model))
            if model.stop_training:
                break
        callback.on_train_end({})
    return [*record, seen(callback, model)]


def agree(kind, options, values, optimizer, seen, capsys):
    """Plays the same sequence for both libraries, and compares decisions and messages."""
    records, texts = [], []
    for library in (nnseq, keras):
        rate = getattr(library.optimizers, optimizer)(0.5) if optimizer else None
        callback = getattr(library.callbacks, kind)(**options)
        records.append(play(callback, Model(rate), values, seen))
        texts.append(capsys.readouterr().out)
    np.testing.assert_equal(records[0], records[1], err_msg=f"{options} {values}")
    assert texts[0] == texts[1]


@pytest.mark.keras
@pytest.mark.parametrize("seed", range(60))
def test_early_stopping(seed, capsys):
    rng = np.random.default_rng(seed)
    options = {
        "min_delta": float(rng.choice([0, 0.125, -0.25])),
        "patience": int(rng.integers(0, 4)),
        "mode": str(rng.choice(["auto", "min", "max"])),
        "baseline": [None, 0.25, -0.5][rng.integers(0, 3)],
        "restore_best_weights": bool(rng.integers(0, 2)),
        "start_from_epoch": int(rng.choice([0, 0, 3])),
        "verbose": 1,
    }

    def seen(callback, model):
        names = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")
        return [getattr(callback, n) for n in names] + [model.stop_training, model.weights]

    agree("EarlyStopping", options, sequence(rng), None, seen, capsys)


@pytest.mark.keras
@pytest.mark.parametrize("seed", range(60))
def test_reduce_lr_on_plateau(seed, capsys):
    rng = np.random.default_rng(seed)
    options = {
        "factor": float(rng.choice([0.5, 0.25, 0.0])),
        "min_delta": float(rng.choice([0, 0.125])),
        "patience": int(rng.integers(0, 4)),
        "mode": str(rng.choice(["auto", "min", "max"])),
        "cooldown": int(rng.integers(0, 4)),
        "min_lr": float(rng.choice([0.0, 0.125, 0.5])),
        "verbose": 1,
    }

    def seen(callback, model):
        counts = (callback.wait, callback.cooldown_counter, callback.best, callback.in_cooldown())
        return [*counts, float(model.optimizer.learning_rate)]

    agree("ReduceLROnPlateau", options, sequence(rng), "SGD", seen, capsys)


@pytest.mark.keras
@pytest.mark.parametrize("seed", range(40))
def test_model_checkpoint(seed, capsys):
    rng = np.random.default_rng(seed)
    only_weights = bool(rng.integers(0, 2))
    options = {
        "filepath": "{epoch:02d}" + (".weights.h5" if only_weights else ".keras"),
        "save_best_only": bool(rng.integers(0, 4)),
        "save_weights_only": only_weights,
        "mode": str(rng.choice(["auto", "min", "max"])),
        "initial_value_threshold": [None, 0.25, -0.5][rng.integers(0, 3)],
        "verbose": 1,
    }

    def seen(callback, model):
        return [callback.best, list(model.saved)]

    agree("ModelCheckpoint", options, sequence(rng), None, seen, capsys)


@pytest.mark.keras
@pytest.mark.parametrize("save_freq", [1, 3, 5, 7])
def test_checkpoints_by_batch(save_freq):
    saved = []
    for library in (nnseq, keras):
        callback = library.callbacks.ModelCheckpoint(
            "{epoch}-{batch}-{loss:.1f}.keras", save_freq=save_freq
        )
        model = Model()
        callback.set_model(model)
        for epoch in range(3):
            callback.on_epoch_begin(epoch, {})
            for batch in range(5):
                callback.on_train_batch_end(batch, {"loss": batch / 2})
            callback.on_epoch_end(epoch, {"loss": 2.0})
        saved.append(model.saved)
    assert saved[0] == saved[1]
    assert len(saved[0]) == 15 // save_freq


# --- the direction of a monitor -----------------------------------------------------------------
def compiled(**arguments):
    model = nnseq.Sequential([nnseq.Input((2,)), layers.Dense(1, name="head")])
    model.compile(optimizers.SGD(0.0), **arguments)
    return model


X, Y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


def direction(monitor, model):
    callback = callbacks.EarlyStopping(monitor)
    model.fit(X, Y, verbose=0, callbacks=[callback], validation_data=(X, Y))
    return {np.less: "down", np.greater: "up"}[callback.monitor_op]


@pytest.mark.parametrize(
    ("monitor", "expected"),
    [
        ("loss", "down"),
        ("val_loss", "down"),
        ("val_mae", "down"),
        ("accuracy", "up"),
        ("val_auc", "up"),
    ],
)
def test_the_direction_is_that_of_the_metric(monitor, expected):
    metrics = ["mae", "accuracy", nnseq.metrics.AUC(name="auc")]
    assert direction(monitor, compiled(loss="mse", metrics=metrics)) == expected


def test_the_direction_of_the_outputs_of_a_model():
    inputs = nnseq.Input((2,))
    heads = {name: layers.Dense(1, name=name)(inputs) for name in ("a", "b")}
    model = nnseq.Model(inputs, heads)
    metrics = {"a": ["accuracy"], "b": ["mae"]}
    model.compile("sgd", {"a": "mse", "b": "mse"}, metrics=metrics)
    targets = {"a": Y, "b": Y}
    for monitor, expected in (("a_accuracy", np.greater), ("b_mae", np.less), ("b_loss", np.less)):
        callback = callbacks.EarlyStopping(monitor)
        model.fit(X, targets, verbose=0, callbacks=[callback])
        assert callback.monitor_op is expected


def test_an_unknown_direction_is_refused_and_the_mode_decides():
    def odd(y_true, y_pred):
        return y_pred

    model = compiled(loss="mse", metrics=[odd, "accuracy"])
    for cls in (callbacks.EarlyStopping, callbacks.ReduceLROnPlateau):
        with pytest.raises(ValueError, match=f"{cls.__name__} received monitor='odd'.*mode='max'"):
            model.fit(X, Y, verbose=0, callbacks=[cls("odd")])
    with pytest.raises(ValueError, match="Did you mean 'accuracy'"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping("acuracy")])
    model.fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping("odd", mode="max")])


def test_a_missing_monitor_warns():
    model = compiled(loss="mse")
    early = callbacks.EarlyStopping("val_loss")
    with pytest.warns(UserWarning, match="`val_loss` which is not available.*are: loss"):
        model.fit(X, Y, verbose=0, callbacks=[early])
    with pytest.warns(UserWarning, match="`val_loss` which is not available.*loss,learning_rate"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.ReduceLROnPlateau()])


def test_bad_arguments():
    for cls in (callbacks.EarlyStopping, callbacks.ReduceLROnPlateau):
        with pytest.raises(ValueError, match=r"'auto', 'min' or 'max'\. Received: 'down'"):
            cls(mode="down")
    with pytest.raises(ValueError, match=r"`epsilon` is deprecated.*`min_delta`"):
        callbacks.ReduceLROnPlateau(epsilon=0.1)
    with pytest.raises(TypeError, match="'delta'"):
        callbacks.ReduceLROnPlateau(delta=0.1)
    with pytest.raises(ValueError, match=r"factor >= 1\.0\. Received factor=1.5"):
        callbacks.ReduceLROnPlateau(factor=1.5)


def test_the_weights_of_the_best_epoch_are_restored():
    model = compiled(loss="mse")
    kernels = []

    class Break(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernels.append(self.model.get_weights()[0].copy())
            self.model.layers[0].kernel.assign(self.model.layers[0].kernel.value + 10)

    early = callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    history = model.fit(X, Y, epochs=9, verbose=0, callbacks=[early, Break()])
    assert history.epoch == [0, 1, 2]
    np.testing.assert_array_equal(model.get_weights()[0], kernels[0])
