"""Input: where a functional model begins."""

from __future__ import annotations

from typing import Any

from nnseq.engine.dtypes import input_dtype
from nnseq.engine.operation import Node
from nnseq.engine.tensor import KerasTensor
from nnseq.layers.layer import Layer
from nnseq.layers.shapes import to_shape


class InputLayer(Layer):
    """The layer behind an `Input`.

    Args:
        shape: without the batch axis; an int n is (n,).
        batch_size: the size of the batch axis, None for any.
        dtype: float32 by default.
        batch_shape: the whole shape, instead of `shape`.
        input_tensor: a KerasTensor to use instead of a new one.
        name: of the layer and its tensor; None makes one for each, as Keras does.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: Any = None,
        ragged: Any = None,
        batch_shape: Any = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        if sparse or ragged:
            raise NotImplementedError("Input: sparse and ragged tensors are not supported")
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to InputLayer: {kwargs}")
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        elif shape is not None and batch_shape is not None:
            raise ValueError("You cannot pass both `shape` and `batch_shape` at the same time.")
        elif batch_shape is None:
            if shape is None:
                raise ValueError("You must pass a `shape` argument.")
            batch_shape = (batch_size, *to_shape(shape))
        self.batch_shape = to_shape(batch_shape)
        self._dtype = input_dtype(dtype)
        self.optional = optional
        self.built = True
        self.supports_masking = True
        output = KerasTensor(self.batch_shape, self._dtype, name)
        Node(self, (), {}, output)

    @property
    def dtype(self) -> str:
        """The type of the input."""
        return self._dtype

    @dtype.setter
    def dtype(self, value: str) -> None:
        """The base class sets the float type; the input's own type stays."""

    def call(self) -> Any:
        """An input is given a value by its model; it computes nothing."""
        raise TypeError(f"InputLayer {self.name} cannot be called; give the model an input")

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: Any = None,
    ragged: Any = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """The KerasTensor at which a functional model begins.

    Args:
        shape: without the batch axis, None for axes of any size; an int n is (n,).
        batch_size: the size of the batch axis, None for any.
        dtype: float32 by default.
        batch_shape: the whole shape, instead of `shape`.
        name: of the input.
        tensor: a KerasTensor to begin at instead.
        optional: whether the model may be called with None for it.

    >>> Input(shape=(4,), name="x")
    <KerasTensor shape=(None, 4), dtype=float32, name=x>
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output
