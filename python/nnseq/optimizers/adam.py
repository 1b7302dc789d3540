"""Adam and AdamW."""

import math
from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba, 2014; amsgrad: Reddi et al., 2018), as Keras has it.

    alpha = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t);
    m += (g - m) * (1 - beta_1); v += (g^2 - v) * (1 - beta_2);
    w -= alpha * m / (sqrt(v) + epsilon), with amsgrad the largest v so far.

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Adam(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        self.amsgrad = amsgrad
        self.slot_groups = (("momentum", "velocity"), *((("velocity_hat",),) if amsgrad else ()))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m_slot, v_slot, *rest = self.slots(variable)
        t = ops.cast(self.iterations + 1, "float32")
        # 1 - beta^t without cancellation
        rest_1 = -ops.expm1(t * math.log(self.beta_1)) if self.beta_1 > 0 else 1.0
        rest_2 = -ops.expm1(t * math.log(self.beta_2)) if self.beta_2 > 0 else 1.0
        alpha = learning_rate * ops.sqrt(rest_2) / rest_1
        m = m_slot.value + (gradient - m_slot.value) * (1 - self.beta_1)
        v = v_slot.value + (ops.square(gradient) - v_slot.value) * (1 - self.beta_2)
        m_slot.assign(m)
        v_slot.assign(v)
        if rest:
            v = ops.maximum(rest[0].value, v)
            rest[0].assign(v)
        variable.assign(variable.value - m * alpha / (ops.sqrt(v) + self.epsilon))

    def _fused_attrs(self) -> dict[str, Any] | None:
        if type(self).update_step is not Adam.update_step:
            return None
        return {
            "kind": "adam",
            "beta1": self.beta_1,
            "beta2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": bool(self.amsgrad),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with decoupled weight decay: w -= w * weight_decay * learning_rate before each step
    (Loshchilov and Hutter, 2019), for all Variables that `exclude_from_weight_decay` leaves in."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
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
