"""Random numbers: counter-based, the same for a seed on every machine and number of threads."""

from __future__ import annotations

import math
from typing import Any

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.operation import operation
from nnseq.engine.random_state import SeedGenerator, draw
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, sizes_of

__all__ = [
    "SeedGenerator",
    "bernoulli",
    "dropout",
    "normal",
    "randint",
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
