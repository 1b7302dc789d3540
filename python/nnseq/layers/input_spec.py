"""InputSpec: what a layer expects of its inputs, and the check."""

from __future__ import annotations

from typing import Any

from nnseq.engine import nest
from nnseq.engine.dtypes import standardize_dtype


class InputSpec:
    """Rank, shape and dtype that an input must have; None leaves a thing open.

    Args:
        dtype: its type.
        shape: all dims, None for any size.
        ndim, max_ndim, min_ndim: its rank and bounds of it.
        axes: sizes of single axes, for example {-1: 4}.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or extra.
        optional: whether the input may be None.

    >>> InputSpec(min_ndim=2, axes={-1: 4})
    InputSpec(min_ndim=2, axes={-1: 4})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def __repr__(self) -> str:
        fields = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = [f"{f}={getattr(self, f)}" for f in fields if getattr(self, f)]
        return f"InputSpec({', '.join(given)})"

    def problem(self, shape: tuple[int | None, ...]) -> str | None:
        """What is wrong with an input of this shape, or None."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim and not self._squeezes(shape):
            return f"expected ndim={self.ndim}, found ndim={rank}. Full shape received: {shape}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={rank}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return (
                f"expected min_ndim={self.min_ndim}, found ndim={rank}. "
                f"Full shape received: {shape}"
            )
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                return (
                    f"expected axis {axis} of input shape to have value {size}, "
                    f"but received input with shape {shape}"
                )
        if self.shape is not None and rank == self.ndim:
            for want, got in zip(self.shape, shape, strict=True):
                if want is not None and got is not None and want != got:
                    return f"expected shape={self.shape}, found shape={shape}"
        return None

    def _squeezes(self, shape: tuple[int | None, ...]) -> bool:
        return (
            self.allow_last_axis_squeeze
            and self.shape is not None
            and (
                (len(shape) == len(self.shape) + 1 and shape[-1] == 1)
                or (len(shape) == len(self.shape) - 1 and self.shape[-1] == 1)
            )
        )


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Raises ValueError if the inputs of a layer are not what its specs say."""
    if not input_spec:
        return
    specs = nest.flatten(input_spec)
    values = nest.flatten(inputs)
    if len(values) != len(specs):
        raise ValueError(
            f"Layer '{layer_name}' expected {len(specs)} input(s). Received {len(values)} instead."
        )
    for index, (spec, value) in enumerate(zip(specs, values, strict=True)):
        if spec is None or value is None:
            continue
        problem = spec.problem(tuple(value.shape))
        if problem:
            raise ValueError(
                f"Input {index} of layer '{layer_name}' is incompatible with the layer: {problem}"
            )
