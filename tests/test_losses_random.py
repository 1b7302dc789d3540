"""Losses on random shapes of rank 1 to 4, with random options, weights and masks, against Keras."""

import numpy as np
import pytest

from nnseq import losses, ops

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.keras

REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]
NUMBERS = [
    "CosineSimilarity", "Huber", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError",
]  # fmt: skip
POSITIVE = ["KLDivergence", "Poisson"]
CLASSES = ["CategoricalCrossentropy", "CategoricalHinge", "SparseCategoricalCrossentropy"]
BINARY = ["BinaryCrossentropy", "Hinge", "SquaredHinge"]


def options(rng, name):
    if name == "Huber":
        return {"delta": float(rng.uniform(0.1, 2))}
    if name == "SparseCategoricalCrossentropy":
        ignored = [None, -1, 0][rng.integers(3)]
        return {"from_logits": bool(rng.integers(2)), "ignore_class": ignored}
    if name.endswith("Crossentropy"):
        smoothing = float(rng.choice([0, 0.2, 1]))
        return {"from_logits": bool(rng.integers(2)), "label_smoothing": smoothing}
    return {}


def data(rng, name, from_logits):
    """(y_true, y_pred); the ends 0 and 1 are among the probabilities."""
    rank = int(rng.integers(2 if name in CLASSES else 1, 5))
    shape = (*rng.integers(2, 5, rank - 1), int(rng.integers(2, 5)))
    scores = rng.normal(size=shape).astype("float32")
    unit = rng.uniform(size=shape).astype("float32")
    unit[rng.random(shape) < 0.1] = 0
    unit[rng.random(shape) < 0.1] = 1
    if name in BINARY:
        y = rng.integers(0, 2, shape)
        return y, unit if name.startswith("Binary") and not from_logits else scores
    if name in CLASSES:
        y = rng.integers(0, shape[-1], shape[:-1])
        if not name.startswith("Sparse"):
            y = np.eye(shape[-1], dtype="float32")[y]
        elif rng.integers(2):
            y = y[..., None]
        return y, scores if from_logits or name.endswith("Hinge") else unit + np.float32(0.01)
    if name in POSITIVE:
        return unit, rng.uniform(size=shape).astype("float32")
    return rng.normal(size=shape).astype("float32"), scores


def value(loss, convert, y, p, weights, mask):
    p = convert(p)
    if mask is not None:
        p._keras_mask = convert(mask)
    return np.asarray(loss(y, p, weights))


def check(name, seed):
    rng = np.random.default_rng(seed)
    arguments = options(rng, name)
    y, p = data(rng, name, arguments.get("from_logits", False))
    unreduced = getattr(losses, name)(**arguments, reduction=None)
    shape = value(unreduced, ops.convert_to_tensor, y, p, None, None).shape
    weights = rng.uniform(0, 2, shape).astype("float32")
    mask = np.asarray(rng.random(shape) < 0.6)
    mask[(0,) * mask.ndim] = True
    # One weight for each value: fewer count per sample here, but are broadcast as in NumPy there.
    for w, m in ((None, None), (weights, None), (None, mask), (weights, mask)):
        if m is not None and m.ndim == 0:
            continue
        reduction = REDUCTIONS[rng.integers(len(REDUCTIONS))]
        ours = getattr(losses, name)(**arguments, reduction=reduction)
        theirs = getattr(keras.losses, name)(**arguments, reduction=reduction)
        got = value(ours, ops.convert_to_tensor, y, p, w, m)
        expected = value(theirs, keras.ops.convert_to_tensor, y, p, w, m)
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [*NUMBERS, *POSITIVE, *CLASSES, *BINARY])
def test_as_keras(name):
    for seed in (1, 2):
        check(name, seed)


@pytest.mark.long
@pytest.mark.parametrize("name", [*NUMBERS, *POSITIVE, *CLASSES, *BINARY])
def test_as_keras_with_more_data(name):
    for seed in range(3, 9):
        check(name, seed)
