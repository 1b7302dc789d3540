"""Arrays before and after a model."""

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows of integer classes: (N,) or (N, 1) -> (N, num_classes), float32.

    Raises:
        ValueError: a class outside of 0..num_classes-1, or not an integer.

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    given = np.asarray(x)
    classes = given.astype("int64")
    if given.dtype.kind == "f" and not np.array_equal(classes, given):
        raise ValueError("to_categorical: classes must be integers.")
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    flat = classes.reshape(-1)
    if num_classes is None:
        num_classes = int(flat.max()) + 1 if flat.size else 0
    wrong = np.flatnonzero((flat < 0) | (flat >= num_classes))
    if wrong.size:
        raise ValueError(
            f"to_categorical: class {flat[wrong[0]]} of sample {wrong[0]} is not in "
            f"0..{num_classes - 1}."
        )
    hot = np.zeros((flat.size, num_classes), np.float32)
    hot[np.arange(flat.size), flat] = 1
    return hot.reshape(*classes.shape, num_classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divides by the norm of this order along `axis`; zero vectors stay.

    >>> normalize([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """
    array = np.atleast_1d(np.asarray(x))
    norms = np.atleast_1d(np.linalg.norm(array, order, axis))
    norms[norms == 0] = 1
    return array / np.expand_dims(norms, axis)
