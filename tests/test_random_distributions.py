"""gamma, beta, binomial, categorical, shuffle: distributions, seeds, traces."""

import numpy as np
import pytest

from nnseq import ops, random
from nnseq.engine.traced import Traced

stats = pytest.importorskip("scipy.stats")
COUNT = 4000


def fits(sample, cdf):
    """Kolmogorov and Smirnov; the seeds are fixed, so that this holds for ever."""
    assert np.isfinite(sample).all()
    assert stats.kstest(sample.astype("float64"), cdf).pvalue > 1e-3


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 1.3, 7.0, 300.0])
def test_gamma(alpha):
    fits(random.gamma((COUNT,), alpha, seed=3).numpy(), stats.gamma(alpha).cdf)


@pytest.mark.parametrize(("a", "b"), [(0.01, 0.02), (0.5, 0.5), (1.0, 3.0), (40.0, 2.0)])
def test_beta(a, b):
    sample = random.beta((COUNT,), a, b, seed=5).numpy()
    assert np.isfinite(sample).all() and sample.min() >= 0 and sample.max() <= 1
    if a < 0.1:  # nearly all are 0 or 1 in float32
        assert abs(sample.mean() - a / (a + b)) < 0.03
    else:
        fits(sample, stats.beta(a, b).cdf)


def test_parameters_broadcast():
    sample = random.gamma((COUNT, 2), np.float32([0.5, 8.0]), seed=1).numpy()
    for k, alpha in enumerate((0.5, 8.0)):
        fits(sample[:, k], stats.gamma(alpha).cdf)
    assert abs(np.corrcoef(sample.T)[0, 1]) < 0.05
    sample = random.beta((COUNT, 2), np.float32([0.5, 2.0]), 3.0, seed=1).numpy()
    for k, alpha in enumerate((0.5, 2.0)):
        fits(sample[:, k], stats.beta(alpha, 3.0).cdf)


def chi_square(sample, expected):
    """Counts of sample values against probabilities of 0, 1, 2, ...; rare ones are joined."""
    found = np.bincount(sample.astype(int), minlength=len(expected))
    assert len(found) == len(expected)
    expected = expected * len(sample)
    often = expected >= 5
    pairs = [found[often], expected[often]]
    if (rest := expected[~often].sum()) > 1:
        pairs = [np.append(pairs[0], found[~often].sum()), np.append(pairs[1], rest)]
    assert stats.chisquare(pairs[0], pairs[1] * pairs[0].sum() / pairs[1].sum()).pvalue > 1e-3


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (16, 0.5), (17, 0.1), (100, 0.35), (5000, 0.004)])
def test_binomial(n, p):
    sample = random.binomial((COUNT,), n, p, seed=2).numpy()
    top = int(max(sample.max(), 30)) + 1
    chi_square(sample, stats.binom(n, p).pmf(np.arange(top)))


def test_binomial_of_many_counts():
    counts = np.array([0, 3, 40, 1000])
    sample = random.binomial((COUNT, 4), counts, [0.5, 1.0, 0.0, 0.25], seed=4).numpy()
    assert not sample[:, 0].any() and not sample[:, 2].any() and (sample[:, 1] == 3).all()
    assert abs(sample[:, 3].mean() - 250) < 1 and abs(sample[:, 3].std() - 187.5**0.5) < 0.7


def test_categorical():
    weights = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]])
    with np.errstate(divide="ignore"):
        logits = np.log(weights).astype("float32") + 5
    sample = random.categorical(logits, COUNT, seed=8)
    assert sample.dtype == "int32" and sample.shape == (2, COUNT)
    for row, p in zip(sample.numpy(), weights, strict=True):
        chi_square(row, p[: row.max() + 1])
    assert random.categorical(logits, 2, dtype="int64").dtype == "int64"


def test_shuffle():
    x = np.arange(24).reshape(4, 6)
    for axis in (0, 1, -2):
        y = random.shuffle(x, axis, seed=1).numpy()
        parts, expected = (np.moveaxis(v, axis, 0).tolist() for v in (y, x))
        assert sorted(parts) == sorted(expected) and parts != expected
    orders = {tuple(random.shuffle([0, 1, 2], seed=seed).tolist()) for seed in range(60)}
    assert len(orders) == 6
    first = [random.shuffle(np.arange(5), seed=seed).tolist()[0] for seed in range(500)]
    assert stats.chisquare(np.bincount(first, minlength=5)).pvalue > 1e-3


DRAWS = {
    "gamma": lambda n, seed: random.gamma((n, 3), [0.3, 1.0, 9.0], seed=seed),
    "beta": lambda n, seed: random.beta((n, 2), 0.4, [1.0, 5.0], seed=seed),
    "binomial": lambda n, seed: random.binomial((n,), 50, 0.3, dtype="int32", seed=seed),
    "categorical": lambda n, seed: random.categorical(ops.ones((n, 4)), 3, seed=seed),
    "shuffle": lambda n, seed: random.shuffle(ops.arange(n), seed=seed),
}


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_seeds_and_traces(name):
    """An int gives the same numbers, also in a trace of an unknown size; generators move on."""
    draw = DRAWS[name]
    once = draw(7, 11).numpy()
    assert np.array_equal(once, draw(7, 11).numpy())
    assert not np.array_equal(once, draw(7, 12).numpy())
    traced = Traced(lambda x: draw(ops.shape(x)[0], 11))
    for n in (7, 5):
        got, expected = traced(np.zeros((n, 1), "float32")).numpy(), draw(n, 11).numpy()
        if once.dtype.kind == "f":
            np.testing.assert_allclose(got, expected, rtol=1e-5)
        else:
            assert np.array_equal(got, expected)
    generator = random.SeedGenerator(3)
    moved = [draw(7, generator).numpy() for _ in range(2)]
    assert not np.array_equal(*moved)
    step = Traced(lambda x: draw(ops.shape(x)[0], generator))
    moved = [step(np.zeros((7, 1), "float32")).numpy() for _ in range(2)]
    assert not np.array_equal(*moved)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.categorical([0.0, 1.0], 2), r"2-D tensor.*of shape \(2,\)"),
        (lambda: random.binomial((2,), 2**25, 0.5), "at most 2\\*\\*24; got 33554432"),
        (lambda: random.shuffle([1, 2], axis=1), "axis 1 is out of bounds"),
        (lambda: random.gamma((2,), 1.0, seed="a"), "`seed` must be an int"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
