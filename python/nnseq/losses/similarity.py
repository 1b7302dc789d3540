"""Losses of embeddings that compare the samples of a batch with each other."""

from typing import Any

from nnseq import ops
from nnseq.losses.losses import LossFunctionWrapper
from nnseq.losses.shapes import takes_classes


def _per_sample(labels: Any, count: Any) -> Any:
    """(N,) int32."""
    labels = ops.convert_to_tensor(labels)
    if len(labels.shape) > 1 and labels.shape[1:] != (1,) * (len(labels.shape) - 1):
        raise ValueError(
            "circle: expected one integer label per sample, of shape (N,) or (N, 1). Received "
            f"labels of shape {tuple(labels.shape)}"
        )
    return ops.cast(ops.reshape(labels, (count,)), "int32")


def _log_sum(scores: Any, chosen: Any) -> Any:
    """log(sum(exp(scores))) over the chosen ones of each row, of which there is at least one."""
    return ops.logsumexp(ops.where(chosen, scores, -1e30), axis=1)


@takes_classes(lambda shape, axis: shape[:1], checked=False)
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """The circle loss (Sun et al., 2020) of labels (N,) and embeddings (N, D) of length 1.

    With the distance d = max(1 - cosine, 0) a pair of equal labels has the score
    gamma (margin + d) (d - margin), another one gamma max(1 + margin - d, 0) (1 - margin - d); the
    loss of a sample is softplus(logsumexp of the former + logsumexp of the latter). A sample
    without one of the two kinds has the loss 0; those of loss 0 are masked.

    Args:
        ref_labels, ref_embeddings: (M,) and (M, D), what the samples are compared with instead of
            each other.
        remove_diagonal: whether sample i is not compared with reference i.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    if len(y_pred.shape) != 2:
        raise ValueError(f"circle: expected embeddings (N, D). Received: {tuple(y_pred.shape)}")
    reference = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    rows, columns = ops.shape(y_pred)[0], ops.shape(reference)[0]
    labels = _per_sample(y_true, rows)
    others = labels if ref_labels is None else _per_sample(ref_labels, columns)
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(reference)), 0.0)
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(others, 0))
    different = ops.logical_not(same)
    if remove_diagonal:
        places = ops.expand_dims(ops.arange(rows), 1), ops.expand_dims(ops.arange(columns), 0)
        same = ops.logical_and(same, ops.not_equal(*places))
    near = gamma * (margin + distance) * (distance - margin)
    far = gamma * ops.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    total = _log_sum(near, same) + _log_sum(far, different)
    has_both = ops.logical_and(ops.any(same, axis=1), ops.any(different, axis=1))
    loss = ops.softplus(ops.where(has_both, total, -1e30))
    loss._keras_mask = ops.greater(loss, 0.0)
    return loss


class Circle(LossFunctionWrapper):
    """Brings embeddings of equal labels together and moves others apart; see `circle`."""

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: str | None = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
