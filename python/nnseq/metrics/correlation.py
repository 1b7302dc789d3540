"""How far predictions follow the targets: R2 and correlations."""

from typing import Any

from nnseq import ops
from nnseq.engine.dtypes import epsilon
from nnseq.engine.variable import Variable
from nnseq.losses.functions import float_targets
from nnseq.losses.shapes import check_same_shape
from nnseq.metrics.metric import Metric
from nnseq.metrics.reduction import MeanMetricWrapper


def _centred(name: str, y_true: Any, y_pred: Any, axis: Any) -> tuple[Any, Any, Any]:
    """Both minus their means, and the difference of the means."""
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape(name, y_true, y_pred)
    means = [ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    return y_true - means[0], y_pred - means[1], means[0] - means[1]


def pearson_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> Any:
    """The covariance along `axis` divided by both standard deviations; NaN for constants.

    >>> pearson_correlation([[0.0, 1.0, 2.0]], [[4.0, 2.0, 0.0]]).numpy().round(4)
    array([-1.], dtype=float32)
    """
    a, b, _ = _centred("pearson_correlation", y_true, y_pred, axis)
    a = a / ops.std(a, axis=axis, keepdims=True)
    b = b / ops.std(b, axis=axis, keepdims=True)
    return ops.mean(a * b, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> Any:
    """2 covariance / (both variances + squared difference of the means + 1e-7) along `axis`: 1
    only for equal values (Lin, 1989).

    >>> concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]).numpy().round(4)
    array([1.], dtype=float32)
    """
    a, b, shift = _centred("concordance_correlation", y_true, y_pred, axis)
    spread = ops.var(a, axis=axis, keepdims=True) + ops.var(b, axis=axis, keepdims=True)
    return ops.mean(2.0 * a * b / (spread + ops.square(shift) + epsilon()), axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean over samples of Pearson's correlation along `axis`."""

    _direction = "up"

    def __init__(
        self, name: str = "pearson_correlation", dtype: str | None = None, axis: Any = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean over samples of the concordance correlation along `axis`."""

    _direction = "up"

    def __init__(
        self, name: str = "concordance_correlation", dtype: str | None = None, axis: Any = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - sum((y_true - y_pred)^2) / sum((y_true - mean)^2) of each output over all samples.

    Args:
        class_aggregation: "uniform_average" or "variance_weighted_average" of the outputs, or
            None for one value each.
        num_regressors: with p > 0 the adjusted score 1 - (1 - R2) (n - 1) / (n - p - 1), where n
            counts samples times outputs, as in Keras; left alone where n - 1 <= p.

    >>> metric = R2Score()
    >>> metric.update_state([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    >>> round(float(metric.result()), 4)
    0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                "Invalid value for argument `class_aggregation`. Expected one of "
                f"{_AGGREGATIONS}. Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. "
                f"Received: num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), dtype="float64", name="num_samples")
        self._sums: list[Variable] = []

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in targets and predictions (N, outputs) and weights (N,)."""
        y_true, y_pred = float_targets(y_true, y_pred)
        check_same_shape(self.name, y_true, y_pred)
        if y_pred.ndim != 2 or y_pred.shape[1] is None:
            raise ValueError(
                f"{self.name}: expected targets and predictions of shape (N, outputs). "
                f"Received: y_pred.shape={tuple(y_pred.shape)}"
            )
        if not self._sums:
            names = ("squared_sum", "sum", "residual", "count")
            shape = (int(y_pred.shape[1]),)
            self._sums = [self.add_variable(shape, dtype="float64", name=n) for n in names]
        weights = ops.ones_like(y_true)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight, dtype=y_true.dtype)
            weights = weights * (ops.expand_dims(given, 1) if given.ndim == 1 else given)
        # Squares of what does not vary cancel later, so they are taken in float64.
        target, error, weights = (
            ops.cast(x, "float64") for x in (y_true, y_true - y_pred, weights)
        )
        added = (target * target * weights, target * weights, error * error * weights, weights)
        for total, value in zip(self._sums, added, strict=True):
            total.assign(total.value + ops.sum(value, axis=0))
        rows = ops.cast(ops.shape(y_true)[0], "float64")
        self.num_samples.assign(self.num_samples.value + rows * float(y_pred.shape[1]))

    def result(self) -> Any:
        if not self._sums:
            return ops.zeros(())
        squares, total, residual, count = (variable.value for variable in self._sums)
        spread = squares - total * (total / count)
        scores = 1.0 - residual / spread
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation is not None:
            scores = ops.sum(spread * scores) / ops.sum(spread)
        if self.num_regressors == 0:
            return scores
        free = self.num_samples.value - 1.0
        enough = ops.greater(free, float(self.num_regressors))
        left = ops.where(enough, free - float(self.num_regressors), 1.0)
        return ops.where(enough, 1.0 - (1.0 - scores) * free / left, scores)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
