"""The base of all optimizers: clipping, weight decay, learning rate, the order of a step."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

from nnseq import ops
from nnseq.engine.dispatch import apply
from nnseq.engine.naming import uniquify
from nnseq.engine.state import current_trace, state
from nnseq.engine.variable import Variable
from nnseq.optimizers import schedules
from nnseq.optimizers.accumulation import Accumulation
from nnseq.optimizers.averages import Averages
from nnseq.optimizers.checks import older_learning_rate, without_missing
from nnseq.optimizers.clipping import clip_by_global_norm, clip_by_norm
from nnseq.optimizers.conditional import only_if
from nnseq.optimizers.optimizer_state import OptimizerState


class Optimizer(OptimizerState):
    """Changes Variables along gradients; subclasses implement `update_step`.

    A step clips the gradients (by `clipnorm` per Variable, `global_clipnorm` or `clipvalue`, at
    most one of them), applies weight decay (w -= w * weight_decay * learning_rate), updates, and
    applies the Variables' constraints. Slots (momenta and so on) are kept per Variable as long as
    the optimizer lives; they start at 0 or their `slot_initial_values`.

    Args:
        learning_rate: a number, a LearningRateSchedule, or a function without arguments that is
            called before every step. `lr` is its older name.
        use_ema: whether to keep averages of the Variables, average = ema_momentum * average +
            (1 - ema_momentum) * w after each step. At the end of fit they become the Variables'
            values, and every `ema_overwrite_frequency` steps before that, if it is given.
        loss_scale_factor: what `scale_loss` multiplies losses by and gradients are divided by.
        gradient_accumulation_steps: updates every so many steps, by the mean of their gradients;
            `iterations` and the averages count updates, a schedule counts steps.
        decay: the older learning_rate / (1 + decay * iterations).

    >>> from nnseq import Variable
    >>> class Plain(Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         variable.assign(variable.value - learning_rate * gradient)
    >>> w = Variable([1.0, 2.0])
    >>> Plain(learning_rate=0.5).apply([ops.convert_to_tensor([1.0, 1.0])], [w])
    >>> w.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any,
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
        cls = type(self).__name__
        learning_rate = older_learning_rate(cls, learning_rate, kwargs)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. "
                f"Received: {', '.join(f'{k}={v}' for k, v in clips.items())}"
            )
        averages = Averages(ema_momentum, ema_overwrite_frequency) if use_ema else None
        several = gradient_accumulation_steps
        accumulation = Accumulation(several) if several else None
        super().__init__(name or uniquify(cls), learning_rate, averages, accumulation)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.fused = True  # whether the core's update operation may take the place of update_step
        self._excluded_variables: list[Variable] = []
        self._excluded_names: re.Pattern[str] | None = None

    # --- learning rate ----------------------------------------------------------------------
    @property
    def learning_rate(self) -> Any:
        """The Variable with the learning rate; with a schedule its value at this iteration."""
        return self._rate.at(self._iterations)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate.change(value)

    @property
    def revision(self) -> int:
        """Counts changes that make traced steps stale."""
        return self._rate.revision

    @property
    def needs_host(self) -> bool:
        """Whether the learning rate is a Python function, to be called before every step."""
        return self._rate.function is not None

    def refresh_learning_rate(self) -> None:
        """Calls the learning rate function, if it is one."""
        self._rate.refresh()

    @property
    def iterations(self) -> Any:
        """The number of updates done: an int64 Variable, or with gradient_accumulation_steps a
        Tensor."""
        if self._accumulation is None:
            return self._iterations
        return self._iterations.value // self._accumulation.steps

    # --- a step -----------------------------------------------------------------------------
    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """`apply` of pairs (gradient, Variable); returns `iterations`."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(
        self, grads: Iterable[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """One step along `grads`, of which one belongs to each Variable (None: it is left alone).

        Raises:
            ValueError: no gradient at all, or a number of gradients other than of Variables.
        """
        grads = list(grads)
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be built "
                    "on a list of variables. Call `optimizer.build(trainable_variables)` first."
                )
            variables = list(self._trainable_variables)
        else:
            variables = list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"Expected one gradient per variable; received {len(grads)} gradients for "
                f"{len(variables)} variables."
            )
        if not grads:
            return
        if not self.built:
            self.build(variables)
            self.built = True
        self._add_new(variables)
        trace = current_trace()
        if trace is None:
            self.refresh_learning_rate()
        else:
            trace.optimizers[id(self)] = self
        grads, variables = without_missing(grads, variables)
        if self.loss_scale_factor is not None:
            grads = [g / float(self.loss_scale_factor) for g in grads]
        if self._accumulation is None:
            grads = self._clip(grads)
        one = _one_step(grads)
        if self._accumulation is None:
            self._step(grads, variables, self._iterations.value + one)
        else:
            self._accumulate(self._accumulation, grads, variables, one)
        if self._averages is not None:
            self._averages.update(self._trainable_variables, self.iterations)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign(self._iterations.value + one)

    def _accumulate(
        self, accumulation: Accumulation, grads: list[Any], variables: list[Variable], one: Any
    ) -> None:
        """Adds to the sums of gradients, and takes a step where it is due."""
        is_due = accumulation.is_due(self._iterations.value)
        means = self._clip(accumulation.take(grads, variables, is_due))
        sums = {id(total) for total in accumulation.of.values()}
        state = [v for v in [*variables, *self.variables] if id(v) not in sums]
        only_if(is_due, state, lambda: self._step(means, variables, self.iterations + one))

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, of which `apply` expects the gradients."""
        return loss if self.loss_scale_factor is None else loss * float(self.loss_scale_factor)

    def _clip(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm:
            return [clip_by_norm(g, self.clipnorm) for g in grads]
        if self.global_clipnorm:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def _step(self, grads: list[Any], variables: list[Variable], steps: Any) -> None:
        attrs = self._fused_attrs() if self.fused else None
        if attrs is not None and all(variable.dtype == "float32" for variable in variables):
            self._fused_step(attrs, grads, variables, steps)
            return
        rate = self.learning_rate
        rate = rate.value if isinstance(rate, Variable) else rate
        for variable in variables:
            if decay := self._decay_of(variable):
                variable.assign(variable.value - variable.value * decay * rate)
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, rate)

    def _fused_attrs(self) -> dict[str, Any] | None:
        """Attributes of the core's `update` that does what update_step does, or None."""
        return None

    def _fused_step(
        self,
        attrs: dict[str, Any],
        grads: Sequence[Any],
        variables: Sequence[Variable],
        steps: Any,
    ) -> None:
        count = len(variables)
        decay = [self._decay_of(variable) for variable in variables]
        columns = list(zip(*(self.slots(variable) for variable in variables), strict=True))
        states = [slot for column in columns for slot in column]
        outputs = apply(
            "update",
            [self.learning_rate, steps, *variables, *grads, *states],
            {**attrs, "count": count, "decay": decay if any(decay) else []},
            num_outputs=count + len(states),
        )
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for variable, value in zip([*variables, *states], outputs, strict=True):
            variable.assign(value)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assigns the new value of one Variable, given its gradient; written with nnseq.ops."""
        raise NotImplementedError(
            f"{type(self).__name__} must implement update_step(gradient, variable, learning_rate)"
        )

    def assign(self, variable: Variable, value: Any) -> None:
        """variable.assign(value)."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """variable.assign_add(value)."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """variable.assign_sub(value)."""
        variable.assign_sub(value)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """With use_ema sets these Variables to their averages; called at the end of fit."""
        if self._averages is None:
            return
        for variable in var_list:
            if variable not in self._averages.of:
                self._get_variable_index(variable)  # raises
            variable.assign(self._averages.of[variable].value)

    # --- weight decay -----------------------------------------------------------------------
    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Leaves out these Variables, and those in whose name one of `var_names` is found."""
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        self._excluded_variables = list(var_list or ())
        names = sorted(set(var_names or ()))
        self._excluded_names = re.compile("|".join(names)) if names else None

    def _weight_decay_for(self, variable: Variable) -> float | None:
        """The weight decay of a Variable that is not excluded."""
        return self.weight_decay

    def _decay_of(self, variable: Variable) -> float:
        decay = self._weight_decay_for(variable)
        if not decay or any(v is variable for v in self._excluded_variables):
            return 0.0
        if self._excluded_names is not None and self._excluded_names.search(variable.name):
            return 0.0
        return float(decay)

    # --- configuration ----------------------------------------------------------------------
    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal optimizer (without its state)."""
        return {
            "name": self.name,
            "learning_rate": self._rate.config(),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedules.deserialize(config["learning_rate"])
        return cls(**config)


def _one_step(grads: Sequence[Any]) -> Any:
    """1; in a step that must stay finite, a 1 that is only there if the loss and `grads` are."""
    if state.targets is None:
        return 1
    return apply("check_finite", [*state.targets, *map(ops.convert_to_tensor, grads)])
