"""Counts of right and wrong 0/1 predictions at thresholds, precision and recall, and the area
under a curve."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from nnseq import ops
from nnseq.losses.shapes import align_weights, check_same_shape, squeeze_or_expand
from nnseq.metrics.metric import Metric

# Arguments of Keras that its configurations have and that have no effect when not set.
_UNSET = ("class_id", "label_weights", "multi_label", "num_labels", "top_k")
_KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class ConfusionMetric(Metric):
    """Base: keeps the weighted counts of `_kinds`, each (T,), at T thresholds."""

    _kinds: ClassVar[tuple[str, ...]] = _KINDS

    def __init__(self, thresholds: Sequence[float], name: str | None, dtype: str | None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._limits = [float(limit) for limit in thresholds]
        self._counts = {
            kind: self.add_variable((len(self._limits),), dtype="float64", name=kind)
            for kind in self._kinds
        }

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in 0/1 targets and scores of one shape (N, ...)."""
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
        y_true = ops.cast(ops.convert_to_tensor(y_true), "bool")
        y_true, y_pred = squeeze_or_expand(y_true, y_pred)
        check_same_shape(self.name, y_true, y_pred)
        weights = ops.ones_like(y_pred)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight, "float32")
            weights = weights * (align_weights(given, y_pred) if len(given.shape) else given)
        self._count(*(ops.reshape(x, (1, -1)) for x in (y_true, y_pred, weights)))

    def _count(self, y_true: Any, y_pred: Any, weights: Any) -> None:
        """Adds to the counts; all arguments have shape (1, n)."""
        limits = ops.reshape(ops.convert_to_tensor(self._limits, "float32"), (-1, 1))
        positive = ops.greater(y_pred, limits)
        for kind, count in self._counts.items():
            predicted = positive if kind.endswith("positives") else ops.logical_not(positive)
            same = kind.startswith("true")
            right = y_true if kind.endswith("positives") == same else ops.logical_not(y_true)
            hits = ops.where(ops.logical_and(predicted, right), weights, 0.0)
            count.assign(count.value + ops.cast(ops.sum(hits, axis=1), "float64"))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        unset = {key for key in _UNSET if config.get(key) is None or config.get(key) is False}
        return cls(**{key: value for key, value in config.items() if key not in unset})


class _AtThresholds(ConfusionMetric):
    """Base of what has one value per threshold, a scalar for a single one."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        limits = [0.5] if thresholds is None else thresholds
        limits = list(limits) if isinstance(limits, Sequence) else [limits]
        if any(not 0 <= limit <= 1 for limit in limits):
            raise ValueError(f"Thresholds must be in [0, 1]. Received: thresholds={thresholds}")
        super().__init__(limits, name, dtype)
        self.thresholds = thresholds

    def _values(self) -> Any:
        """(T,)"""
        return self._counts[self._kinds[0]].value

    def result(self) -> Any:
        values = self._values()
        return values[0] if len(self._limits) == 1 else values

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.thresholds}


class TruePositives(_AtThresholds):
    """The number of targets 1 with a score above the threshold.

    >>> metric = TruePositives()
    >>> metric.update_state([0, 1, 1], [0.9, 0.8, 0.2])
    >>> float(metric.result())
    1.0
    """

    _kinds = ("true_positives",)
    _direction = "up"


class TrueNegatives(_AtThresholds):
    """The number of targets 0 with a score not above the threshold."""

    _kinds = ("true_negatives",)
    _direction = "up"


class FalsePositives(_AtThresholds):
    """The number of targets 0 with a score above the threshold."""

    _kinds = ("false_positives",)
    _direction = "down"


class FalseNegatives(_AtThresholds):
    """The number of targets 1 with a score not above the threshold."""

    _kinds = ("false_negatives",)
    _direction = "down"


class AUC(ConfusionMetric):
    """The area under the curve of true against false positive rate ("ROC"), or of precision
    against recall ("PR"), by interpolation between thresholds i / (num_thresholds - 1).

    >>> metric = AUC()
    >>> metric.update_state([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    >>> round(float(metric.result()), 4)
    0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        from_logits: bool = False,
    ) -> None:
        if num_thresholds <= 1:
            raise ValueError(f"`num_thresholds` must be > 1. Received: {num_thresholds}")
        if curve not in ("ROC", "PR"):
            raise ValueError(f"`curve` must be 'ROC' or 'PR'. Received: curve={curve!r}")
        if summation_method != "interpolation":
            raise ValueError(
                "`summation_method` must be 'interpolation'. Received: "
                f"summation_method={summation_method!r}"
            )
        inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
        super().__init__([-1e-7, *inner, 1.0 + 1e-7], name, dtype)
        self.num_thresholds = num_thresholds
        self.curve = curve
        self.summation_method = summation_method
        self.from_logits = from_logits

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.from_logits:
            y_pred = ops.sigmoid(ops.convert_to_tensor(y_pred))
        super().update_state(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        tp, fp, tn, fn = (self._counts[kind].value for kind in _KINDS)
        if self.curve == "PR":
            return _area_precision_recall(tp, fp, fn)
        recall = ops.divide_no_nan(tp, tp + fn)
        rate = ops.divide_no_nan(fp, fp + tn)
        return ops.sum((rate[:-1] - rate[1:]) * (recall[:-1] + recall[1:]) / 2.0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "from_logits": self.from_logits,
        }


def _area_precision_recall(tp: Any, fp: Any, fn: Any) -> Any:
    """Between thresholds tp and p = tp + fp are taken as linear (Davis and Goadrich, 2006):
    the area is slope * (dtp + (tp - slope * p) * log(p_before / p)) / (tp + fn)."""
    p = tp + fp
    dtp = tp[:-1] - tp[1:]
    slope = ops.divide_no_nan(dtp, ops.maximum(p[:-1] - p[1:], 0.0))
    intercept = tp[1:] - slope * p[1:]
    both = ops.logical_and(ops.greater(p[:-1], 0.0), ops.greater(p[1:], 0.0))
    ratio = ops.where(both, ops.divide_no_nan(p[:-1], p[1:]), ops.ones_like(dtp))
    area = slope * (dtp + intercept * ops.log(ratio))
    return ops.sum(ops.divide_no_nan(area, tp[1:] + fn[1:]))


class Precision(_AtThresholds):
    """true positives / (true positives + false positives)."""

    _kinds = ("true_positives", "false_positives")
    _direction = "up"

    def _values(self) -> Any:
        right, wrong = (count.value for count in self._counts.values())
        return ops.divide_no_nan(right, right + wrong)


class Recall(_AtThresholds):
    """true positives / (true positives + false negatives)."""

    _kinds = ("true_positives", "false_negatives")
    _direction = "up"

    def _values(self) -> Any:
        right, missed = (count.value for count in self._counts.values())
        return ops.divide_no_nan(right, right + missed)
