"""Cross-entropies of probabilities and logits, one number per distribution."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.dtypes import epsilon
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type, axis_of
from nnseq.ops.elementwise import binary, clip, multiply, unary
from nnseq.ops.layout import squeeze
from nnseq.ops.reduction import reduce


def _logits_of(output: Tensor, function: str) -> Tensor | None:
    """What `function` was applied to, if `output` is its result."""
    producer = output._producer
    return producer[1] if producer is not None and producer[0] == function else None


def _check_last_axis(axis: int, output: Tensor, name: str) -> None:
    if axis_of(axis, len(output.shape)) != len(output.shape) - 1:
        raise NotImplementedError(f"{name}: only axis=-1 is supported; transpose first")


@operation
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(target * log(output)) over the last axis.

    Args:
        target: probabilities (..., C).
        output: probabilities or, with from_logits, logits of the same shape. The logits behind
            the result of a softmax are used, so that nothing is lost for confident outputs.

    Returns:
        (...,), one number per distribution.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.0, 0.0]], from_logits=True).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y = as_float(output)
    _check_last_axis(axis, y, "categorical_crossentropy")
    t = as_type(target, y.dtype)
    if len(t.shape) != len(y.shape) or (
        t.shape[-1] != y.shape[-1] and None not in (t.shape[-1], y.shape[-1])
    ):
        raise ValueError(
            f"categorical_crossentropy: target {t.shape} and output {y.shape} must have the same "
            "shape; integer labels need sparse_categorical_crossentropy"
        )
    logits = y if from_logits else _logits_of(y, "softmax")
    if logits is not None:
        return apply("softmax_cross_entropy", [logits, t])
    return unary("negative", reduce("sum", multiply(t, _log_probabilities(y)), -1, False))


def _log_probabilities(y: Tensor) -> Tensor:
    y = binary("divide", y, reduce("sum", y, -1, True))
    return unary("log", clip(y, epsilon(), 1.0 - epsilon()))


@operation
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log(output[target]) for integer targets.

    Args:
        target: integers (...,) or (..., 1), checked when the operation runs.
        output: probabilities or, with from_logits, logits (..., C); the logits behind the result
            of a softmax are used.

    Returns:
        (...,), one number per target.

    Raises:
        ValueError: if a target is not one of the C classes.
    """
    y = as_float(output)
    _check_last_axis(axis, y, "sparse_categorical_crossentropy")
    labels = to_tensor(target)
    if labels.dtype not in ("int32", "int64"):
        labels = as_type(labels, "int32")
    if len(labels.shape) == len(y.shape) and labels.shape[-1] == 1:
        labels = squeeze(labels, -1)
    if len(labels.shape) != len(y.shape) - 1:
        raise ValueError(
            f"sparse_categorical_crossentropy: integer targets of shape {labels.shape} do not fit "
            f"an output of shape {y.shape}; one-hot targets need categorical_crossentropy"
        )
    logits = y if from_logits else _logits_of(y, "softmax")
    # The logarithms of probabilities are logits, and the operation checks the labels.
    return apply(
        "softmax_cross_entropy", [_log_probabilities(y) if logits is None else logits, labels]
    )


@operation
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-(target * log(output) + (1 - target) * log(1 - output)), elementwise.

    Args:
        target: probabilities.
        output: probabilities or, with from_logits, logits of the same shape; the logits behind
            the result of a sigmoid are used.

    >>> binary_crossentropy([1.0], [0.0], from_logits=True).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y = as_float(output)
    t = as_type(target, y.dtype)
    if len(t.shape) != len(y.shape):
        raise ValueError(
            f"binary_crossentropy: target {t.shape} and output {y.shape} must have the same shape"
        )
    rest = binary("subtract", 1.0, t)
    logits = y if from_logits else _logits_of(y, "sigmoid")
    if logits is not None:
        # -log(sigmoid(x)) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(x)
        positive = multiply(t, unary("softplus", unary("negative", logits)))
        return binary("add", positive, multiply(rest, unary("softplus", logits)))
    y = clip(y, epsilon(), 1.0 - epsilon())
    total = binary("add", multiply(t, unary("log", y)), multiply(rest, unary("log", 1.0 - y)))
    return unary("negative", total)
