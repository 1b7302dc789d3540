"""The base of all initializers."""

from typing import Any, Self

import numpy as np


class Initializer:
    """Makes the first values of a Variable; subclasses implement `__call__`.

    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, dtype or "float32")
    >>> Halves()((2, 2))
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        """Returns new values of this shape and dtype (default: floatx)."""
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def clone(self) -> Self:
        """Returns an initializer with the same configuration."""
        return self.from_config(self.get_config())
