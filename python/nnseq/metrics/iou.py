"""Intersection over union of the masks of classes, from a confusion matrix."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.engine.dtypes import epsilon
from nnseq.losses.shapes import align_weights, check_same_shape, squeeze_or_expand
from nnseq.metrics.metric import Metric


class IoU(Metric):
    """The mean over `target_class_ids` of true positives / (all but true negatives).

    Args:
        num_classes: classes are 0 to num_classes - 1; what is none of them counts nothing.
        target_class_ids: the classes to average.
        ignore_class: samples of this class count nothing.
        sparse_y_true, sparse_y_pred: whether they are classes; else scores whose largest along
            `axis` is taken.
        dtype: what weights are cast to; an integer type by default, which cuts off fractions.

    >>> metric = IoU(num_classes=2, target_class_ids=[0])
    >>> metric.update_state([0, 0, 1, 1], [0, 1, 0, 1])
    >>> round(float(metric.result()), 4)
    0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype or "int")
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"Target class id {max(target_class_ids)} is out of range, which is [0, "
                f"{num_classes}). Received: target_class_ids={target_class_ids}"
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        # counts[i, j]: the weight of samples of class i that were predicted as j
        self.total_cm = self.add_variable(
            (num_classes, num_classes), dtype="float64", name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in classes or scores, and one weight for each."""
        y_true = self._classes(y_true, self.sparse_y_true)
        y_pred = self._classes(y_pred, self.sparse_y_pred)
        y_true, y_pred = squeeze_or_expand(y_true, y_pred)
        check_same_shape(self.name, y_true, y_pred)
        rows = ops.one_hot(y_true, self.num_classes)
        if self.ignore_class is not None:
            kept = ops.not_equal(y_true, self.ignore_class)
            rows = rows * ops.expand_dims(ops.cast(kept, "float32"), -1)
        if sample_weight is not None:
            weights = ops.cast(ops.convert_to_tensor(sample_weight), self.dtype)
            weights = align_weights(ops.cast(weights, "float32"), y_true)
            rows = rows * ops.expand_dims(weights, -1)
        rows = ops.reshape(rows, (-1, self.num_classes))
        columns = ops.reshape(ops.one_hot(y_pred, self.num_classes), (-1, self.num_classes))
        counts = ops.matmul(ops.transpose(rows), columns)
        self.total_cm.assign(self.total_cm.value + ops.cast(counts, "float64"))

    def _classes(self, y: Any, is_sparse: bool) -> Any:
        y = ops.convert_to_tensor(y)
        return ops.cast(y if is_sparse else ops.argmax(y, axis=self.axis), "int32")

    def result(self) -> Any:
        total = self.total_cm.value
        right = ops.sum(total * ops.eye(self.num_classes, dtype="float64"), axis=0)
        union = ops.sum(total, axis=0) + ops.sum(total, axis=1) - right
        right = ops.take(right, self.target_class_ids)
        union = ops.take(union, self.target_class_ids)
        seen = ops.greater(union, 1e-9)
        shares = ops.where(seen, right / (union + epsilon()), 0.0)
        return ops.sum(shares) / (ops.sum(ops.cast(seen, "float64")) + epsilon())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *names: str) -> dict[str, Any]:
        """The configuration but what a subclass sets itself."""
        return {key: value for key, value in IoU.get_config(self).items() if key not in names}


class BinaryIoU(IoU):
    """IoU of targets 0 or 1 and scores, which are of class 1 from `threshold` on.

    >>> metric = BinaryIoU(target_class_ids=[1], threshold=0.3)
    >>> metric.update_state([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
    >>> round(float(metric.result()), 4)
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        scores = ops.convert_to_tensor(y_pred, dtype="float32")
        super().update_state(y_true, ops.greater_equal(scores, self.threshold), sample_weight)

    def get_config(self) -> dict[str, Any]:
        config = self._config_without(
            "num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis"
        )
        return {**config, "threshold": self.threshold}


class MeanIoU(IoU):
    """IoU averaged over all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            list(range(num_classes)),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict[str, Any]:
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """IoU of one-hot targets."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )

    def get_config(self) -> dict[str, Any]:
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """IoU of one-hot targets averaged over all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return self._config_without("target_class_ids", "sparse_y_true")
