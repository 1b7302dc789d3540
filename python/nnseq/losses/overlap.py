"""How far two masks are from covering each other, for segmentation."""

from typing import Any

from nnseq import ops
from nnseq.engine.dtypes import epsilon
from nnseq.losses.functions import float_targets
from nnseq.losses.losses import LossFunctionWrapper
from nnseq.losses.shapes import check_same_shape


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """1 - 2 sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + 1e-7), the sums over `axis` (over
    everything, the samples too, with None).

    >>> round(float(dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
    0.3333
    """
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape("dice", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    size = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * both / (size + epsilon())


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Any:
    """1 - t / (t + alpha * m + beta * w + 1e-7): t = sum(y_true * y_pred) is found, m =
    sum(y_true * (1 - y_pred)) missed and w = sum((1 - y_true) * y_pred) wrong (Salehi et al.,
    2017). The sums are as those of `dice`, which it is with the default weights.

    >>> round(float(tversky([[1.0, 0.0]], [[1.0, 1.0]], beta=1.0)), 4)
    0.5
    """
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape("tversky", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axis)
    wrong = ops.sum((1.0 - y_true) * y_pred, axis=axis)
    return 1.0 - both / (both + missed * alpha + wrong * beta + epsilon())


class Dice(LossFunctionWrapper):
    """1 - Dice's coefficient of two masks."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """1 - Tversky's index of two masks: alpha weighs what is missed, beta what is wrong."""

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
