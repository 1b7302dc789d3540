"""Initializers that draw from a distribution, with NumPy's Philox.

An int seed gives the same values on every call; without a seed one is drawn from Python's `random`
when the initializer is made (so `random.seed` and `utils.set_random_seed` decide it); a
SeedGenerator gives new values on every call.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq.engine.dtypes import standardize_dtype
from nnseq.initializers.initializer import Initializer

# Standard deviation of the standard normal distribution cut at +-2.
_TRUNCATED_STDDEV = 0.87962566103423978


class RandomInitializer(Initializer):
    """The part all random initializers share: the seed and the generator made of it."""

    def __init__(self, seed: Any = None) -> None:
        if (
            seed is not None
            and not isinstance(seed, int | np.integer)
            and not hasattr(seed, "next")
        ):
            raise ValueError(
                "Argument `seed` must be an int, a SeedGenerator or None. "
                f"Received: seed={seed!r} (of type {type(seed).__name__})"
            )
        self._config_seed = seed
        self.seed = random.randint(1, 10**9) if seed is None else seed

    def _generator(self) -> np.random.Generator:
        if isinstance(self.seed, int | np.integer):
            key = int(self.seed) % 2**128
        else:
            low, high = (int(word) for word in np.asarray(self.seed.next()).ravel()[:2])
            key = (low % 2**64) | (high % 2**64) << 64
        return np.random.Generator(np.random.Philox(key=key))

    def get_config(self) -> dict[str, Any]:
        seed = self._config_seed
        return {"seed": int(seed) if isinstance(seed, int | np.integer) else None}


def _uniform(
    rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float, dtype: str | None
) -> np.ndarray:
    values = rng.random(shape, dtype=np.float32)
    values *= np.float32(high - low)
    values += np.float32(low)
    return values.astype(standardize_dtype(dtype), copy=False)


def _normal(
    rng: np.random.Generator, shape: tuple[int, ...], mean: float, stddev: float, dtype: str | None
) -> np.ndarray:
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= np.float32(stddev)
    values += np.float32(mean)
    return values.astype(standardize_dtype(dtype), copy=False)


def _truncated_normal(
    rng: np.random.Generator, shape: tuple[int, ...], mean: float, stddev: float, dtype: str | None
) -> np.ndarray:
    """Draws again whatever lies more than two standard deviations from the mean."""
    values = rng.standard_normal(shape, dtype=np.float32)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) > 2)
    while outside.size:
        flat[outside] = rng.standard_normal(outside.size, dtype=np.float32)
        outside = outside[np.abs(flat[outside]) > 2]
    flat *= np.float32(stddev)
    flat += np.float32(mean)
    return flat.reshape(shape).astype(standardize_dtype(dtype), copy=False)


class RandomUniform(RandomInitializer):
    """Uniform in [minval, maxval).

    >>> values = RandomUniform(-1.0, 1.0, seed=1)((100,))
    >>> bool(values.min() >= -1.0 and values.max() < 1.0)
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return _uniform(self._generator(), tuple(shape), self.minval, self.maxval, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


class RandomNormal(RandomInitializer):
    """Normal with this mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return _normal(self._generator(), tuple(shape), self.mean, self.stddev, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normal, values more than two standard deviations from the mean drawn again."""

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return _truncated_normal(self._generator(), tuple(shape), self.mean, self.stddev, dtype)


Axes = Sequence[int] | None


def compute_fans(
    shape: tuple[int, ...], input_axes: Axes = None, output_axes: Axes = None
) -> tuple[int, int]:
    """Returns (fan_in, fan_out) of a kernel (..., in, out); leading dims are the receptive field.

    With `input_axes` and `output_axes` the fans are the products of these dims.

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class VarianceScaling(RandomInitializer):
    """Zero-mean values with variance scale / fan.

    mode: "fan_in", "fan_out" or "fan_avg"; distribution: "truncated_normal",
    "untruncated_normal" or "uniform".
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Axes = None,
        output_axes: Axes = None,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(
                f"Invalid `mode` argument: {mode!r}. Expected 'fan_in', 'fan_out' or 'fan_avg'."
            )
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                f"Invalid `distribution` argument: {distribution!r}. Expected "
                "'truncated_normal', 'untruncated_normal' or 'uniform'."
            )
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        shape = tuple(shape)
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        rng = self._generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return _uniform(rng, shape, -limit, limit, dtype)
        if self.distribution == "untruncated_normal":
            return _normal(rng, shape, 0.0, math.sqrt(variance), dtype)
        return _truncated_normal(rng, shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **self._seed_and_axes(),
        }

    def _seed_and_axes(self) -> dict[str, Any]:
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        given = {name: list(value) for name, value in axes.items() if value is not None}
        return {**RandomInitializer.get_config(self), **given}


class _NamedScaling(VarianceScaling):
    """A VarianceScaling with fixed scale, mode and distribution."""

    _settings: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Axes = None, output_axes: Axes = None) -> None:
        super().__init__(*self._settings, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        return self._seed_and_axes()


class GlorotUniform(_NamedScaling):
    """Uniform within +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""

    _settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform within +-sqrt(6 / fan_in) (He et al., 2015)."""

    _settings = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal with variance 2 / fan_in (He et al., 2015)."""

    _settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform within +-sqrt(3 / fan_in) (LeCun et al., 1998)."""

    _settings = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal with variance 1 / fan_in (LeCun et al., 1998)."""

    _settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """An orthogonal matrix times `gain`; a shape of rank > 2 is taken as (prod(leading), last).

    >>> q = Orthogonal(seed=1)((3, 3))
    >>> bool(np.allclose(q @ q.T, np.eye(3), atol=1e-6))
    True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        shape = tuple(shape)
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional. "
                f"Received: shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(self._generator().standard_normal(tall))
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)  # makes the decomposition unique
        if rows < columns:
            q = q.T
        return (self.gain * q.reshape(shape)).astype(standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, **super().get_config()}
