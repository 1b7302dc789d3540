"""Means of further losses, the root mean squared error, and top-k accuracies."""

from typing import Any

from nnseq import ops
from nnseq.losses.divergence import kl_divergence, poisson
from nnseq.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    float_targets,
    sparse_categorical_crossentropy,
)
from nnseq.losses.hinge import categorical_hinge, hinge, squared_hinge
from nnseq.losses.regression import (
    cosine_similarity,
    log_cosh,
    mean_absolute_percentage_error,
    mean_squared_logarithmic_error,
)
from nnseq.losses.shapes import check_same_shape
from nnseq.metrics.reduction import Mean, MeanMetricWrapper


def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    return -cosine_similarity(y_true, y_pred, axis=axis)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of 100 * |y_true - y_pred| / |y_true|."""

    _direction = "down"

    def __init__(
        self, name: str = "mean_absolute_percentage_error", dtype: str | None = None
    ) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of (log(1 + y_true) - log(1 + y_pred))^2."""

    _direction = "down"

    def __init__(
        self, name: str = "mean_squared_logarithmic_error", dtype: str | None = None
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of log(cosh(y_pred - y_true))."""

    _direction = "down"

    def __init__(self, name: str = "logcosh", dtype: str | None = None) -> None:
        super().__init__(log_cosh, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """The mean of sum(y_true log(y_true / y_pred))."""

    _direction = "down"

    def __init__(self, name: str = "kl_divergence", dtype: str | None = None) -> None:
        super().__init__(kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of y_pred - y_true log(y_pred)."""

    _direction = "down"

    def __init__(self, name: str = "poisson", dtype: str | None = None) -> None:
        super().__init__(poisson, name, dtype)


class Hinge(MeanMetricWrapper):
    """The mean of max(1 - y_true * y_pred, 0)."""

    _direction = "down"

    def __init__(self, name: str = "hinge", dtype: str | None = None) -> None:
        super().__init__(hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of max(1 - y_true * y_pred, 0)^2."""

    _direction = "down"

    def __init__(self, name: str = "squared_hinge", dtype: str | None = None) -> None:
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of max(largest wrong - right + 1, 0)."""

    _direction = "down"

    def __init__(self, name: str = "categorical_hinge", dtype: str | None = None) -> None:
        super().__init__(categorical_hinge, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between y_true and y_pred: 1 for the same direction."""

    _direction = "up"

    def __init__(
        self, name: str = "cosine_similarity", dtype: str | None = None, axis: int = -1
    ) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The root of the mean of (y_true - y_pred)^2 over everything seen.

    >>> metric = RootMeanSquaredError()
    >>> metric.update_state([0.0, 0.0], [3.0, 3.0])
    >>> float(metric.result())
    3.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_true, y_pred = float_targets(y_true, y_pred)
        check_same_shape("root_mean_squared_error", y_true, y_pred)
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean binary cross-entropy."""

    _direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot targets."""

    _direction = "down"

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of integer classes; those that are `ignore_class` are left out of it,
    as in the loss (the metric of Keras counts them as 0 unless there are weights)."""

    _direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """1 where fewer than k classes have a larger score than class y_true, else 0.

    With from_sorted_ids y_pred holds classes, the likeliest first, instead of scores.

    >>> sparse_top_k_categorical_accuracy([0, 2], [[0.3, 0.2, 0.5], [0.6, 0.3, 0.1]], k=2).numpy()
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    check_same_shape("sparse_top_k_categorical_accuracy", y_true, y_pred[..., 0])
    if from_sorted_ids:
        is_first = ops.equal(ops.expand_dims(ops.cast(y_true, y_pred.dtype), -1), y_pred[..., :k])
        return ops.cast(ops.any(is_first, axis=-1), "float32")
    classes = ops.arange(y_pred.shape[-1], dtype="int32")
    is_class = ops.equal(ops.expand_dims(ops.cast(y_true, "int32"), -1), classes)
    score = ops.sum(ops.where(is_class, y_pred, 0.0), axis=-1, keepdims=True)
    larger = ops.sum(ops.cast(ops.greater(y_pred, score), "int32"), axis=-1)
    found = ops.logical_and(ops.less(larger, k), ops.any(is_class, axis=-1))
    return ops.cast(found, "float32")


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the class of the one-hot y_true is among the k largest scores, else 0."""
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    check_same_shape("top_k_categorical_accuracy", y_true, y_pred)
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class of the one-hot y_true is among the k likeliest."""

    _direction = "up"

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: str | None = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer class y_true is among the k likeliest."""

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: str | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
