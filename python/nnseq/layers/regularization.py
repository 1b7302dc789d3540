"""Noise in training, and a penalty on outputs."""

import math
from typing import Any

from nnseq import ops, regularizers
from nnseq import random as nnrandom
from nnseq.engine.random_state import SeedGenerator
from nnseq.layers.core import Dropout
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import between_0_and_1
from nnseq.layers.serialized import data_format as check_format


class SpatialDropout1D(Dropout):
    """In training sets whole channels of (N, T, C) to 0, each with probability `rate`.

    >>> SpatialDropout1D(0.5)(ops.ones((1, 2, 1)), training=False).reshape(-1).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, noise_shape=(None, 1, None), seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=3)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "rate": self.rate, "seed": self.seed}


class SpatialDropout2D(Dropout):
    """In training sets whole channels of (N, H, W, C) to 0, each with probability `rate`.

    >>> SpatialDropout2D(0.5)(ops.ones((1, 2, 1, 1)), training=False).reshape(-1).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.data_format = check_format(data_format)
        last = self.data_format == "channels_last"
        shape = (None, 1, 1, None) if last else (None, None, 1, 1)
        super().__init__(rate, noise_shape=shape, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=4)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "dtype": self.dtype,
            "rate": self.rate,
            "seed": self.seed,
            "data_format": self.data_format,
        }


class SpatialDropout3D(Dropout):
    """In training sets whole channels of (N, D, H, W, C) to 0, each with probability `rate`."""

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.data_format = check_format(data_format)
        last = self.data_format == "channels_last"
        shape = (None, 1, 1, 1, None) if last else (None, None, 1, 1, 1)
        super().__init__(rate, noise_shape=shape, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=5)

    get_config = SpatialDropout2D.get_config


class AlphaDropout(Dropout):
    """Dropout for selu: in training sets elements to the value selu tends to for small inputs,
    with probability `rate`, and keeps mean and variance (Klambauer et al. 2017).

    >>> AlphaDropout(0.5)(ops.ones((1, 2)), training=False).tolist()
    [[1.0, 1.0]]
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        sizes = ops.shape(inputs)
        if self.noise_shape is not None:
            given = zip(self.noise_shape, sizes, strict=True)
            sizes = tuple(size if n is None else n for n, size in given)
        kept = nnrandom.uniform(sizes, seed=self.seed_generator) >= self.rate
        low = -1.6732632423543772 * 1.0507009873554805
        factor = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        return ops.where(kept, inputs, low) * factor - factor * low * self.rate


class GaussianNoise(Layer):
    """In training adds normal numbers of mean 0 and standard deviation `stddev`, in [0, 1].

    >>> GaussianNoise(0.5)(ops.ones((1, 2)), training=False).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = between_0_and_1("stddev", stddev)
        self.seed = seed
        self.supports_masking = True
        if stddev > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.stddev == 0:
            return inputs
        noise = nnrandom.normal(ops.shape(inputs), 0.0, self.stddev, seed=self.seed_generator)
        return inputs + noise

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(Layer):
    """In training multiplies by normal numbers of mean 1 and variance rate / (1 - rate).

    Args:
        rate: in [0, 1).

    >>> GaussianDropout(0.5)(ops.ones((1, 2)), training=False).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = between_0_and_1("rate", rate)
        if rate == 1:
            raise ValueError("`rate` of GaussianDropout must be below 1: the variance is infinite")
        self.seed = seed
        self.supports_masking = True
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * nnrandom.normal(ops.shape(inputs), 1.0, stddev, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class ActivityRegularization(Layer):
    """The input; l1 * sum(|x|) + l2 * sum(x * x), divided by the batch size, enters the loss.

    >>> layer = ActivityRegularization(l1=0.5)
    >>> _ = layer(ops.ones((2, 3)))
    >>> [float(x) for x in layer.losses]
    [1.5]
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "l1": self.l1, "l2": self.l2}
        config.pop("activity_regularizer", None)
        return config
