"""LossScaleOptimizer."""

from collections.abc import Iterable
from typing import Any, Self

from nnseq import ops
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.engine.state import state
from nnseq.engine.variable import Variable
from nnseq.optimizers.conditional import only_if
from nnseq.optimizers.optimizer import Optimizer


class LossScaleOptimizer(Optimizer):
    """Scales losses so that small gradients are not lost, with a factor that finds itself.

    A step whose gradients are not all finite changes nothing but the scale, which is halved; after
    `dynamic_growth_steps` good steps in a row it is doubled. All else is up to `inner_optimizer`.

    >>> from nnseq import Variable, optimizers
    >>> w = Variable([1.0])
    >>> optimizer = LossScaleOptimizer(optimizers.SGD(0.1), initial_scale=4.0)
    >>> optimizer.apply([ops.convert_to_tensor([float("inf")])], [w])
    >>> float(w.numpy()[0]), float(optimizer.dynamic_scale.numpy())
    (1.0, 2.0)
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer no longer supports `dynamic=False`. Set `loss_scale_factor` "
                "on the `inner_optimizer` instead."
            )
        for argument, value in kwargs.items():
            raise ValueError(
                f"LossScaleOptimizer does not support `{argument}`. Set `{argument}` on the "
                f"`inner_optimizer` instead. Received: {argument}={value!r}"
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), dtype="float32", name="dynamic_scale")
        self.dynamic_scale.assign(float(initial_scale))
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Iterable[Variable]) -> None:
        variables = list(variables)
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """The own state, then that of the inner optimizer."""
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer, and so are the next ones."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def revision(self) -> int:
        return self.inner_optimizer.revision

    @property
    def needs_host(self) -> bool:
        return self.inner_optimizer.needs_host

    def refresh_learning_rate(self) -> None:
        self.inner_optimizer.refresh_learning_rate()

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        return loss * self.dynamic_scale.value

    def apply(
        self, grads: Iterable[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """One step of the inner optimizer along `grads` over the scale, if they are finite."""
        grads = list(grads)
        variables = list(
            self._trainable_variables if trainable_variables is None else trainable_variables
        )
        if not self.built:
            self.build(variables)
        scale, count = self.dynamic_scale.value, self.step_counter.value
        finite = ops.convert_to_tensor(True)
        for gradient in grads:
            if gradient is not None:
                finite = ops.logical_and(finite, ops.all(ops.isfinite(gradient)))
        scaled = [None if gradient is None else gradient / scale for gradient in grads]
        known = [*variables, *self.inner_optimizer.variables]
        targets, state.targets = state.targets, None  # what is not finite is no reason to stop
        try:
            only_if(finite, known, lambda: self.inner_optimizer.apply(scaled, variables))
        finally:
            state.targets = targets
        is_last = ops.equal(count, self.dynamic_growth_steps - 1)
        goes_on = ops.logical_and(finite, ops.logical_not(is_last))
        self.step_counter.assign(ops.where(goes_on, count + 1, 0))
        factor = ops.where(finite, ops.where(is_last, 2.0, 1.0), 0.5)
        self.dynamic_scale.assign(scale * factor)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(
            **{**config, "inner_optimizer": deserialize_keras_object(config["inner_optimizer"])}
        )
