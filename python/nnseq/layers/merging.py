"""Layers that join several inputs into one, and the same as functions."""

import functools
from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.layer import Layer


def broadcast(a: Sequence[int | None], b: Sequence[int | None], shapes: Any) -> list[int | None]:
    """The shape two samples broadcast to, aligned at the end."""
    if len(a) < len(b):
        a, b = b, a
    result = list(a)
    for i, n in enumerate(b, start=len(a) - len(b)):
        m = result[i]
        if m not in (None, 1, n) and n not in (None, 1):
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {shapes}")
        result[i] = n if m == 1 else m if n == 1 or m == n else None
    return result


class Merge(Layer):
    """Base of the elementwise ones: a list of tensors (N, ...) that broadcast -> one tensor.

    Subclasses implement `merge`. Masked elements do not count: they are replaced by `neutral`
    where there is one; the result is masked where all inputs are.
    """

    neutral: float | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def merge(self, inputs: list[Any]) -> Any:
        """The result for tensors of one rank."""
        raise NotImplementedError(f"{type(self).__name__} must implement merge(inputs)")

    def build(self, input_shape: Any) -> None:
        check_list(type(self).__name__, input_shape)
        batches = {shape[0] for shape in input_shape if shape} - {None}
        if len(batches) > 1:
            raise ValueError(
                "Cannot merge tensors with different batch sizes. "
                f"Received tensors with shapes {input_shape}"
            )
        functools.reduce(
            lambda a, b: broadcast(a, b, input_shape), [shape[1:] for shape in input_shape]
        )

    def call(self, inputs: Any, mask: Any = None) -> Any:
        rank = max(x.ndim for x in inputs)
        masks = list(mask) if isinstance(mask, list | tuple) else [None] * len(inputs)
        aligned, wide = [], []
        for x, m in zip(inputs, masks, strict=True):
            if m is not None and self.neutral is not None:
                m = ops.expand_dims(m, -1) if m.ndim < x.ndim else m
                x = ops.where(m, x, self.neutral)
            for _ in range(rank - x.ndim):
                x = ops.expand_dims(x, 1)
            aligned.append(x)
            wide.append(m)
        y = self.merge(aligned)
        if self.neutral is not None and all(m is not None for m in wide):
            y = ops.where(functools.reduce(ops.logical_or, wide), y, 0.0)
        return y

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if not isinstance(mask, list | tuple) or any(m is None for m in mask):
            return None
        return functools.reduce(ops.logical_or, mask)


def check_list(layer: str, shapes: Any) -> None:
    """Raises unless `shapes` is a list of shapes."""
    if not shapes or not isinstance(shapes[0], list | tuple):
        raise ValueError(
            f"A {layer} layer should be called on a list of at least 1 input. "
            f"Received: input_shape={shapes}"
        )


class Add(Merge):
    """The sum.

    >>> Add()([ops.ones((2, 3)), ops.ones((2, 3))]).numpy()[0].tolist()
    [2.0, 2.0, 2.0]
    """

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.add, inputs)


class Subtract(Merge):
    """The first minus the second of two inputs."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                "A `Subtract` layer should be called on exactly 2 inputs. "
                f"Received: input_shape={input_shape}"
            )

    def merge(self, inputs: list[Any]) -> Any:
        return ops.subtract(inputs[0], inputs[1])


class Multiply(Merge):
    """The product."""

    neutral = 1.0

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.multiply, inputs)


class Average(Merge):
    """The mean."""

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.add, inputs) / len(inputs)


class Maximum(Merge):
    """The largest, element by element."""

    neutral = float("-inf")

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.maximum, inputs)


class Minimum(Merge):
    """The smallest, element by element."""

    neutral = float("inf")

    def merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(ops.minimum, inputs)


class Concatenate(Layer):
    """The inputs one after the other along `axis`.

    Args:
        axis: not the batch.

    Raises:
        ValueError: if another axis differs.

    >>> Concatenate()([ops.ones((2, 3)), ops.ones((2, 1))]).shape
    (2, 4)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        check_list("Concatenate", input_shape)
        first = list(input_shape[0])
        for shape in input_shape:
            fits = len(shape) == len(first)
            for i, (a, b) in enumerate(zip(first, shape, strict=False)):
                fits = fits and (i == self.axis % len(first) or a == b or None in (a, b))
            if not fits:
                raise ValueError(
                    "A `Concatenate` layer requires inputs with matching shapes except for the "
                    f"concatenation axis. Received: input_shape={input_shape}"
                )

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks joined as the inputs are; inputs without one keep everything."""
        if not isinstance(mask, list | tuple) or all(m is None for m in mask):
            return None
        if self.axis % inputs[0].ndim == inputs[0].ndim - 1:
            return functools.reduce(
                ops.logical_or, [self._whole(x, m) for x, m in zip(inputs, mask, strict=True)]
            )
        return ops.concatenate(
            [self._whole(x, m) for x, m in zip(inputs, mask, strict=True)], axis=self.axis
        )

    @staticmethod
    def _whole(x: Any, mask: Any) -> Any:
        """The mask over all axes but the last."""
        if mask is None:
            return ops.any(ops.ones_like(x, dtype="bool"), axis=-1)
        return mask

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The sum of `inputs`, see Add."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The difference of two `inputs`, see Subtract."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The product of `inputs`, see Multiply."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The mean of `inputs`, see Average."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The largest of `inputs`, see Maximum."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The smallest of `inputs`, see Minimum."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """The `inputs` along `axis`, see Concatenate."""
    return Concatenate(axis=axis, **kwargs)(inputs)
