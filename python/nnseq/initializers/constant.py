"""Initializers whose values are fixed."""

from typing import Any

import numpy as np

from nnseq.engine.dtypes import standardize_dtype
from nnseq.initializers.initializer import Initializer


class Constant(Initializer):
    """Fills with `value`: a number, or an array that broadcasts to the shape.

    >>> Constant(3.0)((2,))
    array([3., 3.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return np.broadcast_to(
            np.asarray(self.value, dtype=standardize_dtype(dtype)), tuple(shape)
        ).copy()

    def get_config(self) -> dict[str, Any]:
        value = self.value
        return {"value": value.tolist() if isinstance(value, np.ndarray) else value}


class Zeros(Initializer):
    """Fills with 0.

    >>> Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return np.zeros(tuple(shape), standardize_dtype(dtype))


class Ones(Initializer):
    """Fills with 1.

    >>> Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return np.ones(tuple(shape), standardize_dtype(dtype))


class Identity(Initializer):
    """`gain` on the main diagonal of a matrix, 0 elsewhere.

    >>> Identity()((2, 2))
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(
                "Identity matrix initializer can only be used for 2D matrices. "
                f"Received: shape={tuple(shape)} of rank {len(shape)}."
            )
        return (self.gain * np.eye(*shape)).astype(standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}
