"""Sums and means, kept in float64 so that counts do not saturate."""

from collections.abc import Callable
from typing import Any

from nnseq import ops
from nnseq.losses.shapes import align_weights
from nnseq.metrics.metric import Metric


def _weighted(values: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Returns (values * weights, weights), the weights with the rank of the values."""
    values = ops.cast(ops.convert_to_tensor(values), "float32")
    mask = getattr(values, "_keras_mask", None)
    weights = None if sample_weight is None else ops.convert_to_tensor(sample_weight, "float32")
    if mask is not None:
        mask = ops.cast(mask, "float32")
        weights = mask if weights is None else align_weights(weights, mask) * mask
    if weights is None:
        return values, None
    if len(weights.shape) == 0 and len(values.shape) > 0:
        weights = weights * ops.ones_like(values)
    weights = align_weights(weights, values)
    return values * weights, weights


def _add(variable: Any, value: Any) -> None:
    variable.assign(variable.value + ops.cast(value, "float64"))


class Sum(Metric):
    """The sum of all values, each times its weight.

    >>> total = Sum()
    >>> total.update_state([1.0, 2.0], sample_weight=[1.0, 0.5])
    >>> float(total.result())
    2.0
    """

    def __init__(self, name: str = "sum", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype="float64", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = _weighted(values, sample_weight)
        _add(self.total, ops.sum(values))

    def result(self) -> Any:
        return self.total.value


class Mean(Metric):
    """The weighted mean over samples; of values (N, ...) first the mean of each sample is taken.

    >>> mean = Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean.update_state([5.0], sample_weight=[2.0])
    >>> float(mean.result())
    3.5
    """

    def __init__(self, name: str = "mean", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), dtype="float64", name="total")
        self.count = self.add_variable((), dtype="float64", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weights = _weighted(values, sample_weight)
        rank = len(values.shape)
        if rank > 1:
            inner = tuple(range(1, rank))
            values = ops.mean(values, axis=inner)
            weights = None if weights is None else ops.mean(weights, axis=inner)
        _add(self.total, ops.sum(values))
        if weights is not None:
            _add(self.count, ops.sum(weights))
        else:
            _add(self.count, ops.shape(values)[0] if rank else 1.0)

    def result(self) -> Any:
        return ops.divide_no_nan(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **kwargs)` over samples; a mask of y_pred counts as weights.

    >>> metric = MeanMetricWrapper(lambda t, p: ops.abs(t - p), name="distance")
    >>> metric.update_state(ops.convert_to_tensor([1.0, 2.0]), ops.convert_to_tensor([2.0, 4.0]))
    >>> float(metric.result())
    1.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name or str(getattr(fn, "__name__", "mean")), dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        mask = getattr(y_pred, "_keras_mask", None)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if mask is not None:
            mask = ops.cast(mask, "float32")
            if sample_weight is None:
                sample_weight = mask
            else:
                weights = ops.convert_to_tensor(sample_weight, "float32")
                sample_weight = align_weights(weights, mask) * mask
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._fn_kwargs}
        return config if type(self) is not MeanMetricWrapper else {"fn": self._fn, **config}
