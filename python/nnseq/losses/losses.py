"""Losses as objects: a function with its arguments, a reduction and a name."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnseq.engine.nest import is_nested
from nnseq.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from nnseq.losses.loss import Loss
from nnseq.losses.shapes import ClassTargets, check_classes, squeeze_or_expand, to_tensors


class LossFunctionWrapper(Loss):
    """Makes a Loss of `fn(y_true, y_pred, **kwargs)`.

    >>> from nnseq import ops
    >>> loss = LossFunctionWrapper(lambda t, p: ops.square(t - p), reduction="sum")
    >>> float(loss([1.0, 2.0], [1.0, 4.0]))
    4.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    @property
    def _classes(self) -> ClassTargets | None:
        """What the function says of its targets, if they are integers."""
        return getattr(self.fn, "class_targets", None)

    def _convert_targets(self, y_true: Any) -> Any:
        return super()._convert_targets(y_true) if self._classes is None else to_tensors(y_true)

    def expected_targets(self, shape: Any, dtype: str) -> tuple[Any, str]:
        if self._classes is None:
            return shape, dtype
        return self._classes.shape(shape, self._fn_kwargs.get("axis", -1)), "int64"

    def check_targets(self, y_true: np.ndarray, shape: Sequence[int | None]) -> None:
        if self._classes is None or not self._classes.checked:
            return
        count = shape[self._fn_kwargs.get("axis", -1)] if shape else None
        if count is not None:
            check_classes(self.name, y_true, count, self._fn_kwargs.get("ignore_class"))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if not is_nested(y_true) and not is_nested(y_pred):
            y_true, y_pred = squeeze_or_expand(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._fn_kwargs}
        return config if type(self) is not LossFunctionWrapper else {"fn": self.fn, **config}

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


class MeanSquaredError(LossFunctionWrapper):
    """mean((y_true - y_pred)^2) over the last axis."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """mean(|y_true - y_pred|) over the last axis."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of 0/1 targets and probabilities (or logits) of the same shape."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot (or soft) targets (N, ..., C) and predictions (N, ..., C)."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of integer classes (N, ...) and predictions (N, ..., C).

    >>> loss = SparseCategoricalCrossentropy(from_logits=True)
    >>> round(float(loss([0], [[0.0, 0.0]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
