"""Adagrad."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of their squares (Duchi et al., 2011).

    a += g^2, from initial_accumulator_value; w -= learning_rate * g / sqrt(a + epsilon).

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Adagrad(0.1, initial_accumulator_value=0.0).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    slot_groups = (("accumulator",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
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
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self.slot_initial_values = {"accumulator": float(initial_accumulator_value)}

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (slot,) = self.slots(variable)
        accumulator = slot.value + ops.square(gradient)
        slot.assign(accumulator)
        step = learning_rate * gradient / ops.sqrt(accumulator + self.epsilon)
        variable.assign(variable.value - step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
