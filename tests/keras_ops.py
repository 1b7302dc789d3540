"""Checks of functions of nnseq.ops, each with a case (name, arrays, other arguments): against
Keras' own, traced against eager, and gradients against numerical ones."""

import inspect

import numpy as np
import pytest

from nnseq import GradientTape, Variable, ops
from nnseq.engine.traced import Traced


def find(module, name):
    for part in name.split("."):
        module = getattr(module, part)
    return module


def results(module, name, arrays, options):
    """What the function gives, as a list of arrays."""
    result = find(module, name)(*arrays, **options)
    return [np.asarray(r) for r in (result if isinstance(result, list | tuple) else [result])]


def ids(cases):
    return [f"{i}_{case[0]}" for i, case in enumerate(cases)]


def check_values(name, arrays, options, tolerance=3e-5):
    import keras

    expected = results(keras.ops, name, arrays, options)
    found = results(ops, name, arrays, options)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype or theirs.dtype.itemsize < 4
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance / 3)


def check_signature(name):
    import keras

    ours = inspect.signature(find(ops, name)).parameters
    theirs = inspect.signature(find(keras.ops, name)).parameters
    assert list(ours) == [n for n in theirs if n != "kwargs"]
    theirs = {n: p for n, p in theirs.items() if n in ours}
    assert [p.default for p in ours.values()] == [p.default for p in theirs.values()]


def is_smooth(case):
    """Whether all arrays of a case are finite floats of a moderate size."""
    return all(
        isinstance(a, np.ndarray)
        and a.dtype == np.float32
        and np.isfinite(a).all()
        and 0 < np.abs(a).max() < 100
        for a in case[1]
    )


def check_traced(name, arrays, options):
    """The traced function gives what the eager one does."""
    expected = results(ops, name, arrays, options)
    found = Traced(lambda *xs: find(ops, name)(*xs, **options))(*arrays)
    found = found if isinstance(found, list | tuple) else [found]
    for ours, eager in zip(found, expected, strict=True):
        assert str(ours.dtype) == str(eager.dtype)
        np.testing.assert_allclose(ours, eager, rtol=1e-5, atol=1e-5)


def check_gradients(name, arrays, options, step=1e-2, tolerance=2e-2):
    """Along a random direction, of a random sum of all results, eager and traced."""
    rng = np.random.default_rng(5)
    expected = results(ops, name, arrays, options)
    weights = [rng.normal(size=e.shape).astype(np.float32) for e in expected]

    def weighted(*xs):
        result = find(ops, name)(*xs, **options)
        parts = result if isinstance(result, list | tuple) else [result]
        return sum(ops.sum(r * w) for r, w in zip(parts, weights, strict=True))

    traced = Traced(weighted)
    assert float(traced(*arrays)) == pytest.approx(float(weighted(*arrays)), rel=1e-5, abs=1e-5)
    variables = [Variable(a) for a in arrays]
    with GradientTape() as tape:
        total = weighted(*variables)
    gradients = tape.gradient(total, variables)
    direction = [rng.normal(size=a.shape) for a in arrays]

    def along(t):
        moved = [(a + t * d).astype(np.float32) for a, d in zip(arrays, direction, strict=True)]
        return float(weighted(*moved))

    numerical = (along(step) - along(-step)) / (2 * step)
    exact = sum(float(np.sum(np.asarray(g) * d)) for g, d in zip(gradients, direction, strict=True))
    assert exact == pytest.approx(numerical, rel=tolerance, abs=tolerance)
