"""P10: an MLP with everything AdamW has; the graph file goes on in C++ with the same bits."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, keras

import nnseq
from nnseq import _core

RNG = np.random.default_rng(10)
BATCH, STEPS = 16, 20
ROWS = BATCH * STEPS - 5  # the last batch is a partial one
X = RNG.normal(size=(ROWS, 7)).astype("float32")
CLASSES = RNG.integers(0, 3, ROWS)
PROGRAM = Path(__file__).parents[2] / "build" / "tests" / "cpp" / "train_from_file"


def mlp(lib, dropout):
    layers = lib.layers
    model = lib.Sequential(
        [
            lib.Input((7,)),
            layers.Dense(24, activation="relu", name="first"),
            layers.Dropout(dropout),
            layers.Dense(16, activation="tanh", name="middle"),
            layers.Dropout(dropout),
            layers.Dense(3, activation="softmax", name="last"),
        ]
    )
    model.get_layer("middle").trainable = False
    schedule = lib.optimizers.schedules.ExponentialDecay(0.02, decay_steps=7, decay_rate=0.7)
    optimizer = lib.optimizers.AdamW(schedule, weight_decay=0.05, clipnorm=0.3)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_trains_as_in_keras():
    ours, theirs = mlp(nnseq, 0.0), mlp(keras, 0.0)
    copy_weights(ours, theirs)
    frozen = ours.get_layer("middle").get_weights()
    fit = {"batch_size": BATCH, "epochs": 2, "shuffle": False, "verbose": 0}
    got = ours.fit(X, CLASSES, **fit)
    assert_same_losses(got.history, theirs.fit(X, CLASSES, **fit).history)
    assert_same_weights(ours, theirs)
    assert all(map(np.array_equal, frozen, ours.get_layer("middle").get_weights()))


def read_variables(path):
    """The Variables of a model file, name -> array, by its layout alone (safetensors)."""
    data = Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    model = json.loads(header.pop("__metadata__")["model"])
    dtypes = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4"}
    found = {}
    for name in [v["name"] for v in model["variables"]]:
        entry = header[name]
        begin, end = (8 + size + at for at in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], dtypes[entry["dtype"]])
        found[name] = values.reshape(entry["shape"])
    return found


def train_in_cpp(folder, seed, threads):
    assert PROGRAM.exists(), f"{PROGRAM} is missing; `make build-tests` builds it"
    data = [folder / "x.raw", folder / "y.raw"]
    X.tofile(data[0])
    CLASSES.tofile(data[1])
    model, out = folder / "model.nnseq", folder / "out.nnseq"
    command = [PROGRAM, model, out, str(STEPS), str(BATCH), str(seed), *data]
    environment = {**os.environ, "NNSEQ_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return read_variables(out)


def assert_same_bits(found, compiled_variables):
    expected = {v.name: v.numpy() for v in compiled_variables}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype and found[name].shape == values.shape, name
        assert found[name].tobytes() == values.tobytes(), name


@pytest.fixture
def saved(tmp_path):
    """(a compiled model, its train step) whose graph and state are in model.nnseq."""
    nnseq.utils.set_random_seed(11)
    model = mlp(nnseq, 0.4)
    model.fit(X[:BATCH], CLASSES[:BATCH], verbose=0)  # one step behind it
    model.reset_metrics()
    step = model._compiled_step("train", (X[:BATCH], CLASSES[:BATCH])).function
    save(tmp_path / "model.nnseq", step)
    return model, step


def save(path, step):
    file = _core.ModelFile("p10")
    file.add_function("train", step, ["x", "y"], [name for name, _, _ in step.outputs])
    file.save(str(path))


def variables_of(model):
    return [
        v.handle
        for v in [
            *model.variables,
            *model.optimizer.variables,
            *(v for metric in model.metrics for v in metric.variables),
        ]
    ]


@pytest.mark.parametrize("threads", [1, 3])
def test_twenty_steps_in_cpp_are_those_of_fit(saved, tmp_path, threads):
    model, _ = saved
    start = read_variables(tmp_path / "model.nnseq")
    found = train_in_cpp(tmp_path, -1, threads)
    model.fit(X, CLASSES, batch_size=BATCH, shuffle=False, verbose=0)
    by_name = {v.name: v for v in variables_of(model)}
    assert_same_bits(found, [by_name[name] for name in found])
    changed = {name for name in found if not np.array_equal(found[name], start[name])}
    assert not [name for name in changed if name.startswith("middle")]
    assert len(found) - len(changed) < 5


def test_shuffled_steps(saved, tmp_path):
    _, step = saved
    found = train_in_cpp(tmp_path, 77, 2)
    in_order = train_in_cpp(tmp_path, -1, 2)
    step.run_steps([X, CLASSES], BATCH, 0, STEPS, (77, 0))
    path = tmp_path / "python.nnseq"
    save(path, step)
    expected = read_variables(path)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].tobytes() == values.tobytes(), name
    assert any(found[name].tobytes() != in_order[name].tobytes() for name in found)


def test_a_damaged_file_is_refused(saved, tmp_path):
    path = tmp_path / "model.nnseq"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AssertionError, match="truncated"):
        train_in_cpp(tmp_path, -1, 1)
