"""Learning rates as functions of the number of steps done, computed inside the step."""

import math
from typing import Any, Self

from nnseq import ops


class LearningRateSchedule:
    """Base of schedules; subclasses implement `__call__(step)` with nnseq.ops.

    >>> class Halved(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 1.0 / (1.0 + ops.cast(step, "float32"))
    >>> float(Halved()(1))
    0.5
    """

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps; 0 before the first."""
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(step)")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal schedule."""
        raise NotImplementedError(
            f"Learning rate schedule {type(self).__name__!r} must implement get_config() to be "
            "saved."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


def check_positive(name: str, value: float) -> None:
    """Refuses a value that is not above 0."""
    if value <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value}")


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ^ (step / decay_steps); with staircase the exponent is
    rounded down.

    >>> round(float(ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(10)), 6)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        check_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Any:
        exponent = ops.cast(step, "float32") / self.decay_steps
        if self.staircase:
            exponent = ops.floor(exponent)
        return self.initial_learning_rate * ops.power(self.decay_rate, exponent)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave from the first rate down to alpha times it (Loshchilov and Hutter, 2016).

    With `warmup_target` the rate first rises linearly from initial_learning_rate to it, within
    warmup_steps; the decay starts from there.

    >>> round(float(CosineDecay(0.1, decay_steps=10)(5)), 6)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        check_positive("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def _decayed(self, start: float, step: Any) -> Any:
        done = ops.minimum(step, float(self.decay_steps)) / self.decay_steps
        cosine = 0.5 * (1.0 + ops.cos(math.pi * done))
        return start * ((1.0 - self.alpha) * cosine + self.alpha)

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        if self.warmup_target is None:
            return self._decayed(self.initial_learning_rate, step)
        decayed = self._decayed(self.warmup_target, step - float(self.warmup_steps))
        if self.warmup_steps == 0:
            return decayed
        rise = self.warmup_target - self.initial_learning_rate
        rising = self.initial_learning_rate + rise * (step / float(self.warmup_steps))
        return ops.where(ops.less(step, float(self.warmup_steps)), rising, decayed)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }
