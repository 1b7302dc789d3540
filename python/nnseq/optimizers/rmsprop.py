"""RMSprop."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class RMSprop(Optimizer):
    """Gradients divided by their root mean square (Hinton, 2012), epsilon inside the root.

    v = rho * v + (1 - rho) * g^2; step = learning_rate * g / sqrt(v + epsilon), centered:
    sqrt(v - mean(g)^2 + epsilon); w -= step, or with momentum b = momentum * b + step, w -= b.

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> RMSprop(0.1, rho=0.0).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        groups = [("velocity",)]
        if momentum > 0:
            groups.append(("momentum",))
        if centered:
            groups.append(("average_gradient",))
        self.slot_groups = tuple(groups)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        slots = dict(zip((name for (name,) in self.slot_groups), self.slots(variable), strict=True))
        rho = self.rho
        v = rho * slots["velocity"].value + (1 - rho) * ops.square(gradient)
        slots["velocity"].assign(v)
        if self.centered:
            mean = rho * slots["average_gradient"].value + (1 - rho) * gradient
            slots["average_gradient"].assign(mean)
            v = v - ops.square(mean)
        step = learning_rate * gradient / ops.sqrt(v + self.epsilon)
        if self.momentum > 0:
            step = self.momentum * slots["momentum"].value + step
            slots["momentum"].assign(step)
        variable.assign(variable.value - step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
