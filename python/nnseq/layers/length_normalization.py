"""Normalizations by length, which leave the mean as it is: RMSNormalization, UnitNormalization."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.layer import Layer
from nnseq.layers.shapes import size_of_axis


class RMSNormalization(Layer):
    """x / sqrt(mean(x * x) + epsilon) * scale along `axis` (Zhang, Sennrich 2019).

    Args:
        axis: the last axis, or the last ones; `scale` has their sizes.

    >>> RMSNormalization(epsilon=0.0)(ops.convert_to_tensor([[3.0, -3.0]])).tolist()
    [[1.0, -1.0]]
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = tuple(size_of_axis(input_shape, axis) for axis in self.axis)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, inputs: Any) -> Any:
        return ops.rms_normalization(inputs, self.scale, axis=self.axis, epsilon=self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """x / sqrt(sum(x * x)) along `axis`, one axis or several.

    >>> UnitNormalization()(ops.convert_to_tensor([[3.0, 4.0]])).numpy().round(4).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, int | list | tuple):
            raise TypeError(
                "Invalid value for `axis` argument: expected an int or a list/tuple of ints. "
                f"Received: axis={axis}"
            )
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
