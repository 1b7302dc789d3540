"""Stochastic gradient descent."""

from typing import Any

from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """w -= learning_rate * g; with momentum v = momentum * v - learning_rate * g, w += v; with
    nesterov w += momentum * v - learning_rate * g.

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> SGD(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy()
    array([0.8], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        if isinstance(momentum, bool | str) or not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be a number in [0, 1]. Received: {momentum!r}")
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
        self.momentum = float(momentum)
        self.nesterov = nesterov
        self.slot_groups = (("momentum",),) if momentum else ()

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        if not self.momentum:
            variable.assign(variable.value - gradient * learning_rate)
            return
        (slot,) = self.slots(variable)
        velocity = slot.value * self.momentum - gradient * learning_rate
        slot.assign(velocity)
        if self.nesterov:
            velocity = velocity * self.momentum - gradient * learning_rate
        variable.assign(variable.value + velocity)

    def _fused_attrs(self) -> dict[str, Any] | None:
        if type(self).update_step is not SGD.update_step:
            return None
        return {"kind": "sgd", "momentum": self.momentum, "nesterov": bool(self.nesterov)}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
