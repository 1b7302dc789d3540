"""Calls of a model on arrays, outside of training: one traced Program for each kind of input."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from nnseq.engine import nest
from nnseq.engine.dispatch import with_mask
from nnseq.engine.tensor import KerasTensor, Tensor
from nnseq.engine.traced import Traced
from nnseq.layers.layer import Layer
from nnseq.training.arrays import as_numpy


def mask_of(x: Any) -> Any:
    """The mask that goes with a Tensor, or None."""
    return x._keras_mask if isinstance(x, Tensor) else None


def as_arrays(x: Any) -> Any:
    """Lists of numbers, numbers and things that convert themselves, as arrays."""
    if isinstance(x, (list, tuple)):
        leaves = nest.flatten(x)
        if leaves and all(isinstance(leaf, (int, float)) for leaf in leaves):
            return np.asarray(x)
        return nest.map_structure(as_arrays, x)
    if hasattr(x, "__array__") and not hasattr(x, "handle"):
        is_array = isinstance(x, (np.ndarray, np.generic, Tensor, KerasTensor))
        return x if is_array else as_numpy(x)
    return x


def direct_calls(model: Any) -> tuple[Traced, Traced]:
    """Traced calls of a model on one plain input, and on anything else."""
    reference = weakref.ref(model)

    def plain(x: Any) -> Any:
        return Layer.__call__(reference(), x)  # type: ignore[arg-type]

    def general(args: Any, kwargs: Any, masks: Any) -> Any:
        args, kwargs = nest.map_structure(with_mask, (args, kwargs), masks)
        return Layer.__call__(reference(), *args, **kwargs)  # type: ignore[arg-type]

    return Traced(plain, side_outputs=True), Traced(general, side_outputs=True)
