"""Lamb."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Lamb(Optimizer):
    """Adam whose step is as long as the Variable times the learning rate (You et al., 2019).

    m += (g - m) * (1 - beta_1); v += (g^2 - v) * (1 - beta_2);
    u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon);
    w -= learning_rate * u * |w| / |u|, without the ratio where a norm is 0.

    >>> from nnseq import Variable, ops
    >>> w = Variable([3.0, 4.0])
    >>> Lamb(0.1).apply([ops.convert_to_tensor([1.0, 1.0])], [w])
    >>> w.numpy().round(4)
    array([2.6464, 3.6464], dtype=float32)
    """

    slot_groups = (("momentum", "velocity"),)

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
        m_slot, v_slot = self.slots(variable)
        t = ops.cast(self.iterations + 1, "float32")
        m = m_slot.value + (gradient - m_slot.value) * (1 - self.beta_1)
        v = v_slot.value + (ops.square(gradient) - v_slot.value) * (1 - self.beta_2)
        m_slot.assign(m)
        v_slot.assign(v)
        size = ops.sqrt(v / (1.0 - ops.power(self.beta_2, t))) + self.epsilon
        update = m / (1.0 - ops.power(self.beta_1, t)) / size
        ratio = ops.divide_no_nan(ops.norm(variable.value), ops.norm(update))
        ratio = ops.where(ops.greater(ratio, 0.0), ratio, 1.0)
        variable.assign(variable.value - ratio * learning_rate * update)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
