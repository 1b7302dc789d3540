"""Random numbers: counter-based, the same for a seed on every machine and number of threads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnseq import ops
from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.operation import operation
from nnseq.engine.random_state import SeedGenerator, draw
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, axis_of, sizes_of

__all__ = [
    "SeedGenerator",
    "bernoulli",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def _sample(dist: str, shape: Any, a: float, b: float, dtype: Any, seed: Any) -> Tensor:
    state, stream = draw(seed)
    attrs = {"dist": dist, "sizes": sizes_of(shape), "a": float(a), "b": float(b)}
    return as_type(apply("random", [state], {**attrs, "stream": stream}), standardize_dtype(dtype))


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers uniform in [minval, maxval).

    Args:
        shape: ints, or host integers in a trace.
        minval, maxval: the range.
        dtype: float32 by default; for an integer type the numbers are cut to integers.
        seed: an int for the same numbers every time, a SeedGenerator, or None.

    >>> bool((uniform((100,), 1, 2, seed=3) >= 1).numpy().all())
    True
    """
    name = standardize_dtype(dtype)
    if name in ("int32", "int64", "uint8"):
        return randint(shape, int(minval), int(maxval), name, seed)
    return _sample("uniform", shape, minval, maxval, name, seed)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal numbers of this mean and standard deviation."""
    return _sample("normal", shape, mean, stddev, dtype, seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal numbers within two standard deviations of the mean."""
    return _sample("truncated_normal", shape, mean, stddev, dtype, seed)


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Integers in [minval, maxval), at most 2**24 apart.

    >>> sorted(set(randint((200,), 0, 3, seed=1).tolist()))
    [0, 1, 2]
    """
    span = int(maxval) - int(minval)
    if not 0 < span <= 2**24:
        raise ValueError(f"randint: maxval - minval must be in [1, 2**24]; got {span}")
    u = _sample("uniform", shape, 0.0, span, None, seed)
    low = apply("unary", [u], {"fn": "floor"})
    low = apply("binary", [low, to_tensor(float(span - 1))], {"fn": "minimum"})
    return as_type(low, standardize_dtype(dtype)) + int(minval)


def bernoulli(shape: Any, p: float = 0.5, dtype: Any = None, seed: Any = None) -> Tensor:
    """1 with probability p, else 0."""
    return as_type(uniform(shape, seed=seed) < p, standardize_dtype(dtype))


@operation
def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Elements set to 0 with probability `rate`, the others divided by 1 - rate.

    Args:
        inputs: a float Tensor.
        rate: in [0, 1].
        noise_shape: the shape in which elements are kept or dropped together, for example
            (batch, 1, features); None in it is the size of that axis of `inputs`.
        seed: an int, a SeedGenerator or None.
    """
    if not 0 <= rate <= 1 or math.isnan(rate):
        raise ValueError(f"`rate` must be between 0 and 1; got {rate}")
    x = as_float(inputs)
    if rate == 0:
        return x
    if rate == 1:
        return x * 0.0
    state, stream = draw(seed)
    if noise_shape is None:
        return apply("dropout", [x, state], {"rate": float(rate), "stream": stream})

    sizes = [d if n is None else n for n, d in zip(noise_shape, dims_of(x), strict=True)]
    attrs = {"dist": "uniform", "sizes": sizes_of(sizes), "a": 0.0, "b": 1.0, "stream": stream}
    kept = apply("random", [state], attrs) >= rate
    return x * as_type(kept, x.dtype) * (1.0 / (1.0 - rate))


# --- by several numbers each ---------------------------------------------------------------------
# Calls with an int as seed draw the same bits, so all that a number is made of is drawn at once.
_TRIES = 8  # of gamma; each fails with a probability below 0.05
_PER_GAMMA = 3 * _TRIES + 1
_DIRECT = 16  # trials of a binomial number that are drawn one by one


def _rows(count: int, shape: Any, seed: Any) -> Tensor:
    """Uniform in [0, 1), of shape (count, *shape)."""
    return _sample("uniform", [count, *sizes_of(shape)], 0.0, 1.0, None, seed)


