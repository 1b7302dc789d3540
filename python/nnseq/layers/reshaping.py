"""Moving, repeating, adding and removing entries along the axes of the positions."""

from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import choice, entries, positive, positives, sides
from nnseq.layers.serialized import data_format as check_format


def all_sides(name: str, value: Any, rank: int) -> Any:
    """`value` as (before, after) for an axis of positions, as a tuple of those for several.

    Several are also given as n, or as one n for each axis.
    """
    if rank == 1:
        return sides(name, value)
    values = tuple(value) if isinstance(value, list | tuple) else (value,) * rank
    if len(values) != rank:
        count = {2: "two", 3: "three"}[rank]
        raise ValueError(f"`{name}` should have {count} elements. Received: {name}={value!r}")
    return tuple(sides(name, entry) for entry in values)


def whole(name: str, value: Any) -> int:
    """`value` if it is an integer above 0."""
    if type(value) is not int:
        raise TypeError(f"Expected an integer value for `{name}`, got {type(value)}.")
    return positive(name, value)


class Permute(Layer):
    """Reorders the axes after the batch; `dims` counts them from 1.

    >>> Permute((2, 1))(ops.ones((4, 5, 6))).shape
    (4, 6, 5)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = entries("dims", dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in "
                f"`dims` must be consecutive and start from 1. Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """(N, C) -> (N, n, C), each row n times.

    >>> RepeatVector(2)(ops.ones((1, 3))).tolist()
    [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = whole("n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


class ZeroPadding(Layer):
    """Zeros before and after the entries of each axis of positions.

    Args:
        padding: n, one n for each axis, or (before, after) for each axis.
        data_format: "channels_last" (default) or "channels_first".
    """

    rank: int  # of the positions

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = all_sides("padding", padding, self.rank)
        self.data_format = check_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        padding = [self.padding] if self.rank == 1 else self.padding
        if self.data_format == "channels_last":
            return ops.pad(inputs, ((0, 0), *padding, (0, 0)))
        return ops.pad(inputs, ((0, 0), (0, 0), *padding))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "padding": self.padding,
            "data_format": self.data_format,
        }


class ZeroPadding1D(ZeroPadding):
    """(N, T, C) -> (N, before + T + after, C) with zeros; `padding` is n or (before, after).

    >>> ZeroPadding1D((1, 0))(ops.ones((1, 2, 1))).reshape(-1).tolist()
    [0.0, 1.0, 1.0]
    """

    rank = 1


class ZeroPadding2D(ZeroPadding):
    """(N, H, W, C) -> (N, top + H + bottom, left + W + right, C) with zeros around.

    >>> ZeroPadding2D(((1, 0), (2, 2)))(ops.ones((1, 3, 3, 1))).shape
    (1, 4, 7, 1)
    """

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """(N, D, H, W, C) -> (N, before + D + after, ..., C) with zeros around.

    >>> ZeroPadding3D((0, 1, 2))(ops.ones((1, 3, 3, 3, 1))).shape
    (1, 3, 5, 7, 1)
    """

    rank = 3


def cropped(layer: Layer, x: Any, axis: int, cropping: tuple[int, int]) -> Any:
    """x without the first and last entries along `axis`.

    Raises:
        ValueError: if nothing is left.
    """
    if x.shape[axis] is not None and sum(cropping) >= x.shape[axis]:
        raise ValueError(
            f"`cropping` of layer '{layer.name}' must be smaller than the corresponding dimension "
            f"of the input. Received: inputs.shape={tuple(x.shape)}, cropping={cropping}"
        )
    before, after = cropping
    return x[(*[slice(None)] * axis, slice(before, -after if after else None))]


class Cropping(Layer):
    """The input without the first and last entries of each axis of positions.

    Args:
        cropping: n, one n for each axis, or (before, after) for each axis.
        data_format: "channels_last" (default) or "channels_first".
    """

    rank: int  # of the positions

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = all_sides("cropping", cropping, self.rank)
        self.data_format = check_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        for axis, cropping in enumerate(self.cropping, first):
            inputs = cropped(self, inputs, axis, cropping)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "cropping": self.cropping,
            "data_format": self.data_format,
        }


