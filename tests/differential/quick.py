"""What makes Keras on JAX quicker in a process that compares with it.

JAX compiles each operation for each shape, in 20 ms. Where Keras makes values (initial ones, slots
of optimizers, what it reads from files) they come from NumPy instead.
"""

import functools
import gc
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
from jax._src.core import trace_ctx

BACKEND = keras.src.backend


def on_device(values: Any, dtype: Any) -> jax.Array:
    return jax.device_put(np.array(values, dtype or keras.config.floatx()))


def outside_traces(module: Any, name: str, quick: Callable[..., Any]) -> None:
    """Replaces a function where nothing is traced."""
    original = getattr(module, name)

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        return (quick if trace_ctx.is_top_level() else original)(*args, **options)

    setattr(module, name, function)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> jax.Array:
    """Any values: nnseq's replace them before something is computed."""
    return on_device(np.random.default_rng(3).normal(mean, stddev, shape), dtype)


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> jax.Array:
    return on_device(np.random.default_rng(3).uniform(minval, maxval, shape), dtype)


def zeros(shape: Any, dtype: Any = None) -> jax.Array:
    return on_device(np.zeros(shape), dtype)


def ones(shape: Any, dtype: Any = None) -> jax.Array:
    return on_device(np.ones(shape), dtype)


def qr(x: Any, mode: str = "reduced") -> tuple[jax.Array, ...]:
    return tuple(on_device(values, x.dtype) for values in np.linalg.qr(np.asarray(x), mode))


def prepare() -> None:
    """Called once, when all is imported."""
    convert = BACKEND.jax.core.convert_to_tensor

    def converted(x: Any, dtype: Any = None, **options: Any) -> Any:
        if isinstance(x, np.ndarray) and dtype is not None:
            return on_device(x, keras.backend.standardize_dtype(dtype))
        return convert(x, dtype, **options)

    outside_traces(BACKEND.jax.core, "convert_to_tensor", converted)
    outside_traces(BACKEND.random, "normal", normal)
    outside_traces(BACKEND.random, "truncated_normal", normal)
    outside_traces(BACKEND.random, "uniform", uniform)
    outside_traces(BACKEND.numpy, "zeros", zeros)
    outside_traces(BACKEND.numpy, "ones", ones)
    outside_traces(BACKEND.linalg, "qr", qr)
    # Millions of objects live, and looking through them for garbage takes a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
