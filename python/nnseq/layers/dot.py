"""Dot: products of two inputs, sample by sample."""

import string
from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.layer import Layer


class Dot(Layer):
    """The sum of products along one axis of each of two inputs (N, ...).

    Args:
        axes: of both, or (of the first, of the second); not 0, the batch.
        normalize: whether both are divided by their lengths along these axes before.

    Returns:
        (N, other axes of the first, other axes of the second); (N, 1) if there are none.

    >>> Dot(axes=(1, 2))([ops.ones((2, 3, 5)), ops.ones((2, 10, 3))]).shape
    (2, 5, 10)
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int | list | tuple):
            raise TypeError(
                "Invalid type for argument `axes`: it should be a list or an int. "
                f"Received: axes={axes}"
            )
        if not isinstance(axes, int) and len(axes) != 2:
            raise ValueError(
                "Invalid format for argument `axes`: it should contain two elements. "
                f"Received: axes={axes}"
            )
        if not isinstance(axes, int) and not all(isinstance(axis, int) for axis in axes):
            raise ValueError(
                "Invalid format for argument `axes`: list elements should be integers. "
                f"Received: axes={axes}"
            )
        self.axes = axes
        self.normalize = normalize
        self.supports_masking = True

    def _axes_of(self, shapes: Any) -> tuple[int, int]:
        """The two axes, counted from the batch.

        Raises:
            ValueError: if the inputs do not fit.
        """
        if not isinstance(shapes[0], list | tuple) or len(shapes) != 2:
            raise ValueError(
                "A `Dot` layer should be called on a list of 2 inputs. "
                f"Received: input_shape={shapes}"
            )
        given = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        first, second = (axis % len(shape) for axis, shape in zip(given, shapes, strict=True))
        if not first or not second:
            raise ValueError(f"Dot: the batch, axis 0, cannot be summed over. Got axes={self.axes}")
        sizes = [shapes[0][first], shapes[1][second]]
        if sizes[0] != sizes[1] and None not in sizes:
            raise ValueError(
                f"Incompatible input shapes: axis values {sizes[0]} (at axis {first}) != "
                f"{sizes[1]} (at axis {second}). Full input shapes: {shapes[0]}, {shapes[1]}"
            )
        return first, second

    def build(self, input_shape: Any) -> None:
        self._axes_of(input_shape)

    def call(self, inputs: Any) -> Any:
        first, second = self._axes_of([x.shape for x in inputs])
        x, y = inputs
        if self.normalize:
            x, y = ops.normalize(x, axis=first), ops.normalize(y, axis=second)
        a = list(string.ascii_lowercase[: x.ndim])
        b = [a[0], *string.ascii_uppercase[1 : y.ndim]]
        b[second] = a[first]
        rest = a[:first] + a[first + 1 :] + b[1:second] + b[second + 1 :]
        result = ops.einsum(f"{''.join(a)},{''.join(b)}->{''.join(rest)}", x, y)
        return ops.expand_dims(result, -1) if len(rest) == 1 else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """The product of two `inputs` along `axes`, see Dot."""
    return Dot(axes=axes, **kwargs)(inputs)
