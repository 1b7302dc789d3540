"""Clipping of gradients by their norm. A norm that is not finite gives NaN, not silent zeros."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops


def _scale(norm: Any, limit: float) -> Any:
    """limit / max(norm, limit), NaN if the norm is not finite."""
    scale = limit / ops.maximum(norm, limit)
    return ops.where(ops.isfinite(norm), scale, float("nan"))


def clip_by_norm(gradient: Any, limit: float) -> Any:
    """The gradient, scaled down to norm `limit` if its norm is larger.

    >>> clip_by_norm(ops.convert_to_tensor([3.0, 4.0]), 1.0).numpy().round(3)
    array([0.6, 0.8], dtype=float32)
    """
    return gradient * _scale(ops.sqrt(ops.sum(ops.square(gradient))), limit)


def clip_by_global_norm(gradients: Sequence[Any], limit: float) -> list[Any]:
    """The gradients, scaled down together if the norm of all of them is larger than `limit`."""
    squares = [ops.sum(ops.square(gradient)) for gradient in gradients]
    scale = _scale(ops.sqrt(sum(squares[1:], squares[0])), limit)
    return [gradient * scale for gradient in gradients]
