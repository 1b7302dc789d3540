"""The base of all optimizers: clipping, weight decay, learning rate, slots, the order of a step."""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from nnseq import initializers, ops
from nnseq.engine.dispatch import apply
from nnseq.engine.naming import root_scope, uniquify
from nnseq.engine.state import current_trace, state
from nnseq.engine.variable import Variable, load_variables
from nnseq.optimizers import schedules
from nnseq.optimizers.averages import Averages
from nnseq.optimizers.checks import (
    older_learning_rate,
    refuse_unserved,
    without_missing,
)
from nnseq.optimizers.clipping import clip_by_global_norm, clip_by_norm
from nnseq.optimizers.learning_rate import LearningRate


class Optimizer:
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
        decay: the older learning_rate / (1 + decay * iterations).

    loss_scale_factor and gradient_accumulation_steps must be None.

    >>> from nnseq import Variable
    >>> class Plain(Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         variable.assign(variable.value - learning_rate * gradient)
    >>> w = Variable([1.0, 2.0])
    >>> Plain(learning_rate=0.5).apply([ops.convert_to_tensor([1.0, 1.0])], [w])
    >>> w.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    # The names of the slots; those of one group are interleaved in `variables`.
    slot_groups: tuple[tuple[str, ...], ...] = ()
    _fused_kind: ClassVar[str | None] = None
    # What the slots of a name start at; 0 if it is not there.
    slot_initial_values: Mapping[str, float] = MappingProxyType({})

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
        unserved = {
            "loss_scale_factor": loss_scale_factor,
            "gradient_accumulation_steps": gradient_accumulation_steps,
        }
        refuse_unserved(cls, unserved)
        learning_rate = older_learning_rate(cls, learning_rate, kwargs)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. "
                f"Received: {', '.join(f'{k}={v}' for k, v in clips.items())}"
            )
        self.name = name or uniquify(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = None
        self.gradient_accumulation_steps = None
        self.built = False
        self.fused = True  # whether the core's update operation may take the place of update_step
        self._own_variables: list[Variable] = []
        self._slots: dict[Variable, tuple[Variable, ...]] = {}
        self._averages = Averages(ema_momentum, ema_overwrite_frequency) if use_ema else None
        self._trainable_variables: list[Variable] = []
        self._excluded_variables: list[Variable] = []
        self._excluded_names: re.Pattern[str] | None = None
        with root_scope(self.name):
            self._iterations = Variable(
                np.int64(0), dtype="int64", trainable=False, name="iteration"
            )
        self._rate = LearningRate(learning_rate, self.name)

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
    def iterations(self) -> Variable:
        """The number of steps done, an int64 Variable."""
        return self._iterations

    # --- state ------------------------------------------------------------------------------
    def build(self, variables: Iterable[Variable]) -> None:
        """Makes zero slots for new Variables; the slots of absent ones are forgotten, with one
        warning."""
        variables = list(variables)
        kept = {id(variable) for variable in variables}
        gone = [v for v in self._trainable_variables if id(v) not in kept]
        if gone:
            paths = ", ".join(variable.path for variable in gone[:5])
            warnings.warn(
                f"Optimizer {self.name} forgets its state of {len(gone)} variables that are no "
                f"longer trained: {paths}{', ...' if len(gone) > 5 else ''}",
                stacklevel=2,
            )
            for variable in gone:
                self._slots.pop(variable, None)
                if self._averages is not None:
                    self._averages.of.pop(variable, None)
        self._trainable_variables = variables
        self._add_slots(variables)
        self.built = True

    def follow(self, variables: Sequence[Variable]) -> None:
        """Builds for these Variables unless it is built for just them."""
        if {id(v) for v in variables} != {id(v) for v in self._trainable_variables}:
            self.build(variables)
            self.built = True

    def _add_slots(self, variables: Iterable[Variable]) -> None:
        names = [name for group in self.slot_groups for name in group]
        for variable in variables:
            if self._averages is not None and variable not in self._averages.of:
                self._averages.of[variable] = self._make_variable(
                    variable.shape, variable.dtype, self._slot_name(variable, "average")
                )
            if variable not in self._slots:
                self._slots[variable] = tuple(
                    self._make_variable(
                        variable.shape,
                        variable.dtype,
                        self._slot_name(variable, n),
                        initializers.Constant(self.slot_initial_values.get(n, 0.0)),
                    )
                    for n in names
                )

    @staticmethod
    def _slot_name(variable: Variable, name: str | None) -> str:
        return f"{variable.path.replace('/', '_')}_{name or 'var'}"

    def _make_variable(
        self,
        shape: tuple[int, ...],
        dtype: str | None,
        name: str | None,
        initializer: Any = "zeros",
    ) -> Variable:
        with root_scope(self.name):
            return Variable(
                initializers.get(initializer),
                shape=tuple(shape),
                dtype=dtype,
                trainable=False,
                name=name,
            )

    def slots(self, variable: Variable) -> tuple[Variable, ...]:
        """The slots of a Variable, in the order of `slot_groups`."""
        return self._slots[variable]

    @property
    def variables(self) -> list[Variable]:
        """All state: iteration, learning rate (unless scheduled), averages, then the slots."""
        found = [self._iterations]
        if self._rate.variable is not None:
            found.append(self._rate.variable)
        if self._averages is not None:
            found += [self._averages.of[variable] for variable in self._trainable_variables]
        found += self._own_variables
        start = 0
        for group in self.slot_groups:
            for variable in self._trainable_variables:
                found += self._slots[variable][start : start + len(group)]
            start += len(group)
        return found

    def save_own_variables(self, store: Any) -> None:
        """Writes the state into a dict of arrays."""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote; state of another number of variables is left
        out, with a warning."""
        if len(store.keys()) != len(self.variables):
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has "
                f"{len(self.variables)} variables whereas the saved optimizer has "
                f"{len(store.keys())} variables.",
                stacklevel=2,
            )
            return
        load_variables(f"Optimizer '{self.name}'", self.variables, store)

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a Variable of the state, for subclasses with a `build` of their own."""
        variable = self._make_variable(shape, dtype, name, initializer)
        self._own_variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Like `add_variable`, with shape, dtype and name after a Variable of the model."""
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            self._slot_name(reference_variable, name),
        )

    def _get_variable_index(self, variable: Variable) -> int:
        for index, known in enumerate(self._trainable_variables):
            if known is variable:
                return index
        raise ValueError(
            f"Unknown variable: {variable.path}. Optimizer {self.name} was built for "
            f"{len(self._trainable_variables)} other variables; build it again or make a new one."
        )

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
        if current_trace() is None:
            self.refresh_learning_rate()
        grads, variables = without_missing(grads, variables)
        grads = self._clip(grads)
        steps = self._iterations.value + _one_step(grads)
        self._step(grads, variables, steps)
        if self._averages is not None:
            self._averages.update(self._trainable_variables, self._iterations.value)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self._iterations.assign(steps)

    def _add_new(self, variables: list[Variable]) -> None:
        known = {id(variable) for variable in self._trainable_variables}
        self._trainable_variables += [v for v in variables if id(v) not in known]
        self._add_slots(variables)

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

    def _decay_of(self, variable: Variable) -> float:
        if not self.weight_decay or any(v is variable for v in self._excluded_variables):
            return 0.0
        if self._excluded_names is not None and self._excluded_names.search(variable.name):
            return 0.0
        return float(self.weight_decay)

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
