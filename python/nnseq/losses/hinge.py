"""Hinge losses, which ask for a margin of 1."""

from typing import Any

from nnseq import ops
from nnseq.losses.functions import float_targets
from nnseq.losses.losses import LossFunctionWrapper
from nnseq.losses.shapes import check_same_shape


def _signed(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Targets in {-1, 1}: if all of them are 0 or 1, 0 becomes -1."""
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape(name, y_true, y_pred)
    is_binary = ops.all(ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0)))
    return ops.where(is_binary, 2.0 * y_true - 1.0, y_true), y_pred


def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true * y_pred, 0), axis=-1); targets are -1 or 1, or 0 or 1.

    >>> hinge([[0.0, 1.0]], [[0.5, 2.0]]).numpy()
    array([0.75], dtype=float32)
    """
    y_true, y_pred = _signed("hinge", y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true * y_pred, 0)^2, axis=-1); targets are -1 or 1, or 0 or 1."""
    y_true, y_pred = _signed("squared_hinge", y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(largest wrong - right + 1, 0) of one-hot targets (N, ..., C)."""
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape(
        "categorical_hinge", y_true, y_pred, " Targets are one-hot; see utils.to_categorical."
    )
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


class Hinge(LossFunctionWrapper):
    """mean(max(1 - y_true * y_pred, 0)) over the last axis."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: str | None = None,
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """mean(max(1 - y_true * y_pred, 0)^2) over the last axis."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: str | None = None,
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """max(largest wrong - right + 1, 0) of one-hot targets."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: str | None = None,
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
