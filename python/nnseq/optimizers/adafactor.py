"""Adafactor."""

from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


def _root_mean_square(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))


class Adafactor(Optimizer):
    """Adam without momentum, whose squares of a matrix are the product of a row and a column of
    means (Shazeer and Stern, 2018).

    s = g^2 + epsilon_1, b = 1 - t^beta_2_decay; r and c are the averages of s over the last two
    axes, r = b * r + (1 - b) * mean(s), and v = r / mean(r) * c; of a vector v = b * v + (1 - b) s.
    rho = min(learning_rate, 1 / sqrt(t)); u = g / sqrt(v);
    w -= max(epsilon_2, rms(w)) * rho * u / max(1, rms(u) / clip_threshold).

    relative_step changes nothing, as in Keras.

    >>> from nnseq import Variable, ops
    >>> w = Variable([1.0])
    >>> Adafactor(0.1).apply([ops.convert_to_tensor([2.0])], [w])
    >>> w.numpy().round(4)
    array([0.9], dtype=float32)
    """

    slot_groups = (("row", "column", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def _make_slots(self, variable: Variable) -> tuple[Variable, ...]:
        """Of a vector the row and the column are not used; Keras writes integers for them."""
        shape, dtype, name = variable.shape, variable.dtype, variable.name
        if len(shape) < 2:
            means = [self._make_variable((), "int32", name) for _ in range(2)]
        else:
            sizes = (shape[:-1], (*shape[:-2], shape[-1]))
            means = [self._make_variable(size, dtype, name) for size in sizes]
        velocity = self._make_variable(shape, dtype, self._slot_name(variable, "velocity"))
        return (*means, velocity)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        row, column, velocity = self.slots(variable)
        t = ops.cast(self.iterations + 1, "float32")
        keep = 1.0 - ops.power(t, self.beta_2_decay)
        squares = ops.square(gradient) + self.epsilon_1

        def averaged(slot: Variable, value: Any) -> Any:
            mean = keep * slot.value + (1.0 - keep) * value
            slot.assign(mean)
            return mean

        if len(variable.shape) < 2:
            v = averaged(velocity, squares)
        else:
            r = averaged(row, ops.mean(squares, axis=-1))
            c = averaged(column, ops.mean(squares, axis=-2))
            share = ops.expand_dims(r / ops.mean(r, axis=-1, keepdims=True), -1)
            v = share * ops.expand_dims(c, -2)
            velocity.assign(v)
        update = gradient / ops.sqrt(v)
        update = update / ops.maximum(_root_mean_square(update) / self.clip_threshold, 1.0)
        rho = ops.minimum(learning_rate, 1.0 / ops.sqrt(t))
        size = ops.maximum(_root_mean_square(variable.value), self.epsilon_2)
        variable.assign(variable.value - size * rho * update)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
