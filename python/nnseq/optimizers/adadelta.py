"""Adadelta."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Steps scaled by the root mean squares of past steps and gradients (Zeiler, 2012).

    a = rho * a + (1 - rho) * g^2; d = -g * sqrt(b + epsilon) / sqrt(a + epsilon);
    b = rho * b + (1 - rho) * d^2; w += learning_rate * d.

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Adadelta(1.0, rho=0.0, epsilon=4.0).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([-0.4142], dtype=float32)
    """

    slot_groups = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
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
        self.rho = rho
        self.epsilon = epsilon

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        squares, steps = self.slots(variable)
        rho = self.rho
        mean = rho * squares.value + (1 - rho) * ops.square(gradient)
        squares.assign(mean)
        ratio = ops.sqrt(steps.value + self.epsilon) / ops.sqrt(mean + self.epsilon)
        delta = -gradient * ratio
        steps.assign(rho * steps.value + (1 - rho) * ops.square(delta))
        variable.assign(variable.value + learning_rate * delta)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
