"""Cross-entropies that count hard samples more, or wrong labels less."""

from typing import Any

from nnseq import ops
from nnseq.engine.dtypes import epsilon
from nnseq.losses.functions import check_several_classes, class_last, float_targets, smoothed
from nnseq.losses.losses import LossFunctionWrapper
from nnseq.losses.shapes import check_same_shape, compatible, takes_classes, without_axis


def _power(x: Any, exponent: float) -> Any:
    """x^exponent of an x that may be 0, where a derivative of x^0 would be 0/0."""
    return ops.ones_like(x) if exponent == 0 else ops.power(x, exponent)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """mean((1 - p_t)^gamma * cross-entropy, axis), where p_t = y p + (1 - y) (1 - p) is the
    probability of the target (Lin et al., 2017).

    apply_class_balancing: multiplies by alpha for targets 1, by 1 - alpha for 0. As in
    binary_crossentropy nothing is clipped where logits are known.

    >>> binary_focal_crossentropy([[1.0]], [[0.5]]).numpy().round(4)  # log(2) / 4
    array([0.1733], dtype=float32)
    """
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape("binary_focal_crossentropy", y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, 2)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    right = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    values = _power(1.0 - right, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(values, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """-sum(alpha (1 - p)^gamma y_true log(p), axis) of one-hot targets; p is normalised and
    clipped.

    >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
    array([0.0433], dtype=float32)
    """
    y_true, y_pred = float_targets(y_true, y_pred)
    check_same_shape("categorical_focal_crossentropy", y_true, y_pred)
    check_several_classes("categorical_focal_crossentropy", y_pred)
    y_true, y_pred = class_last(y_true, y_pred, axis)
    y_true = smoothed(y_true, label_smoothing, y_pred.shape[-1])
    p = ops.softmax(y_pred) if from_logits else y_pred
    p = ops.clip(p / ops.sum(p, axis=-1, keepdims=True), epsilon(), 1.0 - epsilon())
    return -ops.sum(alpha * _power(1.0 - p, gamma) * y_true * ops.log(p), axis=-1)


@takes_classes(without_axis)
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """(1 - p^q) / q for the probability p of the integer class y_true: between the cross-entropy
    (q near 0) and the absolute error (q = 1), for labels of which some are wrong (Zhang and
    Sabuncu, 2018).

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).numpy()
    array([1.], dtype=float32)
    """
    y_pred, labels = ops.convert_to_tensor(y_pred), ops.convert_to_tensor(y_true)
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, axis=-1)
    if not compatible(labels.shape, y_pred.shape[:-1]):
        raise ValueError(
            f"categorical_generalized_cross_entropy: targets of shape {tuple(labels.shape)} do not "
            f"fit predictions of shape {tuple(y_pred.shape)}; expected one integer class per "
            "sample."
        )
    chosen = ops.one_hot(ops.cast(labels, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    return (1.0 - ops.power(ops.sum(y_pred * chosen, axis=-1), q)) / q


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Focal cross-entropy of 0/1 targets and probabilities (or logits) of the same shape."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Focal cross-entropy of one-hot targets (N, ..., C) and predictions (N, ..., C)."""

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """(1 - p^q) / q of integer classes (N, ...) and probabilities (N, ..., C)."""

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: str | None = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must be in the interval (0, 1). Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
