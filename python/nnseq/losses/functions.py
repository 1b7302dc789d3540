"""Losses as functions: one value per sample, no reduction over samples."""

from typing import Any

from nnseq import ops
from nnseq.engine.dtypes import is_float
from nnseq.losses.shapes import (
    check_same_shape,
    compatible,
    squeeze_or_expand,
    takes_classes,
    without_axis,
)


def float_targets(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both as floating-point Tensors of the dtype of y_pred, their ranks made equal."""
    y_pred = ops.convert_to_tensor(y_pred)
    if not is_float(y_pred.dtype):
        y_pred = ops.cast(y_pred, "float32")
    return squeeze_or_expand(ops.convert_to_tensor(y_true, dtype=y_pred.dtype), y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_true - y_pred)^2, axis=-1).

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).numpy()
    array([2.5], dtype=float32)
    """
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_true - y_pred|, axis=-1)."""
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def smoothed(y_true: Any, label_smoothing: float, classes: Any) -> Any:
    """Targets mixed with this share of the uniform distribution.

    Raises:
        ValueError: if it is not in [0, 1].
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(
            f"label_smoothing must be in [0, 1]. Received: label_smoothing={label_smoothing}"
        )
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """mean(-y_true log(p) - (1 - y_true) log(1 - p), axis), p in [1e-7, 1 - 1e-7].

    With logits x (`from_logits`, or predictions made by a sigmoid) it is computed from them
    without clipping: mean(y_true softplus(-x) + (1 - y_true) softplus(x)).

    >>> binary_crossentropy([[1.0]], [[0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape("binary_crossentropy", y_true, y_pred, _binary_hint(y_true, y_pred))
    y_true = smoothed(y_true, label_smoothing, 2)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def _binary_hint(y_true: Any, y_pred: Any) -> str:
    if len(y_true.shape) <= 2 and y_true.shape[-1] in (1, None) and len(y_pred.shape) == 2:
        return (
            " For integer classes use sparse_categorical_crossentropy; for two classes end the "
            "model with Dense(1)."
        )
    return ""


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """-sum(y_true log(p), axis) of one-hot (or soft) targets; p is normalised and clipped.

    With logits (`from_logits`, or predictions made by a softmax) it is computed from them.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    check_same_shape(
        "categorical_crossentropy",
        y_true,
        y_pred,
        " For integer classes use sparse_categorical_crossentropy, or utils.to_categorical for "
        "one-hot targets.",
    )
    check_several_classes("categorical_crossentropy", y_pred)
    y_true, y_pred = class_last(y_true, y_pred, axis)
    y_true = smoothed(y_true, label_smoothing, y_pred.shape[-1])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits)


def check_several_classes(name: str, y_pred: Any) -> None:
    """Refuses predictions of one class."""
    if y_pred.shape[-1] == 1:
        raise ValueError(
            f"{name}: one class only (predictions of shape {tuple(y_pred.shape)}); the loss would "
            "always be 0. Use binary_crossentropy."
        )


def class_last(y_true: Any, y_pred: Any, axis: int) -> tuple[Any, Any]:
    """Targets and predictions with the class axis last."""
    rank = len(y_pred.shape)
    if axis % rank == rank - 1:
        return y_true, y_pred
    if len(y_true.shape) == rank:
        y_true = ops.moveaxis(y_true, axis, -1)
    return y_true, ops.moveaxis(y_pred, axis, -1)


@takes_classes(without_axis)
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """-log(p[class]) of integer classes y_true, of shape (N, ...) or (N, ..., 1).

    Values whose class is `ignore_class` are 0 and masked. A class outside of 0..C-1 is a
    ValueError that names it.

    >>> sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [0.25, 0.75]]).numpy().round(4)
    array([0.6931, 1.3863], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = ops.convert_to_tensor(y_true)
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, axis=-1)
    labels, y_pred = class_last(labels, y_pred, axis)
    if not compatible(labels.shape, y_pred.shape[:-1]):
        one_hot = compatible(labels.shape, y_pred.shape)
        raise ValueError(
            f"sparse_categorical_crossentropy: targets of shape {tuple(labels.shape)} do not fit "
            f"predictions of shape {tuple(y_pred.shape)}; expected one integer class per sample."
            + (" For one-hot targets use categorical_crossentropy." if one_hot else "")
        )
    if labels.dtype not in ("int32", "int64"):
        labels = ops.cast(labels, "int32")
    valid = None
    if ignore_class is not None:
        valid = ops.not_equal(labels, ignore_class)
        labels = ops.where(valid, labels, ops.zeros_like(labels))
    values = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits)
    if valid is not None:
        values = ops.where(valid, values, ops.zeros_like(values))
        values._keras_mask = valid
    return values
