"""A training that is killed and started again ends as if it had not been, to the last bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnseq as keras
from nnseq import callbacks, layers
from nnseq.saving import ModelFileError

CHILD = Path(__file__).with_name("resume_child.py")
KINDS = ["arrays", "steps", "epoch", "schedule", "dataset", "generator", "eager"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trials", [1, pytest.param(50, marks=pytest.mark.long)])
def test_a_killed_training_goes_on(trials, kind, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, CHILD, tmp_path, kind, str(trials), "0"]
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(lines) == trials and any(line["killed"] for line in lines)
    for line in lines:
        assert line["resumed"] == line["whole"], line["killed"]
        assert line["whole"]["left"] == ["best.keras"]


# --- in one process -------------------------------------------------------------------------------
X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")


def model_of(units=3, compiled=True):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units), layers.Dropout(0.2)])
    if compiled:
        model.compile("sgd", "mse")
    return model


class Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch=1, batch=None):
        super().__init__()
        self.at = (epoch, batch)
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.at == (epoch, None):
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        if self.at == (self.epoch, batch):
            raise KeyboardInterrupt


def fit(model, *told, **options):
    options = {"epochs": 4, "batch_size": 5, "verbose": 0, **options}
    return model.fit(X, X[:, :3], callbacks=list(told), **options)


def interrupted(folder, *, model=None, at=(1, None), **options):
    model = model or model_of()
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks.BackupAndRestore(folder, **options), Interrupt(*at))
    return model


@pytest.mark.parametrize(("at", "save_freq"), [((2, None), "epoch"), ((2, 2), 1), ((1, 3), 2)])
def test_it_goes_on_in_the_same_process(at, save_freq, tmp_path):
    whole = model_of()
    fit(whole)
    model = interrupted(tmp_path / "b", at=at, save_freq=save_freq)
    history = fit(model, callbacks.BackupAndRestore(tmp_path / "b", save_freq))
    assert history.epoch == list(range(at[0], 4))
    for one, two in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert not (tmp_path / "b").exists()


def test_the_backup_stays_if_it_is_asked_for(tmp_path):
    model = model_of()
    fit(model, callbacks.BackupAndRestore(tmp_path / "b", delete_checkpoint=False))
    assert os.listdir(tmp_path / "b") == ["latest.h5"]
    before = model.get_weights()
    history = fit(model, callbacks.BackupAndRestore(tmp_path / "b", delete_checkpoint=False))
    assert history.history == {}  # all epochs were done
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    history = fit(model, callbacks.BackupAndRestore(tmp_path / "b"), epochs=6)
    assert history.epoch == [4, 5] and not (tmp_path / "b").exists()


def test_other_files_of_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    fit(model_of(), callbacks.BackupAndRestore(tmp_path))
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_a_damaged_backup_is_refused_and_the_one_before_it_taken(tmp_path):
    interrupted(tmp_path, at=(3, None))
    latest = tmp_path / "latest.h5"
    data = latest.read_bytes()
    latest.write_bytes(data[:-8])
    with pytest.raises(ModelFileError, match=r"latest\.h5: it is truncated"):
        fit(model_of(), callbacks.BackupAndRestore(tmp_path))
    latest.unlink()
    interrupted(tmp_path, at=(3, None), double_checkpoint=True)
    assert sorted(os.listdir(tmp_path)) == ["latest.h5", "previous.h5"]
    latest.write_bytes(data[:-8])
    history = fit(model_of(), callbacks.BackupAndRestore(tmp_path, double_checkpoint=True))
    assert history.epoch == [2, 3]


@pytest.mark.parametrize(
    ("model", "options", "told", "text"),
    [
        (lambda: model_of(2), {}, (), r"shape"),
        (model_of, {"batch_size": 4}, (), "the data have batch_size=4, before they had 5"),
        (model_of, {}, (callbacks.EarlyStopping("loss"),), "written with the callbacks"),
    ],
)
def test_what_does_not_fit_is_refused(model, options, told, text, tmp_path):
    interrupted(tmp_path)
    other = model()
    target = X[:, : other.output_shape[1]]
    options = {"epochs": 4, "batch_size": 5, "verbose": 0, **options}
    with pytest.raises(ModelFileError, match=text) as caught:
        other.fit(X, target, callbacks=[callbacks.BackupAndRestore(tmp_path), *told], **options)
    assert "latest.h5" in str(caught.value) and len(str(caught.value)) < 400


def test_arguments():
    with pytest.raises(ValueError, match="Empty `backup_dir` argument passed"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ValueError, match=r"Received: save_freq=x\. Expected either 'epoch'"):
        callbacks.BackupAndRestore("b", save_freq="x")
    model = keras.Sequential([layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="model must be built before you call `fit"):
        model.fit(iter([(X, X[:, :3])]), callbacks=[callbacks.BackupAndRestore("b")], verbose=0)
