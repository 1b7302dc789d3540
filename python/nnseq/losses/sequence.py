"""Connectionist temporal classification: labels without times."""

from typing import Any

from nnseq import ops
from nnseq.losses.losses import LossFunctionWrapper
from nnseq.losses.shapes import takes_classes


@takes_classes(lambda shape, axis: shape[:-1])
def ctc(y_true: Any, y_pred: Any) -> Any:
    """-log of the probability of reading the labels y_true (N, L), padded with 0, from logits
    y_pred (N, T, C); class 0 is the blank. See `ops.ctc_loss`.

    >>> ctc([[1, 0]], [[[0.0, 0.0], [0.0, 0.0]]]).numpy().round(4)
    array([0.2877], dtype=float32)
    """
    y_pred, labels = ops.convert_to_tensor(y_pred), ops.cast(y_true, "int32")
    if len(labels.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(
            "ctc: expected targets (N, labels) and logits (N, frames, classes). Received targets "
            f"of shape {tuple(labels.shape)} and predictions of shape {tuple(y_pred.shape)}"
        )
    lengths = ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=-1)
    frames = ops.full((ops.shape(y_pred)[0],), y_pred.shape[1], "int32")
    return ops.ctc_loss(labels, y_pred, lengths, frames)


class CTC(LossFunctionWrapper):
    """The loss of labels (N, L), padded with 0, and logits (N, T, C); class 0 is the blank."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: str | None = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)
