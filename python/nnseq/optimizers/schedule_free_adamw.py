"""ScheduleFreeAdamW."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """Adam that needs no schedule: the Variables are between a fast sequence z and its average x
    (Defazio et al., 2024).

    v += (g^2 - v) * (1 - beta_2); x = (w - (1 - beta_1) z) / beta_1;
    z -= learning_rate * g / (sqrt(v / (1 - beta_2^t)) + epsilon);
    w = (1 - beta_1) z + beta_1 ((1 - 1/t) x + z / t). Within `warmup_steps` the rate rises
    linearly. z, the slot "momentum", starts at w.

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> ScheduleFreeAdamW(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    slot_groups = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if beta_1 == 0:
            raise ValueError(f"Argument `beta_1` must not be 0. Received: beta_1={beta_1}")
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def _make_slots(self, variable: Variable) -> tuple[Variable, ...]:
        slots = super()._make_slots(variable)
        slots[0].handle.assign(variable.handle.value())
        return slots

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        z_slot, v_slot = self.slots(variable)
        t = ops.cast(self.iterations + 1, "float32")
        if self.warmup_steps > 0:
            learning_rate = learning_rate * ops.minimum(t / float(self.warmup_steps), 1.0)
        v = v_slot.value + (ops.square(gradient) - v_slot.value) * (1 - self.beta_2)
        v_slot.assign(v)
        size = ops.sqrt(v / (1.0 - ops.power(self.beta_2, t))) + self.epsilon
        old = z_slot.value
        z = old - learning_rate * gradient / size
        z_slot.assign(z)
        x = (variable.value - (1 - self.beta_1) * old) / self.beta_1
        x = (1.0 - 1.0 / t) * x + z / t
        variable.assign((1 - self.beta_1) * z + self.beta_1 * x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
