"""Models saved by Keras, converted by the command line, predict in C++ as they do in Keras."""

import re
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from keras_zoo import ZOO

from nnseq import _core
from nnseq.command_line import main

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.keras

PROGRAM = Path(__file__).parents[1] / "build" / "tests" / "cpp" / "predict_file"
QUICK = {"convolutional", "masked_lstm", "transformer", "several_inputs_and_outputs", "operations"}


def predicted_in_cpp(path, inputs, folder):
    """The outputs of the predict step of a file, run by a program that has no Python in it."""
    predict = dict(_core.ModelFile.load(str(path)).functions)["predict"]
    dtypes = [dtype for _, dtype, _ in predict.inputs]
    inputs = [np.asarray(x, dtype) for x, dtype in zip(inputs, dtypes, strict=True)]
    command = [str(PROGRAM), str(path)]
    for i, x in enumerate(inputs):
        x.tofile(folder / f"{i}.raw")
        command += [str(folder / f"{i}.raw"), ",".join(map(str, x.shape))]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found, start = [], 0
    for core in predict(*inputs):
        like = core.numpy()
        found.append(np.frombuffer(done.stdout, like.dtype, like.size, start).reshape(like.shape))
        start += like.nbytes
        np.testing.assert_array_equal(found[-1], like)  # and Python runs it to the same bits
    assert start == len(done.stdout)
    return found


def test_there_are_twenty_models():
    assert len(ZOO) == 20 and set(ZOO) >= QUICK


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in ZOO]
)
def test_predicts_in_cpp_as_in_keras(name, tmp_path, capsys):
    assert PROGRAM.exists(), "`make build-tests` builds it"
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(7)
    model, inputs = ZOO[name](keras, rng)
    # Statistics and biases that matter.
    weights = [w + rng.uniform(0, 0.2, w.shape).astype(w.dtype) for w in model.get_weights()]
    model.set_weights(weights)
    expected = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    expected = expected if isinstance(expected, list) else [expected]
    if model.compiled:
        model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "m.keras")
    assert main(["convert", str(tmp_path / "m.keras"), str(tmp_path / "m.nnseq")]) == 0
    assert capsys.readouterr().err == ""
    found = predicted_in_cpp(tmp_path / "m.nnseq", inputs, tmp_path)
    for mine, theirs in zip(found, map(np.asarray, expected), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    functions = [name for name, _ in _core.ModelFile.load(str(tmp_path / "m.nnseq")).functions]
    assert functions == (["predict", "train", "evaluate"] if model.compiled else ["predict"])


# --- what nnseq does not have -------------------------------------------------------------------
def own_layer(k):
    class Twice(k.layers.Layer):
        def call(self, x):
            return 2 * x

    return k.Sequential([k.Input((4,)), Twice(name="mine"), k.layers.Dense(2)])


def code(k):
    return k.Sequential([k.Input((4,)), k.layers.Lambda(lambda x: x + 1, name="secret")])


def bits(k):
    x = k.Input((8,), dtype="int32")
    return k.Model(x, k.ops.bitwise_and(x, x))


def own_loss(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(2)])

    def mine(y, p):
        return k.ops.mean((y - p) ** 2)

    model.compile("sgd", mine)
    return model


REFUSED = {
    own_layer: "Twice",
    code: "Lambda|lambda",
    bits: "bitwise_and",
    own_loss: "mine",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_cannot_be_converted_is_refused_by_name(make, tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make(keras).save(tmp_path / "m.keras")
    assert main(["convert", str(tmp_path / "m.keras"), str(tmp_path / "m.nnseq")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and not (tmp_path / "m.nnseq").exists()
    assert re.search(REFUSED[make], error)
