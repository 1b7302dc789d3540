"""Nadam."""

from typing import Any

import numpy as np

from nnseq import ops
from nnseq.engine.naming import root_scope
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat, 2015).

    u_t = beta_1 * (1 - 0.5 * 0.96^t), U = u_1 * ... * u_t; m and v as in Adam;
    w -= learning_rate * (u_(t+1) * m / (1 - U * u_(t+1)) + (1 - u_t) * g / (1 - U))
    / (sqrt(v / (1 - beta_2^t)) + epsilon).

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Nadam(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.8937], dtype=float32)
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
        with root_scope(self.name):
            self._product = Variable(np.float32(1.0), trainable=False, name="product")

    @property
    def variables(self) -> list[Variable]:
        """All state: iteration, learning rate (unless scheduled), the slots, then U."""
        return [*super().variables, self._product]

    def _share(self, t: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, t))

    def _step(self, grads: list[Any], variables: list[Variable], steps: Any) -> None:
        t = ops.cast(self.iterations + 1, "float32")
        self._product.assign(self._product.value * self._share(t))
        super()._step(grads, variables, steps)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m_slot, v_slot = self.slots(variable)
        t = ops.cast(self.iterations + 1, "float32")
        now, following = self._share(t), self._share(t + 1.0)
        product = self._product.value
        m = m_slot.value + (gradient - m_slot.value) * (1 - self.beta_1)
        v = v_slot.value + (ops.square(gradient) - v_slot.value) * (1 - self.beta_2)
        m_slot.assign(m)
        v_slot.assign(v)
        ahead = following * m / (1.0 - product * following) + (1.0 - now) * gradient / (
            1.0 - product
        )
        size = ops.sqrt(v / (1.0 - ops.power(self.beta_2, t))) + self.epsilon
        variable.assign(variable.value - learning_rate * ahead / size)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
