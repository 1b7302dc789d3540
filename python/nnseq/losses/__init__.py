"""Losses; strings are resolved by `get`."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from nnseq.losses.loss import Loss
from nnseq.losses.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    LossFunctionWrapper,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)

_functions = [
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
]
_registry = Registry(
    "loss",
    [
        BinaryCrossentropy,
        CategoricalCrossentropy,
        MeanAbsoluteError,
        MeanSquaredError,
        SparseCategoricalCrossentropy,
    ],
    {
        **{fn.__name__: fn for fn in _functions},
        "bce": binary_crossentropy,
        "BCE": binary_crossentropy,
        "mae": mean_absolute_error,
        "MAE": mean_absolute_error,
        "mse": mean_squared_error,
        "MSE": mean_squared_error,
    },
)


def get(identifier: Any) -> Any:
    """Returns the loss function of a name, or the loss of a class name, configuration or object.

    >>> get("mse").__name__
    'mean_squared_error'
    >>> get("sparse_categorical_crosentropy")
    Traceback (most recent call last):
    ValueError: Unknown loss: ... Did you mean 'sparse_categorical_crossentropy'?
    """
    return _registry.get(identifier)


def serialize(loss: Any) -> Any:
    """Returns the name of a loss function, or the configuration of a loss object."""
    return _registry.serialize(loss)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the loss of a name or configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]
