"""What an optimizer keeps between steps: iterations, learning rate, slots, averages."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from nnseq import initializers
from nnseq.engine.naming import root_scope
from nnseq.engine.variable import Variable, load_variables
from nnseq.optimizers.accumulation import Accumulation
from nnseq.optimizers.averages import Averages
from nnseq.optimizers.learning_rate import LearningRate


class OptimizerState:
    """The Variables of an optimizer and those it was built for; the base of Optimizer."""

    # The names of the slots; those of one group are interleaved in `variables`.
    slot_groups: tuple[tuple[str, ...], ...] = ()
    # What the slots of a name start at; 0 if it is not there.
    slot_initial_values: Mapping[str, float] = MappingProxyType({})

    def __init__(
        self,
        name: str,
        learning_rate: Any,
        averages: Averages | None,
        accumulation: Accumulation | None,
    ) -> None:
        self.name = name
        self.built = False
        self._own_variables: list[Variable] = []
        self._slots: dict[Variable, tuple[Variable, ...]] = {}
        self._averages = averages
        self._accumulation = accumulation
        self._trainable_variables: list[Variable] = []
        with root_scope(name):
            self._iterations = Variable(
                np.int64(0), dtype="int64", trainable=False, name="iteration"
            )
        self._rate = LearningRate(learning_rate, name)

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
                for held, _ in self._held():
                    held.pop(variable, None)
        self._trainable_variables = variables
        self._add_slots(variables)
        self.built = True

    def follow(self, variables: Sequence[Variable]) -> None:
        """Builds for these Variables unless it is built for just them."""
        if {id(v) for v in variables} != {id(v) for v in self._trainable_variables}:
            self.build(variables)
            self.built = True

    def _add_new(self, variables: list[Variable]) -> None:
        known = {id(variable) for variable in self._trainable_variables}
        self._trainable_variables += [v for v in variables if id(v) not in known]
        self._add_slots(variables)

    def _held(self) -> list[tuple[dict[Variable, Variable], str]]:
        """What is kept for each Variable besides slots, by Variable, and its name."""
        found = []
        if self._averages is not None:
            found.append((self._averages.of, "average"))
        if self._accumulation is not None:
            found.append((self._accumulation.of, "gradient_accumulator"))
        return found

    def _add_slots(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            for held, name in self._held():
                if variable not in held:
                    held[variable] = self._make_variable(
                        variable.shape, variable.dtype, self._slot_name(variable, name)
                    )
            if variable not in self._slots:
                self._slots[variable] = self._make_slots(variable)

    def _make_slots(self, variable: Variable) -> tuple[Variable, ...]:
        """The slots of a Variable; subclasses may make others, in the order of `slot_groups`."""
        return tuple(
            self._make_variable(
                variable.shape,
                variable.dtype,
                self._slot_name(variable, name),
                initializers.Constant(self.slot_initial_values.get(name, 0.0)),
            )
            for group in self.slot_groups
            for name in group
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
        """All state: iteration, learning rate (unless scheduled), averages, sums of gradients, then
        the slots."""
        found = [self._iterations]
        if self._rate.variable is not None:
            found.append(self._rate.variable)
        for held, _ in self._held():
            found += [held[variable] for variable in self._trainable_variables]
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
