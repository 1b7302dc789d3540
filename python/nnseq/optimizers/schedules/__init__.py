"""Learning rate schedules."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.optimizers.schedules.decays import (
    CosineDecayRestarts,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from nnseq.optimizers.schedules.learning_rate_schedule import (
    CosineDecay,
    ExponentialDecay,
    LearningRateSchedule,
)

_registry = Registry(
    "schedule",
    [
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    ],
    module="keras.optimizers.schedules",
)


def serialize(learning_rate_schedule: Any) -> Any:
    """Returns the configuration of a schedule, as Keras writes it."""
    return _registry.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the schedule of a configuration."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
