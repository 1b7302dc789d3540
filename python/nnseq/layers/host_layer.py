"""HostLayer: layers whose work is done on arrays, before the Program of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine.dispatch import to_tensor
from nnseq.engine.operation import Node, has_keras_tensor
from nnseq.engine.tensor import KerasTensor, Tensor
from nnseq.layers.layer import Layer


class HostLayer(Layer):
    """The base of layers of strings, which a Program does not know.

    A model runs them on each batch before its Program, so they come first in it; outside of a
    model they take arrays and lists. A subclass defines `compute` on an array and
    `compute_output_shape`.

    Attributes:
        output_dtype: the type of what `compute` gives.
    """

    output_dtype = "float32"

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """Calls the layer on arrays and lists, of which it gives a Tensor, or on a KerasTensor."""
        if has_keras_tensor(inputs):
            if not isinstance(inputs, KerasTensor):
                raise ValueError(f"Layer '{self.name}' takes one input")
            outputs = KerasTensor(self.compute_output_shape(inputs.shape), self.output_dtype)
            Node(self, (inputs,), {}, outputs)
            self.built = True
            return outputs
        if isinstance(inputs, Tensor) and inputs._core is None:
            raise TypeError(
                f"Layer '{self.name}' ({type(self).__name__}) works on arrays before the Program "
                "of a model: it can only be the first layer of a model, or follow such layers"
            )
        result = self.compute(as_array(inputs))
        self.built = True
        return result if result.dtype.kind in "UO" else to_tensor(result)

    def call(self, inputs: Any) -> Any:
        return self(inputs)

    def compute(self, x: np.ndarray) -> np.ndarray:
        """The result for an array."""
        raise NotImplementedError(f"{type(self).__name__} must implement compute()")

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        shape = self.compute_output_shape(args[0].shape)
        return KerasTensor(shape, self.output_dtype)


def as_array(data: Any) -> np.ndarray:
    """An array of numbers, or of Python strings."""
    x = data if isinstance(data, np.ndarray) else np.asarray(data)
    return x if x.dtype.kind in "biufO" else x.astype(object)


def as_strings(x: np.ndarray, encoding: str, name: str) -> np.ndarray:
    """An object array of str.

    Raises:
        TypeError: if there is something else in it.
    """
    texts = [_text(value, encoding, name) for value in x.reshape(-1).tolist()]
    return np.fromiter(texts, object, len(texts)).reshape(x.shape)


def _text(value: Any, encoding: str, name: str) -> str:
    if isinstance(value, bytes):
        return value.decode(encoding)
    if not isinstance(value, str):
        raise TypeError(f"Layer '{name}' takes strings; got {value!r} ({type(value).__name__})")
    return str(value)


def encoded_shape(shape: Any, mode: str, depth: int | None) -> tuple[Any, ...]:
    """The shape of `encoded`."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape) + (depth,)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)


def encoded(indices: np.ndarray, mode: str, depth: int) -> np.ndarray:
    """Indices as they are ("int"), or as float32: 1 at the place of each index on a new axis
    ("one_hot"), then summed up ("count") or as 0 and 1 ("multi_hot") over axis 1, or axis 0 if it
    is the only one. An index outside of the depth counts nowhere.
    """
    if mode == "int":
        return indices
    if mode == "one_hot" and indices.ndim > 1 and indices.shape[-1] == 1:
        indices = indices[..., 0]
    indices = indices[np.newaxis] if indices.ndim == 0 else indices
    inside = (indices >= 0) & (indices < depth)
    places = np.nonzero(inside)
    if mode == "one_hot":
        hot = np.zeros((*indices.shape, depth), np.float32)
        hot[(*places, indices[inside])] = 1
        return hot
    axis = min(indices.ndim - 1, 1)
    kept = [p for a, p in enumerate(places) if a != axis]
    counts = np.zeros((*(n for a, n in enumerate(indices.shape) if a != axis), depth), np.float32)
    np.add.at(counts, (*kept, indices[inside]), 1)
    return counts if mode == "count" else np.minimum(counts, 1)