def _log_gamma(u: Tensor, alpha: Any) -> Tensor:
    """log of gamma numbers out of _PER_GAMMA rows of uniform ones (Marsaglia and Tsang, 2000)."""
    small = ops.less(alpha, 1.0)
    d = ops.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    c = ops.rsqrt(9.0 * d)
    found: Any = None
    for k in range(0, 3 * _TRIES, 3):  # the first that is accepted is the last that is chosen
        x = ops.sqrt(-2.0 * ops.log(1.0 - u[k])) * ops.cos(2.0 * math.pi * u[k + 1])
        root = 1.0 + c * x
        positive = ops.greater(root, 0.0)
        log_v = 3.0 * ops.log(ops.where(positive, root, 1.0))
        limit = 0.5 * ops.square(x) + d - d * ops.exp(log_v) + d * log_v
        accepted = ops.logical_and(positive, ops.less(ops.log(1.0 - u[k + 2]), limit))
        found = log_v if found is None else ops.where(accepted, log_v, found)
    return ops.log(d) + found + ops.where(small, ops.log(1.0 - u[3 * _TRIES]) / alpha, 0.0)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the gamma distribution of shape `alpha` (a number or what broadcasts to `shape`)
    and scale 1; their mean is alpha.

    >>> bool((gamma((100,), 2.0, seed=1) > 0).numpy().all())
    True
    """
    alpha = ops.convert_to_tensor(alpha, "float32")
    found = ops.exp(_log_gamma(_rows(_PER_GAMMA, shape, seed), alpha))
    return as_type(found, standardize_dtype(dtype))


def _beta(u: Tensor, alpha: Any, beta: Any) -> Tensor:
    """Out of 2 * _PER_GAMMA rows: x / (x + y) of two gamma numbers, which may be tiny."""
    return ops.sigmoid(_log_gamma(u[:_PER_GAMMA], alpha) - _log_gamma(u[_PER_GAMMA:], beta))


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers in [0, 1] of the beta distribution; their mean is alpha / (alpha + beta).

    >>> round(float(ops.mean(beta((2000,), 1.0, 4.0, seed=1))), 1)
    0.2
    """
    a, b = (ops.convert_to_tensor(x, "float32") for x in (alpha, beta))
    found = _beta(_rows(2 * _PER_GAMMA, shape, seed), a, b)
    return as_type(found, standardize_dtype(dtype))


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Tensor:
    """How many of `counts` trials succeed, each with this probability.

    Args:
        shape: ints, or host integers in a trace.
        counts: at most 2**24; numbers whose values are known, also in a trace.
        probabilities: numbers in [0, 1]; both broadcast to `shape`.
        dtype: float32 by default.
        seed: an int, a SeedGenerator or None.

    >>> binomial((4,), 10, [0.0, 1.0, 0.0, 1.0]).tolist()
    [0.0, 10.0, 0.0, 10.0]
    """
    most = int(np.max(ops.convert_to_numpy(counts), initial=0))
    if most > 2**24:
        raise ValueError(f"binomial: `counts` must be at most 2**24; got {most}")
    splits = max(0, math.ceil(math.log2(max(most, 1) / _DIRECT)))
    u = _rows(2 * _PER_GAMMA * splits + _DIRECT, shape, seed)
    zeros = ops.zeros_like(u[0])
    n = ops.convert_to_tensor(counts, "float32") + zeros
    p = ops.convert_to_tensor(probabilities, "float32") + zeros
    found = zeros
    for k in range(splits):
        # Of n uniform numbers the i-th smallest is a beta number b, and those on either side of it
        # are uniform (Devroye, 1986, X.4.3); a trial succeeds where its number is below p.
        i = ops.floor(n / 2.0) + 1.0
        b = _beta(
            u[2 * _PER_GAMMA * k : 2 * _PER_GAMMA * (k + 1)], i, ops.maximum(n + 1.0 - i, 1.0)
        )
        below, is_many = ops.less_equal(b, p), ops.greater(n, _DIRECT)
        found = found + ops.where(ops.logical_and(is_many, below), i, 0.0)
        above = ops.divide_no_nan(p - b, 1.0 - b)
        share = ops.clip(ops.where(below, above, ops.divide_no_nan(p, b)), 0.0, 1.0)
        p = ops.where(is_many, share, p)
        n = ops.where(is_many, ops.where(below, n - i, i - 1.0), n)
    trials = u[2 * _PER_GAMMA * splits :]
    for k in range(_DIRECT):
        hit = ops.logical_and(ops.less(trials[k], p), ops.greater(n, float(k)))
        found = found + ops.cast(hit, "float32")
    return as_type(found, standardize_dtype(dtype))


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Classes drawn with the probabilities softmax(logits): (N, C) -> (N, num_samples).

    >>> categorical([[0.0, -1e9], [-1e9, 0.0]], 3).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    logits = as_float(logits)
    if len(logits.shape) != 2:
        raise ValueError(
            "`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: "
            f"logits of shape {tuple(logits.shape)}"
        )
    rows, classes = dims_of(logits)
    u = _sample("uniform", [rows, int(num_samples), classes], 0.0, 1.0, None, seed)
    # The largest of logits + Gumbel numbers.
    scores = ops.expand_dims(logits, 1) - ops.log(-ops.log(u * (1.0 - 2.0**-24) + 2.0**-25))
    return as_type(ops.argmax(scores, axis=-1), standardize_dtype(dtype))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The entries along an axis in a random order; what is at one place of it stays together.

    In a trace it compares all pairs of places.

    >>> sorted(shuffle([3, 1, 2], seed=1).tolist())
    [1, 2, 3]
    """
    x = to_tensor(x)
    axis = axis_of(axis, len(x.shape))
    count = dims_of(x)[axis]
    keys = _sample("uniform", [count], 0.0, 1.0, None, seed)
    if keys._core is not None:
        order = np.argsort(np.argsort(keys.numpy(), kind="stable"), kind="stable")
        return ops.take(x, order, axis=axis)
    # How many keys are smaller, or equal and before it.
    mine, other = ops.expand_dims(keys, 1), ops.expand_dims(keys, 0)
    places = ops.arange(count)
    before = ops.less(ops.expand_dims(places, 0), ops.expand_dims(places, 1))
    smaller = ops.logical_or(ops.less(other, mine), ops.logical_and(ops.equal(other, mine), before))
    return ops.take(x, ops.sum(ops.cast(smaller, "int32"), axis=1), axis=axis)
