"""What functions of positions (steps, images, volumes) share: their arguments and orders of axes.

Channels last is the core's order of axes; channels first is moved there and back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.engine.dispatch import dims_of
from nnseq.engine.settings import settings
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float
from nnseq.ops.layout import moveaxis, reshape

_SHAPES = "(batch, steps, channels), (batch, height, width, channels) or " + (
    "(batch, depth, height, width, channels)"
)


def channel_axis(data_format: str | None) -> int:
    """The axis of the channels; None is the order of `nnseq.config`.

    Raises:
        ValueError: if there is no such order.
    """
    name = settings.image_data_format if data_format is None else data_format
    if name not in ("channels_last", "channels_first"):
        raise ValueError(
            f"`data_format` must be channels_last or channels_first. Received: {data_format!r}"
        )
    return -1 if name == "channels_last" else 1


def in_channels_last(function: Callable[[Any], Any], x: Any, data_format: str | None) -> Any:
    """function(x) for a function of (N, ..., C), whatever the order of x's axes."""
    if channel_axis(data_format) == -1:
        return function(x)
    return moveaxis(function(moveaxis(x, 1, -1)), -1, 1)


def positions_of(inputs: Any, what: str) -> tuple[Tensor, int]:
    """The inputs as floats, and how many axes of positions they have, 1 to 3."""
    x = as_float(inputs)
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise ValueError(f"{what}: the input must be {_SHAPES}; got shape {x.shape}")
    return x, rank


def numbers(value: Any, count: int, name: str) -> list[int]:
    """`value` as one positive integer for each axis of positions, all n for n."""
    given = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(given) != count or not all(isinstance(n, (int, np.integer)) and n > 0 for n in given):
        raise ValueError(f"`{name}` must be a positive int or {count} of them; got {value!r}")
    return [int(n) for n in given]


def check_padding(padding: str, *more: str) -> None:
    """Raises unless padding is "valid", "same" or one of `more`."""
    if padding not in ("valid", "same", *more):
        raise ValueError(f"`padding` must be 'valid' or 'same'; got {padding!r}")


def with_height(x: Tensor) -> Tensor:
    """(N, T, C) -> (N, 1, T, C)."""
    batch, *rest = dims_of(x)
    return reshape(x, (batch, 1, *rest))


def without_height(x: Tensor) -> Tensor:
    """(N, 1, T, C) -> (N, T, C)."""
    batch, _, *rest = dims_of(x)
    return reshape(x, (batch, *rest))


def as_planes(x: Tensor) -> Tensor:
    """(N, D, H, W, C) -> (N * D, H, W, C)."""
    return reshape(x, (-1, *dims_of(x)[2:]))


def as_volumes(x: Tensor, depth: Any) -> Tensor:
    """(N * D, H, W, C) -> (N, D, H, W, C)."""
    return reshape(x, (-1, depth, *dims_of(x)[1:]))
