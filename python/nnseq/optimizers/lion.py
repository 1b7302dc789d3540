"""Lion."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Lion(Optimizer):
    """Steps of the size of the learning rate, by the sign of a momentum (Chen et al., 2023).

    w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g.

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Lion(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    slot_groups = (("momentum",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Argument `beta_1` must be in (0, 1]. Received: beta_1={beta_1}")
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

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (slot,) = self.slots(variable)
        direction = ops.sign(self.beta_1 * slot.value + (1.0 - self.beta_1) * gradient)
        slot.assign(self.beta_2 * slot.value + (1.0 - self.beta_2) * gradient)
        variable.assign(variable.value - learning_rate * direction)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
        }
