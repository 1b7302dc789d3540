"""Optimizers; strings are resolved by `get`."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.optimizers import schedules
from nnseq.optimizers.adadelta import Adadelta
from nnseq.optimizers.adafactor import (
    Adafactor,
)
from nnseq.optimizers.adagrad import Adagrad
from nnseq.optimizers.adam import Adam, AdamW
from nnseq.optimizers.adamax import Adamax
from nnseq.optimizers.ftrl import Ftrl
from nnseq.optimizers.lamb import (
    Lamb,
)
from nnseq.optimizers.lion import Lion
from nnseq.optimizers.loss_scale_optimizer import (
    LossScaleOptimizer,
)
from nnseq.optimizers.muon import (
    Muon,
)
from nnseq.optimizers.nadam import Nadam
from nnseq.optimizers.optimizer import Optimizer
from nnseq.optimizers.rmsprop import RMSprop
from nnseq.optimizers.schedule_free_adamw import (
    ScheduleFreeAdamW,
)
from nnseq.optimizers.sgd import SGD

_classes = [
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Adamax,
    Ftrl,
    Lamb,
    Lion,
    LossScaleOptimizer,
    Muon,
    Nadam,
    RMSprop,
    SGD,
    ScheduleFreeAdamW,
]
_registry = Registry(
    "optimizer",
    _classes,
    {cls.__name__.lower(): cls for cls in _classes},
)


def get(identifier: Any) -> Any:
    """Returns the optimizer of a name, a configuration, a class or an instance; None stays None.

    >>> type(get("adam")).__name__
    'Adam'
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    found = _registry.get(identifier) if isinstance(identifier, str | dict | type) else None
    if not isinstance(found, Optimizer):
        raise ValueError(
            "Expected the name, the configuration or an instance of an optimizer. "
            f"Received: {identifier!r} (of type {type(identifier).__name__})"
        )
    return found


def serialize(optimizer: Any) -> Any:
    """Returns the configuration of an optimizer, as Keras writes it."""
    return _registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the optimizer of a configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
