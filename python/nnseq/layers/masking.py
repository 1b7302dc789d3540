"""Masking: which steps of a sequence hold no data."""

from typing import Any

from nnseq import ops
from nnseq.engine.registry import deserialize_keras_object
from nnseq.layers.layer import Layer


class Masking(Layer):
    """Marks the steps of (N, T, ...) whose features are all `mask_value`, and sets them to 0.

    The mask (N, T) goes with the output through the layers that keep one, to those that leave
    masked steps out, and to losses and metrics.

    >>> y = Masking(-1.0)(ops.convert_to_tensor([[[1.0, -1.0], [-1.0, -1.0]]]))
    >>> y.tolist(), y._keras_mask.tolist()
    ([[[1.0, -1.0], [0.0, 0.0]]], [[True, False]])
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.where(kept, inputs, 0)
        outputs._keras_mask = ops.squeeze(kept, axis=-1)
        return outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
