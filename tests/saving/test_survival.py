"""A save that is killed leaves the old file or the new one, never anything else."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from nnseq.saving import load_model

SAVE_FOR_EVER = """
import itertools, sys
import numpy as np
import nnseq as keras
model = keras.Sequential([keras.Input((200,)), keras.layers.Dense(500)])
for number in itertools.count(1):
    model.set_weights([np.full((200, 500), number), np.full((500,), number)])
    model.save("m.keras")
    model.save_weights("m.weights.h5")
    if number == 1:
        print("first", flush=True)
"""


@pytest.mark.parametrize("count", [5, pytest.param(100, marks=pytest.mark.long)])
def test_a_killed_save_leaves_a_whole_file(count, tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(count):
        child = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER], cwd=tmp_path, stdout=subprocess.PIPE
        )
        assert child.stdout.readline() == b"first\n"
        time.sleep(rng.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        model = load_model(tmp_path / "m.keras")
        assert len({float(x) for w in model.get_weights() for x in w.ravel()}) == 1
        model.load_weights(tmp_path / "m.weights.h5")
        assert len({float(x) for w in model.get_weights() for x in w.ravel()}) == 1
