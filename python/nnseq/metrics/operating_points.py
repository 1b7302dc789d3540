"""The best rate that a threshold gives while another rate is at least a value."""

from typing import Any

from nnseq import ops
from nnseq.metrics.confusion import KINDS, ConfusionMetric


class _BestRate(ConfusionMetric):
    """Base: the largest `_sought` rate at a threshold whose `_kept` rate is at least a value.

    Args:
        value: what the kept rate must be at least, in [0, 1]; named after it in subclasses.
        num_thresholds: how many thresholds i / (num_thresholds - 1); 0.5 if it is 1.
        class_id: counts this entry of the last axis only.
    """

    _direction = "up"
    _kept: str
    _sought: str

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(
                f"Argument `{self._kept}` must be in the range [0, 1]. "
                f"Received: {self._kept}={value}"
            )
        if num_thresholds <= 0:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 0. "
                f"Received: num_thresholds={num_thresholds}"
            )
        last = num_thresholds - 1
        super().__init__([i / last for i in range(num_thresholds)] if last else [0.5], name, dtype)
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.value = value
        self._make_counts()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred, weights = self._aligned(y_true, y_pred, sample_weight)
        self._count_class(self.class_id, y_true, ops.clip(y_pred, 0.0, 1.0), weights)

    def _rate(self, name: str) -> Any:
        """(T,)"""
        tp, fp, tn, fn = (self._counts[kind].value for kind in KINDS)
        part, rest = {
            "precision": (tp, fp),
            "recall": (tp, fn),
            "sensitivity": (tp, fn),
            "specificity": (tn, fp),
        }[name]
        return ops.divide_no_nan(part, part + rest)

    def result(self) -> Any:
        fits = ops.greater_equal(self._rate(self._kept), self.value)
        return ops.max(ops.where(fits, self._rate(self._sought), 0.0))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._kept: self.value,
        }


class SensitivityAtSpecificity(_BestRate):
    """The best sensitivity (share of targets 1 above the threshold) with at least this specificity
    (share of targets 0 not above it).

    >>> metric = SensitivityAtSpecificity(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    >>> float(metric.result())
    0.5
    """

    _kept, _sought = "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_BestRate):
    """The best specificity with at least this sensitivity."""

    _kept, _sought = "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_BestRate):
    """The best precision with at least this recall.

    >>> metric = PrecisionAtRecall(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    >>> float(metric.result())
    0.5
    """

    _kept, _sought = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_BestRate):
    """The best recall with at least this precision."""

    _kept, _sought = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
