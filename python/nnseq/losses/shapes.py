"""How the shapes of targets, predictions and weights are brought together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from nnseq import ops
from nnseq.engine.nest import flatten, map_structure


def to_tensors(data: Any, dtype: str | None = None) -> Any:
    """Tensors of everything in a structure; nested lists of numbers are one Tensor.

    >>> to_tensors([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if isinstance(data, list | tuple | Mapping) and any(hasattr(x, "shape") for x in flatten(data)):
        return map_structure(lambda x: ops.convert_to_tensor(x, dtype=dtype), data)
    return ops.convert_to_tensor(data, dtype=dtype)


def squeeze_or_expand(a: Any, b: Any) -> tuple[Any, Any]:
    """Makes the ranks equal where they differ by one and the extra last dim is 1.

    (N,) becomes (N, 1); with more dims the extra dim is dropped: (N, T, 1) becomes (N, T).

    >>> a, b = squeeze_or_expand(ops.zeros((4,)), ops.zeros((4, 1)))
    >>> a.shape, b.shape
    ((4, 1), (4, 1))
    """
    if len(a.shape) == len(b.shape) + 1:
        b, a = squeeze_or_expand(b, a)
    elif len(b.shape) == len(a.shape) + 1 and b.shape[-1] == 1:
        if len(a.shape) == 1:
            a = ops.expand_dims(a, -1)
        else:
            b = squeeze_last(b)
    return a, b


def squeeze_last(x: Any) -> Any:
    """Drops a last dim of 1, keeping in mind the logits that a sigmoid was made of."""
    squeezed = ops.squeeze(x, axis=-1)
    producer = getattr(x, "_producer", None)
    if producer is not None and producer[0] == "sigmoid":
        squeezed._producer = ("sigmoid", ops.squeeze(producer[1], axis=-1))
    return squeezed


def compatible(a: tuple[int | None, ...], b: tuple[int | None, ...]) -> bool:
    """Whether two shapes are equal as far as their dims are known."""
    return len(a) == len(b) and all(
        x is None or y is None or x == y for x, y in zip(a, b, strict=True)
    )


def check_same_shape(name: str, y_true: Any, y_pred: Any, hint: str = "") -> None:
    """Refuses targets that would have to be broadcast against the predictions."""
    if not compatible(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{name}: the targets have shape {tuple(y_true.shape)} but the predictions have shape "
            f"{tuple(y_pred.shape)}; the shapes must be equal.{hint}"
        )


def check_classes(name: str, labels: np.ndarray, classes: int, ignored: int | None = None) -> None:
    """Refuses labels that are not one of the integers 0 to classes - 1.

    >>> check_classes("loss", np.array([0, 7]), 3)
    Traceback (most recent call last):
        ...
    ValueError: loss: class 7 of sample 1 is not one of the model's 3 classes, 0 to 2.
    """
    if labels.size == 0:
        return
    if labels.dtype.kind != "f" and labels.min() >= 0 and labels.max() < classes:
        return
    rows = labels.reshape(len(labels), -1)
    wrong = (rows < 0) | (rows >= classes)
    if rows.dtype.kind == "f":
        wrong |= rows != np.floor(rows)
    if ignored is not None:
        wrong &= rows != ignored
    if wrong.any():
        sample, place = np.argwhere(wrong)[0]
        raise ValueError(
            f"{name}: class {rows[sample, place]} of sample {sample} is not one of the model's "
            f"{classes} classes, 0 to {classes - 1}."
        )


@dataclass(frozen=True)
class ClassTargets:
    """What a function of integer targets takes.

    shape: theirs, of the shape of the predictions and the axis of the classes. checked: whether
    they have to be one of the classes.
    """

    shape: Callable[[Any, int], Any]
    checked: bool = True


F = TypeVar("F", bound=Callable[..., Any])


def takes_classes(shape: Callable[[Any, int], Any], checked: bool = True) -> Callable[[F], F]:
    """Marks a loss function whose targets are integers; see ClassTargets."""

    def mark(function: F) -> F:
        function.class_targets = ClassTargets(shape, checked)  # type: ignore[attr-defined]
        return function

    return mark


def without_axis(shape: Any, axis: int) -> Any:
    """One class for each distribution: the shape without the axis of the classes.

    >>> without_axis((None, 5, 3), -1)
    (None, 5)
    """
    axis %= len(shape)
    return (*shape[:axis], *shape[axis + 1 :])


def align_weights(weights: Any, values: Any) -> Any:
    """Returns the weights with the rank of `values`: (N,) for values (N, T) counts per sample."""
    if len(weights.shape) == len(values.shape) + 1 and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    given = tuple(weights.shape)
    for _ in range(len(values.shape) - len(given)):
        weights = ops.expand_dims(weights, -1)
    fits = len(weights.shape) == len(values.shape) and all(
        w in (None, 1) or v is None or w == v
        for w, v in zip(weights.shape, values.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Sample weights of shape {given} do not fit values of shape {tuple(values.shape)}; "
            "expected one weight per sample or per value."
        )
    return weights
