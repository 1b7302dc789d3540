"""Kills saves: `python kill_child.py COUNT`, in an empty folder. Prints what was found after each.

Each save runs in a process forked from this one, which goes on with both files as they are left.
"""

import itertools
import os
import signal
import sys
import time

import numpy as np

import nnseq as keras
from nnseq.saving import load_model


def filled(number):
    model = keras.Sequential([keras.Input((200,)), keras.layers.Dense(500)])
    model.set_weights([np.full((200, 500), number), np.full((500,), number)])
    return model


def save_for_ever(pipe):
    for number in itertools.count(1):
        model = filled(number)
        model.save("m.keras")
        model.save_weights("m.weights.h5")
        if number == 1:
            os.write(pipe, b".")


def killed_save(seconds):
    """Saves in another process, which is killed so long after its first save."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        save_for_ever(writing)
    assert os.read(reading, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


def value_of(model):
    [value] = {float(x) for w in model.get_weights() for x in (w.min(), w.max())}
    return value


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for _ in range(int(sys.argv[1])):
        killed_save(rng.uniform(0, 0.05))
        model = load_model("m.keras")
        whole = value_of(model)
        model.load_weights("m.weights.h5")
        print(whole, value_of(model), len(os.listdir()), flush=True)
    model.save("m.keras")
    model.save_weights("m.weights.h5")