class Cropping1D(Layer):
    """(N, T, C) without the first and last steps; `cropping` is n or (before, after).

    >>> Cropping1D((1, 2))(ops.ones((1, 5, 3))).shape
    (1, 2, 3)
    """

    def __init__(self, cropping: int | Sequence[int] = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = sides("cropping", cropping)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        return cropped(self, inputs, 1, self.cropping)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping}


class Cropping2D(Cropping):
    """(N, H, W, C) without its borders.

    >>> Cropping2D(((1, 0), (2, 2)))(ops.ones((1, 3, 7, 1))).shape
    (1, 2, 3, 1)
    """

    rank = 2

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """(N, D, H, W, C) without its borders.

    >>> Cropping3D((0, 1, (2, 1)))(ops.ones((1, 3, 5, 7, 1))).shape
    (1, 3, 3, 4, 1)
    """

    rank = 3


def interpolated(x: Any, factor: int, axis: int) -> Any:
    """x with `factor` times as many entries along `axis`, linear between their centres.

    Entry q * factor + r lies at q + (r + 1/2) / factor - 1/2; beyond the ends x is constant.
    """
    whole_axes = [slice(None)] * axis
    first, last = x[(*whole_axes, slice(0, 1))], x[(*whole_axes, slice(-1, None))]
    before = ops.concatenate([first, x[(*whole_axes, slice(0, -1))]], axis)
    after = ops.concatenate([x[(*whole_axes, slice(1, None))], last], axis)
    phases = []
    for r in range(factor):
        offset = (r + 0.5) / factor - 0.5
        phases.append(x + (after - x) * offset if offset >= 0 else x + (x - before) * offset)
    sizes = list(ops.shape(x))
    sizes[axis] = sizes[axis] * factor
    return ops.reshape(ops.stack(phases, axis + 1), sizes)


class UpSampling1D(Layer):
    """(N, T, C) -> (N, T * size, C), each step `size` times.

    >>> UpSampling1D(2)(ops.reshape([1.0, 2.0], (1, 2, 1))).reshape(-1).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = whole("size", size)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(inputs, self.size, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


class UpSampling(Layer):
    """Each entry of an axis of positions several times.

    Args:
        size: an integer, or one for each axis.
        data_format: "channels_last" (default) or "channels_first".
    """

    rank: int  # of the positions

    def __init__(
        self, size: int | Sequence[int] = 2, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = positives("size", size, self.rank)
        self.data_format = check_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def grown(self, x: Any, factor: int, axis: int) -> Any:
        """x with `factor` times as many entries along `axis`."""
        return ops.repeat(x, factor, axis)

    def call(self, inputs: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        for axis, factor in enumerate(self.size, first):
            inputs = self.grown(inputs, factor, axis)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


class UpSampling2D(UpSampling):
    """(N, H, W, C) -> (N, H * size[0], W * size[1], C); interpolation: "nearest" or "bilinear".

    >>> UpSampling2D((2, 3))(ops.ones((1, 4, 4, 2))).shape
    (1, 8, 12, 2)
    """

    rank = 2

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = choice("interpolation", interpolation, ("nearest", "bilinear"))

    def grown(self, x: Any, factor: int, axis: int) -> Any:
        if self.interpolation == "bilinear":
            return interpolated(x, factor, axis)
        return super().grown(x, factor, axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(UpSampling):
    """(N, D, H, W, C) -> (N, D * size[0], H * size[1], W * size[2], C).

    >>> UpSampling3D((1, 2, 3))(ops.ones((1, 4, 4, 4, 2))).shape
    (1, 4, 8, 12, 2)
    """

    rank = 3
