"""F-scores: weighted harmonic means of precision and recall."""

from typing import Any

from nnseq import ops
from nnseq.engine.dtypes import epsilon
from nnseq.engine.variable import Variable
from nnseq.losses.shapes import check_same_shape
from nnseq.metrics.metric import Metric

_AVERAGES = (None, "micro", "macro", "weighted")
_COUNTS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """(1 + beta^2) * precision * recall / (beta^2 * precision + recall), of targets (N, C) of 0
    and 1 and scores (N, C).

    Args:
        average: None: one value per class (C,); "macro": their mean; "weighted": their mean by the
            number of targets 1; "micro": one value of the counts of all classes.
        beta: how much more recall matters than precision.
        threshold: scores above it are positive; None: the largest score of each sample is.

    >>> metric = FBetaScore(beta=2.0, threshold=0.5)
    >>> metric.update_state([[1, 1], [1, 0]], [[0.2, 0.6], [0.7, 0.8]])
    >>> metric.result().numpy().round(3).tolist()
    [0.556, 0.833]
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in _AVERAGES:
            raise ValueError(
                f"Argument `average` must be one of {_AVERAGES}. Received: average={average!r}"
            )
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(f"Argument `beta` must be a float > 0. Received: beta={beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(
                "Argument `threshold` must be None or a float with 0 < threshold <= 1. "
                f"Received: threshold={threshold!r}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._counts: list[Variable] = []

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in targets and scores (N, C) and weights (N,)."""
        y_true, y_pred = (ops.convert_to_tensor(y, "float32") for y in (y_true, y_pred))
        check_same_shape(self.name, y_true, y_pred)
        if y_pred.ndim != 2 or y_pred.shape[1] is None:
            raise ValueError(
                f"{self.name}: expected targets and scores of shape (N, classes). "
                f"Received: y_pred.shape={tuple(y_pred.shape)}"
            )
        if not self._counts:
            shape = () if self.average == "micro" else (y_pred.shape[1],)
            self._counts = [self.add_variable(shape, dtype="float64", name=n) for n in _COUNTS]
        predicted = ops.cast(self._positive(y_pred), "float32")
        values = (
            predicted * y_true,
            predicted * (1.0 - y_true),
            (1.0 - predicted) * y_true,
            y_true,
        )
        for count, value in zip(self._counts, values, strict=True):
            if sample_weight is not None:
                weights = ops.convert_to_tensor(sample_weight, "float32")
                value = value * ops.reshape(weights, (-1, 1))
            added = ops.sum(value, axis=None if self.average == "micro" else 0)
            count.assign(count.value + ops.cast(added, "float64"))

    def _positive(self, y_pred: Any) -> Any:
        if self.threshold is not None:
            return ops.greater(y_pred, self.threshold)
        largest = ops.max(y_pred, axis=-1, keepdims=True)
        is_zero = ops.less_equal(ops.abs(y_pred), 1e-9)  # all scores 0: none is positive
        return ops.logical_and(ops.greater_equal(y_pred, largest), ops.logical_not(is_zero))

    def result(self) -> Any:
        if not self._counts:
            return ops.zeros(())
        right, wrong, missed, support = (count.value for count in self._counts)
        precision = right / (right + wrong + epsilon())
        recall = right / (right + missed + epsilon())
        square = self.beta**2
        score = precision * recall / (square * precision + recall + epsilon()) * (1.0 + square)
        if self.average == "weighted":
            return ops.sum(score * (support / (ops.sum(support) + epsilon())))
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """2 * precision * recall / (precision + recall); see FBetaScore.

    >>> metric = F1Score(average="micro")
    >>> metric.update_state([[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]])
    >>> round(float(metric.result()), 4)
    0.5
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(average=average, threshold=threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
