"""Ftrl."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


def _check_not_negative(**arguments: float) -> None:
    for name, value in arguments.items():
        if value < 0:
            raise ValueError(f"`{name}` must be >= 0. Received: {name}={value}")


class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan et al., 2013), which keeps weights sparse under l1.

    p = -learning_rate_power; n = a + g^2;
    z += g + 2 * l2_shrinkage * w - (n^p - a^p) / learning_rate * w; a = n;
    w = (clip(z, -l1, l1) - z) / (n^p / learning_rate + 2 * l2 + beta / learning_rate).

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Ftrl(0.1, initial_accumulator_value=0.0).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    slot_groups = (("accumulator", "linear"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        if learning_rate_power > 0:
            raise ValueError(f"`learning_rate_power` must be <= 0. Received: {learning_rate_power}")
        _check_not_negative(
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
        )
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
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self.slot_initial_values = {"accumulator": float(initial_accumulator_value)}

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        a_slot, z_slot = self.slots(variable)
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        grown = a_slot.value + ops.square(gradient)
        root = ops.power(grown, power)
        pull = (root - ops.power(a_slot.value, power)) / learning_rate
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * variable.value
        z = z_slot.value + shrunk - pull * variable.value
        quadratic = (root + self.beta) / learning_rate + 2 * self.l2_regularization_strength
        a_slot.assign(grown)
        z_slot.assign(z)
        variable.assign((ops.clip(z, -l1, l1) - z) / quadratic)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
