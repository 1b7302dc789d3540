"""LearningRateScheduler, ReduceLROnPlateau, CSVLogger and ModelCheckpoint in fit, beside Keras."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import nnseq
from nnseq import callbacks, layers, ops, optimizers

keras = pytest.importorskip("keras")

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def build(library, rate=0.05, **arguments):
    L = library.layers
    model = library.Sequential(
        [library.Input((3,)), L.Dense(1, kernel_initializer="zeros", name="head")]
    )
    optimizer = library.optimizers.SGD(rate)
    model.compile(optimizer, "mse", metrics=["mae"], **arguments)
    return model


def histories(callback_of, **arguments):
    """The histories of the same fit in both libraries, with `callback_of(library)`."""
    arguments = {"epochs": 4, "verbose": 0, "shuffle": False, **arguments}
    found = []
    for library in (nnseq, keras):
        model = build(library)
        found.append(model.fit(X, Y, callbacks=callback_of(library), **arguments).history)
    return found


def same(ours, theirs):
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=2e-5, atol=2e-6, err_msg=name)


# --- learning rate ------------------------------------------------------------------------------
@pytest.mark.keras
@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch, lr: lr * 0.5,
        lambda epoch: 0.1 / (epoch + 1),
        lambda epoch, lr: np.float32(0.25),
        lambda epoch, lr: np.float64(lr),
    ],
    ids=["two", "one", "float32", "float64"],
)
def test_learning_rate_scheduler(schedule, capsys):
    ours, theirs = histories(
        lambda lib: [lib.callbacks.LearningRateScheduler(schedule, verbose=1)],
        validation_data=(X, Y),
    )
    same(ours, theirs)
    assert list(ours)[-1] == "learning_rate"
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


def test_a_schedule_may_return_an_int_or_a_tensor():
    model = build(nnseq)
    for value in (1, ops.exp(0.0), np.ones(())):
        model.optimizer.learning_rate = 0.5
        scheduler = callbacks.LearningRateScheduler(lambda epoch, lr: value)  # noqa: B023
        model.fit(X, Y, verbose=0, callbacks=scheduler)
        assert float(model.optimizer.learning_rate) == 1.0


@pytest.mark.parametrize("value", [None, "0.1", True, [0.1], np.ones(1), 1j, np.nan, np.inf])
def test_wrong_results_of_a_schedule_are_refused(value):
    model = build(nnseq)
    scheduler = callbacks.LearningRateScheduler(lambda epoch, lr: value if epoch == 1 else lr)
    with pytest.raises(ValueError, match=r"finite number\. Got for epoch 1"):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[scheduler])
    assert model.optimizer.learning_rate == np.float32(0.05)
    model.fit(X, Y, verbose=0)


def test_an_error_in_a_schedule_is_the_users_own():
    def schedule(epoch, lr):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        build(nnseq).fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(schedule)])
    with pytest.raises(TypeError, match="`schedule` must be a function"):
        callbacks.LearningRateScheduler(0.1)


@pytest.mark.parametrize(
    "callback",
    [callbacks.LearningRateScheduler(lambda epoch, lr: lr), callbacks.ReduceLROnPlateau()],
)
def test_a_schedule_of_the_optimizer_is_named(callback):
    rate = optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = build(nnseq, rate)
    with pytest.raises(ValueError, match=r"SGD, which follows a LearningRateSchedule; compile"):
        model.fit(X, Y, verbose=0, callbacks=[callback])
    assert int(model.optimizer.iterations) == 0
    with pytest.raises(TypeError, match="not settable"):
        model.optimizer.learning_rate = 0.1
    model.fit(X, Y, verbose=0)


@pytest.mark.keras
def test_reduce_lr_on_plateau_in_fit():
    ours, theirs = histories(
        lambda lib: [lib.callbacks.ReduceLROnPlateau("mae", 0.5, patience=1, min_delta=9)]
    )
    same(ours, theirs)
    np.testing.assert_allclose(ours["learning_rate"], [0.05, 0.05, 0.025, 0.0125])


# --- CSV ----------------------------------------------------------------------------------------
def cells(path, separator=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=separator))


@pytest.mark.keras
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"validation_data": (X, Y)},
        {"validation_data": (X, Y), "validation_freq": 2},
        {"validation_data": (X, Y), "validation_freq": [1, 4]},
    ],
    ids=["train", "validation", "freq2", "freq_list"],
)
def test_csv_logger(tmp_path, arguments):
    histories(
        lambda lib: [lib.callbacks.CSVLogger(tmp_path / lib.__name__, separator=";")], **arguments
    )
    ours, theirs = cells(tmp_path / "nnseq", ";"), cells(tmp_path / "keras", ";")
    assert ours[0] == theirs[0] == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert len(ours) == len(theirs) == 5
    for mine, other in zip(ours[1:], theirs[1:], strict=True):
        assert [c == "NA" for c in mine] == [c == "NA" for c in other]
        for a, b in zip(mine, other, strict=True):
            assert a == b == "NA" or float(a) == pytest.approx(float(b), rel=1e-4, abs=1e-6)


def test_csv_logger_appends_and_is_complete_after_every_epoch(tmp_path):
    path = tmp_path / "log.csv"
    rows = []
    look = callbacks.LambdaCallback(on_epoch_end=lambda *_: rows.append(len(cells(path))))
    logger = callbacks.CSVLogger(path, append=True)
    model = build(nnseq)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[logger, look])
    model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0, callbacks=[logger, look])
    assert rows == [2, 3, 4]
    assert [row[0] for row in cells(path)] == ["epoch", "0", "1", "2"]
    model.fit(X, Y, verbose=0, callbacks=callbacks.CSVLogger(path))
    assert [row[0] for row in cells(path)] == ["epoch", "0"]


def test_csv_logger_writes_arrays_and_what_other_callbacks_add(tmp_path):
    class Adds(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["shape"] = np.array([1, 2])
            logs["note"] = "a,b"

    callback = [Adds(), callbacks.CSVLogger(tmp_path / "log")]
    history = build(nnseq).fit(X, Y, verbose=0, callbacks=callback).history
    header, row = cells(tmp_path / "log")
    assert dict(zip(header, row, strict=True))["shape"] == '"[1, 2]"'
    assert dict(zip(header, row, strict=True))["note"] == "a,b"
    assert history["note"] == ["a,b"]


# --- checkpoints --------------------------------------------------------------------------------
class Saving(nnseq.Sequential):
    """Writes its iterations instead of a model: what ModelCheckpoint asks for is seen."""

    def save(self, filepath, overwrite=True):
        Path(filepath).write_text(str(int(self.optimizer.iterations)))

    save_weights = save


def saving():
    model = Saving([nnseq.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_checkpoints_are_named_by_epoch_and_logs(tmp_path):
    path = tmp_path / "deep" / "{epoch:02d}-{val_loss:.2f}.keras"
    history = (
        saving()
        .fit(
            X,
            Y,
            epochs=3,
            verbose=0,
            validation_data=(X, Y),
            callbacks=[callbacks.ModelCheckpoint(path)],
        )
        .history
    )
    expected = {f"{e:02d}-{value:.2f}.keras" for e, value in enumerate(history["val_loss"], 1)}
    assert set(os.listdir(tmp_path / "deep")) == expected


def test_checkpoints_between_batches_hold_that_step(tmp_path):
    path = str(tmp_path / "{epoch}-{batch}.weights.h5")
    checkpoint = callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=3)
    saving().fit(X, Y, batch_size=5, epochs=2, verbose=0, callbacks=[checkpoint])
    found = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert found == {"1-3.weights.h5": "3", "2-2.weights.h5": "6"}


def test_checkpoints_at_epochs_do_not_cut_the_steps(tmp_path):
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "m.keras")
    assert not callbacks.CallbackList(checkpoint).wants_batches("train")
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "m.keras", save_freq=4)
    assert callbacks.CallbackList(checkpoint).wants_batches("train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filepath": "m.h5"}, "must end in `.keras`"),
        ({"filepath": "m.weights.h5"}, "goes with save_weights_only=True"),
        ({"filepath": "m.keras", "save_weights_only": True}, "must end in `.weights.h5`"),
        ({"filepath": "{epoch.keras"}, "is no format"),
        ({"filepath": "{}.keras"}, "need names"),
        ({"filepath": "m.keras", "save_freq": "batch"}, "'epoch' or a number of batches"),
        ({"filepath": "m.keras", "save_freq": 0}, "'epoch' or a number of batches"),
        ({"filepath": "m.keras", "mode": "down"}, "'auto', 'min' or 'max'"),
    ],
)
def test_bad_checkpoints_are_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        callbacks.ModelCheckpoint(**arguments)


def test_a_name_that_is_not_in_the_logs(tmp_path):
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "{val_acc:.2f}.keras")
    model = saving()
    with pytest.raises(KeyError, match=r"names 'val_acc'.*Known are: epoch, loss"):
        model.fit(X, Y, verbose=0, callbacks=[checkpoint])
    with pytest.raises(OSError, match="a directory is at"):
        model.fit(X, Y, verbose=0, callbacks=[_directory_checkpoint(tmp_path)])
    model.fit(X, Y, verbose=0)


def _directory_checkpoint(tmp_path):
    (tmp_path / "d.keras").mkdir()
    return callbacks.ModelCheckpoint(tmp_path / "d.keras")


@pytest.mark.keras
def test_checkpoints_are_files_that_load_here_and_in_keras(tmp_path):
    model = build(nnseq)
    whole = callbacks.ModelCheckpoint(tmp_path / "m.keras", "mae", save_best_only=True)
    weights = callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[whole, weights])
    expected = model.get_weights()
    for library in (nnseq, keras):
        again = library.models.load_model(tmp_path / "m.keras")
        np.testing.assert_array_equal(again.get_weights()[0], expected[0])
        assert int(again.optimizer.iterations) == 2
        other = build(library)
        other.load_weights(tmp_path / "2.weights.h5")
        np.testing.assert_array_equal(other.get_weights()[0], expected[0])
        again.fit(X, Y, verbose=0)


def test_the_best_model_is_what_stays_in_the_file(tmp_path):
    path = tmp_path / "best.keras"
    rates = [0.05, 0.05, 3.0]
    told = [
        callbacks.LearningRateScheduler(lambda epoch: rates[epoch]),
        callbacks.ModelCheckpoint(path, "val_loss", save_best_only=True),
    ]
    model = build(nnseq)
    losses = model.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=told).history[
        "val_loss"
    ]
    assert min(losses) == losses[1] < losses[2]
    found = nnseq.models.load_model(path).evaluate(X, Y, verbose=0)[0]
    assert found == pytest.approx(losses[1], rel=1e-6)
