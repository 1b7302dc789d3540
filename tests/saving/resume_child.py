"""Trainings that are killed and go on: `python resume_child.py FOLDER KIND TRIALS SEED`.

Each training runs in a process of its own, forked from this one, which has made no model. Prints a
line of JSON for each trial: where it was killed, and what the training came to, uninterrupted and
resumed.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

import nnseq as keras
from nnseq import callbacks, layers

ROWS, BATCH, EPOCHS = 42, 8, 5  # 6 batches, the last one smaller
X = np.random.default_rng(0).normal(size=(ROWS, 4)).astype("float32")
Y = np.tanh(X @ np.arange(8.0).reshape(4, 2)).astype("float32")


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        return X[rows], Y[rows]


def generated():
    rng = np.random.default_rng(1)
    while True:
        rows = rng.integers(0, ROWS, BATCH)
        yield X[rows], Y[rows]


class Kill(keras.callbacks.Callback):
    """Ends the process at the n-th batch, before the backup of it is written."""

    def __init__(self, at):
        super().__init__()
        self.left = at

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Count(keras.callbacks.Callback):
    """A callback of a user, whose state is kept."""

    kept = ("seen",)

    def __init__(self):
        super().__init__()
        self.seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1


def train(folder, kind, seed, kill_at=None):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, "relu"), layers.Dropout(0.3),
         layers.BatchNormalization(), layers.Dense(2)]
    )  # fmt: skip
    rate = 0.02
    if kind == "schedule":
        rate = keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.9)
    model.compile(
        keras.optimizers.Adam(rate, use_ema=kind == "schedule"), "mse", metrics=["mae"],
        run_eagerly=kind == "eager",
    )  # fmt: skip
    stop = callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    best = callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True)
    count = Count()
    told = [callbacks.BackupAndRestore(folder / "backup", 4 if kind != "epoch" else "epoch"),
            count, stop, best]  # fmt: skip
    if kind != "schedule":
        told.append(callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05))
    if kind == "arrays":
        told.append(callbacks.LearningRateScheduler(lambda epoch, now: now * 0.95))
    if kill_at is not None:
        told.append(Kill(kill_at))
    data = {"dataset": Batches(), "generator": generated()}
    options = {"steps_per_epoch": 7} if kind in ("generator", "steps") else {}
    if kind in data:
        given = (data[kind],)
    else:
        given, options = (X, Y), {**options, "batch_size": BATCH}
    history = model.fit(
        *given, epochs=EPOCHS, callbacks=told, verbose=0, validation_data=(X[::3], Y[::3]),
        **options,
    )  # fmt: skip
    found = hashlib.sha256()
    for variable in [*model.variables, *model.optimizer.variables]:
        found.update(variable.numpy().tobytes())
    return {
        "weights": found.hexdigest(),
        "last": {name: values[-1] for name, values in history.history.items()},
        "stop": [stop.wait, stop.best, stop.best_epoch, stop.stopped_epoch],
        "best": best.best,
        "seen": count.seen,
        "left": sorted(os.listdir(folder)),
    }


def in_a_process(*arguments):
    """What `train` returns in a process of its own; None if it is killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            with os.fdopen(writing, "w") as file:
                json.dump(train(*arguments), file)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None
    assert status == 0, f"{arguments} failed"
    return json.loads(text)


if __name__ == "__main__":
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    trials, rng = int(sys.argv[3]), np.random.default_rng(int(sys.argv[4]))
    for trial in range(trials):
        places = [folder / f"{trial}a", folder / f"{trial}b"]
        for place in places:
            place.mkdir()
        whole = in_a_process(places[0], kind, 100 + trial)
        kills = sorted({int(n) for n in rng.integers(1, whole["seen"], 1 + trial % 2)})
        killed = []
        for kill in [*kills, None]:
            # From another seed: all that is random comes from the backup, if one was written.
            has_backup = (places[1] / "backup" / "latest.h5").exists()
            resumed = in_a_process(places[1], kind, 7 if has_backup else 100 + trial, kill)
            if resumed is not None:
                break
            killed.append(kill)
        print(json.dumps({"killed": killed, "whole": whole, "resumed": resumed}), flush=True)
