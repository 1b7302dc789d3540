"""The base of all metrics: state that is updated batch by batch."""

from typing import Any, Self

from nnseq import initializers
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.naming import root_scope, uniquify
from nnseq.engine.variable import Variable, load_variables


class Metric:
    """Base of metrics: makes its state with `add_variable`, changes it in `update_state` and
    computes `result` from it. Works eagerly and inside a traced step.

    >>> class Count(Metric):
    ...     def __init__(self, name="count"):
    ...         super().__init__(name=name)
    ...         self.seen = self.add_variable((), name="seen")
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.seen.assign_add(len(y_true))
    ...
    ...     def result(self):
    ...         return self.seen.value
    >>> metric = Count()
    >>> metric.update_state([1, 2, 3], [1, 2, 3])
    >>> float(metric.result())
    3.0
    """

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        self.name = name or uniquify(type(self).__name__)
        self.dtype = standardize_dtype(dtype)
        self._variables: list[Variable] = []

    @property
    def variables(self) -> list[Variable]:
        """The state."""
        return list(self._variables)

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a Variable of the state; `reset_state` sets it to 0."""
        with root_scope(self.name):
            variable = Variable(
                initializers.get(initializer),
                shape=tuple(shape),
                dtype=dtype or self.dtype,
                trainable=False,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: tuple[int, ...] = (),
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str | None = None,
    ) -> Variable:
        """The older name of `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name)

    def reset_state(self) -> None:
        """Sets all state to 0; called at the start of each epoch."""
        for variable in self._variables:
            variable.assign(initializers.Zeros()(variable.shape, variable.dtype))

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes in one batch: (y_true, y_pred, sample_weight=None) in compiled metrics."""
        raise NotImplementedError(f"{type(self).__name__} must implement update_state")

    def result(self) -> Any:
        """Returns the value of everything seen since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must implement result()")

    def save_own_variables(self, store: Any) -> None:
        """Writes the state into a dict of arrays."""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote."""
        load_variables(f"Metric '{self.name}'", self.variables, store)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes in one batch and returns the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
