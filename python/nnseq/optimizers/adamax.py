"""Adamax."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Adamax(Optimizer):
    """Adam with the largest decayed gradient instead of the mean square (Kingma and Ba, 2014).

    m += (g - m) * (1 - beta_1); u = max(beta_2 * u, |g|);
    w -= learning_rate * m / ((1 - beta_1^t) * (u + epsilon)).

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Adamax(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    slot_groups = (("momentum", "norm"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
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

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m_slot, u_slot = self.slots(variable)
        t = ops.cast(self.iterations + 1, "float32")
        m = m_slot.value + (gradient - m_slot.value) * (1 - self.beta_1)
        u = ops.maximum(self.beta_2 * u_slot.value, ops.abs(gradient))
        m_slot.assign(m)
        u_slot.assign(u)
        rest = 1.0 - ops.power(self.beta_1, t)
        variable.assign(variable.value - learning_rate * m / (rest * (u + self.epsilon)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
