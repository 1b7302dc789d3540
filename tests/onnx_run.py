"""What the ONNX tests share: a model is exported, run by onnxruntime and compared with itself.

onnx and onnxruntime are imported by the tests that run, not by what collects them.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

for needed in ("onnx", "onnxruntime"):
    if find_spec(needed) is None:
        pytest.skip(f"needs {needed}", allow_module_level=True)

TOLERANCE = 1e-5


def load(path):
    """The ModelProto of a file."""
    import onnx

    return onnx.load(path)


def session(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(path, arrays):
    """The outputs for arrays in the order of the inputs."""
    ready = session(path)
    names = [x.name for x in ready.get_inputs()]
    return ready.run(None, dict(zip(names, arrays, strict=True)))


def assert_close(got, want, tolerance=TOLERANCE):
    """Equal as far as the largest element allows; shapes and dtypes too."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    finite = np.abs(want[np.isfinite(want)])
    scale = max(0.1, finite.max()) if finite.size else 1.0  # less is left by sums that cancel
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale)


def with_weights(model, seed=0):
    """Random weights: zeros and ones would hide what is in the wrong place."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        value = rng.uniform(-0.7, 0.7, variable.shape)
        if "variance" in variable.name or variable.name == "gamma":
            value = np.abs(value) + 0.5
        if variable.dtype == "float32":
            variable.assign(value.astype("float32"))
    return model


def check(model, arrays, folder, batches=(1, 3), tolerance=TOLERANCE, **export):
    """Exports a model and compares it for some sizes of the batch; returns the ModelProto."""
    path = Path(folder) / "m.onnx"
    model.export(path, format="onnx", **export)
    ready = session(path)
    names = [x.name for x in ready.get_inputs()]
    for size in batches:
        rows = [x[:size] for x in arrays]
        want = model.predict(rows if len(rows) > 1 else rows[0], verbose=0)
        want = list(want.values()) if isinstance(want, dict) else want
        want = list(want) if isinstance(want, list | tuple) else [want]
        got = ready.run(None, dict(zip(names, rows, strict=True)))
        for mine, yours in zip(got, want, strict=True):
            assert_close(mine, yours, tolerance)
    return load(path)
