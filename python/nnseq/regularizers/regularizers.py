"""Penalties on weights or activations, added to the loss."""

import math
from typing import Any, Self

import numpy as np

from nnseq import ops


class Regularizer:
    """A function of a tensor that gives a scalar; subclasses implement `__call__`."""

    def __call__(self, x: Any) -> Any:
        """Returns the penalty of `x`, a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(x)")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal regularizer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


def _check(name: str, value: Any) -> float:
    value = 0.0 if value is None else value
    if not isinstance(value, int | float | np.number) or not math.isfinite(value) or value < 0:
        raise ValueError(
            f"Argument `{name}` must be a finite number of at least 0. Received: {name}={value!r}"
        )
    return float(value)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2).

    >>> float(L1L2(l1=1.0, l2=10.0)(ops.convert_to_tensor([1.0, -2.0])))
    53.0
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _check("l1", l1)
        self.l2 = _check("l2", l2)

    def __call__(self, x: Any) -> Any:
        terms = []
        if self.l1:
            terms.append(self.l1 * ops.sum(ops.abs(x)))
        if self.l2:
            terms.append(self.l2 * ops.sum(ops.square(x)))
        return sum(terms[1:], terms[0]) if terms else 0.0

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """l1 * sum(|x|)."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """l2 * sum(x^2), without the factor 1/2."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor times the mean of |cos| of the angles between the rows (or columns) of a matrix: 0 if
    they are orthogonal.

    >>> rows = ops.convert_to_tensor([[2.0, 0.0], [3.0, 4.0]])
    >>> round(float(OrthogonalRegularizer(0.5)(rows)), 4)
    0.3
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _check("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(
                f"Argument `mode` must be 'rows' or 'columns'. Received: mode={mode!r}"
            )
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        if len(x.shape) != 2 or None in x.shape:
            raise ValueError(
                "Inputs to OrthogonalRegularizer must have rank 2 and known sizes. "
                f"Received: inputs.shape={tuple(x.shape)}"
            )
        rows = ops.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        size = int(rows.shape[0] or 0)
        cosines = ops.abs(ops.matmul(rows, ops.transpose(rows))) * (1.0 - ops.eye(size))
        return self.factor * ops.sum(cosines) / (size * (size - 1.0))

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}
