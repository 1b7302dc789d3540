"""Initializers: what the first values of a Variable are. Strings are resolved by `get`."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.initializers.constant import Constant, Identity, Ones, Zeros
from nnseq.initializers.initializer import Initializer
from nnseq.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)
from nnseq.initializers.stft import STFT

STFTInitializer = STFT
stft = STFT
IdentityInitializer = Identity
OrthogonalInitializer = Orthogonal
constant = Constant
zeros = Zeros
ones = Ones
identity = Identity
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling

_registry = Registry(
    "initializer",
    [
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        Identity,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        STFT,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    ],
    {
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
        "STFTInitializer": STFT,
        "normal": RandomNormal,
        "one": Ones,
        "uniform": RandomUniform,
        "zero": Zeros,
    },
)


def get(identifier: Any) -> Any:
    """Returns the initializer of a name, a configuration, a class or an instance; None stays None.

    >>> get("he_normal").mode
    'fan_in'
    >>> get("he_norml")
    Traceback (most recent call last):
    ValueError: Unknown initializer: 'he_norml'. Did you mean 'he_normal'?
    """
    return _registry.get(identifier)


def serialize(initializer: Any) -> Any:
    """Returns the configuration of an initializer, as Keras writes it."""
    return _registry.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the initializer of a configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
