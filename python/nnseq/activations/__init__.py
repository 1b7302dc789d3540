"""Activation functions; strings are resolved by `get`."""

from typing import Any

from nnseq.activations.activations import (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from nnseq.engine.registry import Registry

swish = silu

_functions = [
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
]
_registry = Registry(
    "activation", aliases={**{fn.__name__: fn for fn in _functions}, "swish": silu}
)


def get(identifier: Any) -> Any:
    """Returns the activation of a name, a function or a callable object; None is `linear`.

    >>> get("swish").__name__, get(None).__name__
    ('silu', 'linear')
    >>> get("rellu")
    Traceback (most recent call last):
    ValueError: Unknown activation: 'rellu'. Did you mean 'relu'?
    """
    return linear if identifier is None else _registry.get(identifier)


def serialize(activation: Any) -> Any:
    """Returns the name of an activation function, or the configuration of an object."""
    return _registry.serialize(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the activation of a name or configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]
