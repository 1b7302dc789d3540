"""The area under a curve of rates."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.metrics.confusion import KINDS, ConfusionMetric

_CURVES = {"roc": "ROC", "pr": "PR", "prgain": "PRGAIN"}
_METHODS = {"interpolation": "interpolation", "minoring": "minoring", "majoring": "majoring"}
_METHODS |= {"Interpolation": "interpolation", "Minoring": "minoring", "Majoring": "majoring"}


class AUC(ConfusionMetric):
    """The area under a curve through the rates at the thresholds.

    Args:
        num_thresholds: how many thresholds i / (num_thresholds - 1).
        curve: "ROC" (true against false positive rate), "PR" (precision against recall) or
            "PRGAIN" (precision gain against recall gain; Flach and Kull, 2015).
        summation_method: "interpolation", or the lower ("minoring") or higher ("majoring") end of
            each piece.
        thresholds: use these, in (0, 1), instead of `num_thresholds` regular ones.
        multi_label: scores (N, labels) have a curve per label and the areas are averaged; else all
            scores are of one label.
        num_labels: with multi_label, if it is to be known before the first batch.
        label_weights: of the average, or of the entries of the last axis.
        from_logits: whether scores are to go through a sigmoid first.

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
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 1. "
                f"Received: num_thresholds={num_thresholds}"
            )
        if str(curve).lower() not in _CURVES:
            raise ValueError(f"`curve` must be 'ROC', 'PR' or 'PRGAIN'. Received: curve={curve!r}")
        if summation_method not in _METHODS:
            raise ValueError(
                "`summation_method` must be 'interpolation', 'minoring' or 'majoring'. Received: "
                f"summation_method={summation_method!r}"
            )
        if num_labels and not multi_label:
            raise ValueError(
                "`num_labels` is needed only when `multi_label` is True. "
                f"Received: num_labels={num_labels}"
            )
        if thresholds is None:
            inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
        else:
            inner = sorted(float(limit) for limit in thresholds)
        self.thresholds = [-1e-7, *inner, 1.0 + 1e-7]
        super().__init__(self.thresholds, name, dtype)
        self._has_own_thresholds = thresholds is not None
        self.num_thresholds = len(self.thresholds)
        self.curve = _CURVES[str(curve).lower()]
        self.summation_method = _METHODS[summation_method]
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = label_weights
        self.from_logits = from_logits
        if not multi_label:
            self._make_counts()
        elif num_labels:
            self._make_counts(num_labels)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.from_logits:
            y_pred = ops.sigmoid(ops.convert_to_tensor(y_pred))
        y_true, y_pred, weights = self._aligned(y_true, y_pred, sample_weight)
        y_pred = ops.clip(y_pred, 0.0, 1.0)
        if self.multi_label:
            self._check_labels(tuple(y_pred.shape))
            self._count(*(ops.expand_dims(x, 0) for x in (y_true, y_pred, weights)))
            return
        if self.label_weights is not None:
            weights = weights * ops.convert_to_tensor(self.label_weights, "float32")
        self._count(*(ops.reshape(x, (1, -1)) for x in (y_true, y_pred, weights)))

    def _check_labels(self, shape: tuple[Any, ...]) -> None:
        if len(shape) != 2:
            raise ValueError(
                f"{self.name}: `y_pred` must have rank 2 when `multi_label=True`. "
                f"Received: y_pred.shape={shape}"
            )
        if not self._counts:
            self._make_counts(shape[1])
        labels = self._counts[KINDS[0]].shape[1]
        if shape[1] != labels:
            raise ValueError(
                f"{self.name}: expected scores of {labels} labels. Received: y_pred.shape={shape}"
            )

    def result(self) -> Any:
        if not self._counts:
            return ops.zeros(())
        tp, fp, tn, fn = (self._counts[kind].value for kind in KINDS)
        if self.curve == "PR" and self.summation_method == "interpolation":
            pieces = _pieces_precision_recall(tp, fp, fn)
        else:
            x, y = _CURVE_POINTS[self.curve](tp, fp, tn, fn)
            pieces = (x[:-1] - x[1:]) * self._heights(y)
        areas = ops.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.convert_to_tensor(self.label_weights, areas.dtype)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))

    def _heights(self, y: Any) -> Any:
        if self.summation_method == "interpolation":
            return (y[:-1] + y[1:]) / 2.0
        chosen = ops.minimum if self.summation_method == "minoring" else ops.maximum
        return chosen(y[:-1], y[1:])

    def get_config(self) -> dict[str, Any]:
        weights = self.label_weights
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if weights is None else [float(weight) for weight in weights],
            "from_logits": self.from_logits,
        }
        if self._has_own_thresholds:
            config["thresholds"] = self.thresholds[1:-1]
        return config


def _receiver_operating(tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
    return ops.divide_no_nan(fp, fp + tn), ops.divide_no_nan(tp, tp + fn)


def _precision_recall(tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
    return ops.divide_no_nan(tp, tp + fn), ops.divide_no_nan(tp, tp + fp)


def _precision_recall_gain(tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
    """1 - odds * fn / tp and 1 - odds * fp / tp; 0 and 1 without a true positive."""
    odds = ops.divide_no_nan(tp + fn, tn + fp)
    none = ops.equal(tp, 0.0)
    recall = ops.where(none, ops.zeros_like(tp), 1.0 - odds * ops.divide_no_nan(fn, tp))
    return ops.maximum(recall, 0.0), 1.0 - odds * ops.divide_no_nan(fp, tp)


_CURVE_POINTS = {
    "ROC": _receiver_operating,
    "PR": _precision_recall,
    "PRGAIN": _precision_recall_gain,
}


def _pieces_precision_recall(tp: Any, fp: Any, fn: Any) -> Any:
    """Between thresholds tp and p = tp + fp are taken as linear (Davis and Goadrich, 2006):
    the area is slope * (dtp + (tp - slope * p) * log(p_before / p)) / (tp + fn)."""
    p = tp + fp
    dtp = tp[:-1] - tp[1:]
    slope = ops.divide_no_nan(dtp, ops.maximum(p[:-1] - p[1:], 0.0))
    intercept = tp[1:] - slope * p[1:]
    both = ops.logical_and(ops.greater(p[:-1], 0.0), ops.greater(p[1:], 0.0))
    ratio = ops.where(both, ops.divide_no_nan(p[:-1], p[1:]), ops.ones_like(dtp))
    area = slope * (dtp + intercept * ops.log(ratio))
    return ops.divide_no_nan(area, tp[1:] + fn[1:])
