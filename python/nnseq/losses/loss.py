"""The base of all losses: weights, masks and reduction."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from nnseq import ops
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.naming import root_scope, uniquify
from nnseq.losses.shapes import align_weights, to_tensors

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
_SMALLEST_MEAN = 1e-12  # below 1/n of any mask, so that it decides only when nothing is valid


class Loss:
    """Base of losses; subclasses implement `call(y_true, y_pred)`, which gives one value per
    sample (or per step), and the base weighs and reduces them.

    reduction: "sum_over_batch_size" or "mean" (the sum divided by the number of values, not of
    weights), "sum", "mean_with_sample_weight" (divided by the sum of the weights), "none" or None.

    >>> class Distance(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.max(ops.abs(y_true - y_pred), axis=-1)
    >>> float(Distance()([[0.0, 1.0]], [[0.5, 3.0]]))
    2.0
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | None = None,
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                "Invalid value for argument `reduction`. "
                f"Expected one of {REDUCTIONS}. Received: reduction={reduction!r}"
            )
        self.name = name or uniquify(type(self).__name__)
        self.reduction = reduction
        self.dtype = standardize_dtype(dtype)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the reduced loss, a scalar unless the reduction is "none"."""
        with root_scope(self.name):  # errors of the core name the loss
            return self._reduced(y_true, y_pred, sample_weight)

    def _reduced(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        mask = getattr(y_pred, "_keras_mask", None)
        y_pred = to_tensors(y_pred, self.dtype)
        values = self.call(self._convert_targets(y_true), y_pred)
        own_mask = getattr(values, "_keras_mask", None)
        if mask is None or own_mask is None:
            mask = own_mask if mask is None else mask
        else:
            mask = ops.logical_and(mask, own_mask)
        return reduce_weighted(values, sample_weight, mask, self.reduction)

    def _convert_targets(self, y_true: Any) -> Any:
        return to_tensors(y_true, self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each sample."""
        raise NotImplementedError(f"{type(self).__name__} must implement call(y_true, y_pred)")

    def expected_targets(self, shape: Any, dtype: str) -> tuple[Any, str]:
        """The shape and dtype of targets for predictions of this shape and dtype: the same."""
        return shape, dtype

    def check_targets(self, y_true: np.ndarray, shape: Sequence[int | None]) -> None:
        """Raises for targets that no step could use, given the shape of the predictions; called
        with all targets of a fit or evaluate before its first step."""

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


def reduce_weighted(
    values: Any, sample_weight: Any = None, mask: Any = None, reduction: str | None = "mean"
) -> Any:
    """Multiplies by weights and mask, then reduces.

    For the means a mask counts as weight total/valid where it is True, so that the result is the
    mean over the valid values.
    """
    values = ops.convert_to_tensor(values)
    weights = None
    if mask is not None:
        weights = align_weights(ops.cast(mask, values.dtype), values)
        if reduction in ("mean", "sum_over_batch_size"):
            weights = weights / ops.maximum(ops.mean(weights), _SMALLEST_MEAN)
    if sample_weight is not None:
        given = align_weights(ops.convert_to_tensor(sample_weight, dtype=values.dtype), values)
        weights = given if weights is None else weights * given
    if weights is not None:
        values = values * weights
    if reduction in (None, "none") or len(values.shape) == 0:
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and weights is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(weights))
    return ops.mean(values)
