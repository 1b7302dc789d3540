"""Counts of right and wrong 0/1 predictions at thresholds, precision and recall."""

from collections.abc import Sequence
from typing import Any, ClassVar

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.losses.shapes import align_weights, check_same_shape, squeeze_or_expand
from nnseq.metrics.metric import Metric

KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def best(scores: Any, k: int) -> Any:
    """True at the k largest entries along the last axis; of equal ones the first come first.

    >>> best(ops.convert_to_tensor([[0.1, 0.5, 0.5]]), 1).numpy().tolist()
    [[False, True, False]]
    """
    classes = scores.shape[-1]
    if k > classes:
        raise ValueError(f"`top_k` must be at most the number of classes {classes}. Received: {k}")
    places = ops.arange(classes, dtype="int32")
    chosen: Any = ops.zeros_like(scores, dtype="bool")
    for _ in range(k):
        left = ops.where(chosen, float("-inf"), scores)
        first = ops.expand_dims(ops.cast(ops.argmax(left, axis=-1), "int32"), -1)
        chosen = ops.logical_or(chosen, ops.equal(places, first))
    return chosen


class ConfusionMetric(Metric):
    """Base: keeps the weighted counts of `_kinds` at T thresholds, each (T,), or (T, L) with L
    labels counted apart."""

    _kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(self, thresholds: Sequence[float], name: str | None, dtype: str | None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._limits = [float(limit) for limit in thresholds]
        self._counts: dict[str, Variable] = {}

    def _make_counts(self, *labels: int) -> None:
        self._counts = {
            kind: self.add_variable((len(self._limits), *labels), dtype="float64", name=kind)
            for kind in self._kinds
        }

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in 0/1 targets and scores of one shape (N, ...)."""
        y_true, y_pred, weights = self._aligned(y_true, y_pred, sample_weight)
        self._count(*(ops.reshape(x, (1, -1)) for x in (y_true, y_pred, weights)))

    def _aligned(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Targets, scores and weights of one shape."""
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
        y_true = ops.cast(ops.convert_to_tensor(y_true), "bool")
        y_true, y_pred = squeeze_or_expand(y_true, y_pred)
        check_same_shape(self.name, y_true, y_pred)
        weights = ops.ones_like(y_pred)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight, "float32")
            weights = weights * (align_weights(given, y_pred) if len(given.shape) else given)
        return y_true, y_pred, weights

    def _count_class(self, class_id: int | None, *parts: Any) -> None:
        """Counts targets, scores and weights of one entry of the last axis, or of all of them."""
        if class_id is not None:
            shape = tuple(parts[1].shape)
            if len(shape) < 2:
                raise ValueError(
                    f"{self.name}: with class_id={class_id} the scores must have shape "
                    f"(N, ..., classes). Received: {shape}"
                )
            parts = tuple(part[..., class_id] for part in parts)
        self._count(*(ops.reshape(part, (1, -1)) for part in parts))

    def _count(self, y_true: Any, y_pred: Any, weights: Any) -> None:
        """Adds to the counts; all arguments have shape (1, n) or (1, N, L)."""
        limits = ops.convert_to_tensor(self._limits, "float32")
        positive = ops.greater(y_pred, ops.reshape(limits, (-1,) + (1,) * (y_pred.ndim - 1)))
        for kind, count in self._counts.items():
            predicted = positive if kind.endswith("positives") else ops.logical_not(positive)
            same = kind.startswith("true")
            right = y_true if kind.endswith("positives") == same else ops.logical_not(y_true)
            hits = ops.where(ops.logical_and(predicted, right), weights, 0.0)
            count.assign(count.value + ops.cast(ops.sum(hits, axis=1), "float64"))


class _AtThresholds(ConfusionMetric):
    """Base of what has one value per threshold, a scalar for a single one."""

    _default_threshold = 0.5

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        limits = self._default_threshold if thresholds is None else thresholds
        limits = list(limits) if isinstance(limits, Sequence) else [limits]
        if thresholds is not None and any(not 0 <= limit <= 1 for limit in limits):
            raise ValueError(
                f"Threshold values must be in [0, 1]. Received: thresholds={thresholds}"
            )
        super().__init__(limits, name, dtype)
        self.thresholds = thresholds
        self._make_counts()

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


class _Ratio(_AtThresholds):
    """Base of precision and recall: the first count divided by the sum of both.

    Args:
        thresholds: a number in [0, 1] or several; scores above it are positive. 0.5 by default.
        top_k: only the k largest scores along the last axis can be positive, and without
            `thresholds` they all are.
        class_id: counts this entry of the last axis only.
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        if top_k is not None:
            self._default_threshold = float("-inf")
        super().__init__(thresholds, name, dtype)
        self.top_k = top_k
        self.class_id = class_id

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred, weights = self._aligned(y_true, y_pred, sample_weight)
        if self.top_k is not None:
            y_pred = ops.where(best(y_pred, self.top_k), y_pred, float("-inf"))
        self._count_class(self.class_id, y_true, y_pred, weights)

    def _values(self) -> Any:
        right, others = (count.value for count in self._counts.values())
        return ops.divide_no_nan(right, right + others)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "top_k": self.top_k, "class_id": self.class_id}


class Precision(_Ratio):
    """true positives / (true positives + false positives).

    >>> metric = Precision(top_k=1)
    >>> metric.update_state([[0, 1], [0, 1]], [[0.2, 0.3], [0.9, 0.8]])
    >>> float(metric.result())
    0.5
    """

    _kinds = ("true_positives", "false_positives")
    _direction = "up"


class Recall(_Ratio):
    """true positives / (true positives + false negatives).

    >>> metric = Recall(class_id=1)
    >>> metric.update_state([[0, 1], [0, 1]], [[0.2, 0.3], [0.9, 0.8]])
    >>> float(metric.result())
    0.5
    """

    _kinds = ("true_positives", "false_negatives")
    _direction = "up"
