"""Images read at other places."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.dtypes import is_float
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type
from nnseq.ops.creation import ones_like, zeros_like
from nnseq.ops.elementwise import abs as absolute
from nnseq.ops.elementwise import clip, floor, floor_divide, mod, where
from nnseq.ops.image.axes import check_choice, image_axes, known_size
from nnseq.ops.indexing import getitem, take
from nnseq.ops.layout import concatenate, expand_dims, pad, reshape, squeeze, transpose
from nnseq.ops.linalg.solving import solve

FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


@operation
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """The pixel (x, y) of the result is that at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        images: (N, H, W, C) or (H, W, C).
        transform: (N, 8) or (8,): a0, a1, a2, b0, b1, b2 and two numbers that are not used.
        interpolation: "nearest" or "bilinear".
        fill_mode: what is outside of the image: "constant" is `fill_value`; "nearest" the border;
            "wrap" the image again; "mirror" and "reflect" the image backwards, without and with
            the border twice.
        data_format: "channels_last", the default, or "channels_first".

    >>> shift = np.float32([1, 0, 1, 0, 1, 0, 0, 0])
    >>> affine_transform(np.float32([[[1], [2], [3]]]), shift).reshape(-1).tolist()
    [2.0, 3.0, 0.0]
    """
    x, t = to_tensor(images), as_float(transform)
    image_axes(x, data_format)
    if len(t.shape) not in (1, 2):
        raise ValueError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of "
            f"transforms). Received input with shape: transform.shape={t.shape}"
        )
    t = expand_dims(t, 0) if len(t.shape) == 1 else t
    a0, a1, a2, b0, b1, b2 = (reshape(getitem(t, (slice(None), i)), (-1, 1, 1)) for i in range(6))

    def places(row: Any, column: Any) -> tuple[Any, Any]:
        return b0 * column + b1 * row + b2, a0 * column + a1 * row + a2

    return sampled(x, places, interpolation, fill_mode, fill_value, data_format)


@operation
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images whose points (x, y) at `start_points` come to lie at `end_points`, as a plane is seen
    from another side.

    Args:
        images: (N, H, W, C) or (H, W, C).
        start_points, end_points: four points for each image, (N, 4, 2) or (4, 2).
        interpolation, fill_value, data_format: as in `affine_transform`.
    """
    x, start, end = to_tensor(images), as_float(start_points), as_float(end_points)
    image_axes(x, data_format)
    for name, points in (("start_points", start), ("end_points", end)):
        if len(points.shape) not in (2, 3) or points.shape[-2:] != (4, 2):
            raise ValueError(
                f"Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a batch. "
                f"Received shape: {points.shape}"
            )
    if start.shape != end.shape:
        raise ValueError(
            "start_points and end_points must have the same shape. Received "
            f"start_points.shape={start.shape}, end_points.shape={end.shape}"
        )
    if len(start.shape) == 2:
        start, end = expand_dims(start, 0), expand_dims(end, 0)
    # u = (h0 x + h1 y + h2) / (h6 x + h7 y + 1), v = (h3 x + h4 y + h5) / (...) for each point.
    zero, one = zeros_like(end), ones_like(end[..., :1])
    rows = [
        concatenate([end, one, zero, zero[..., :1], -start[..., :1] * end], -1),
        concatenate([zero, zero[..., :1], end, one, -start[..., 1:] * end], -1),
    ]
    h = solve(concatenate(rows, 1), concatenate([start[..., 0], start[..., 1]], -1))
    h0, h1, h2, h3, h4, h5, h6, h7 = (reshape(h[:, k], (-1, 1, 1)) for k in range(8))

    def places(row: Any, column: Any) -> tuple[Any, Any]:
        depth = h6 * column + h7 * row + 1.0
        return (h3 * column + h4 * row + h5) / depth, (h0 * column + h1 * row + h2) / depth

    return sampled(x, places, interpolation, "constant", fill_value, data_format)


@operation
def map_coordinates(
    inputs: Any,
    coordinates: Any,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Tensor:
    """A Tensor of any rank read at other places.

    Args:
        inputs: a Tensor of rank d.
        coordinates: (d, ...): along each axis the places, which need not be whole.
        order: 0 for the nearest element, 1 for what lies linearly between the neighbours.
        fill_mode, fill_value: as in `affine_transform`.

    >>> map_coordinates([0.0, 2.0, 4.0], [[0.5, 2.0]], 1).tolist()
    [1.0, 4.0]
    """
    x, at = to_tensor(inputs), as_float(coordinates)
    rank = len(x.shape)
    if len(at.shape) < 2 or at.shape[0] != rank:
        raise ValueError(
            "`coordinates` must be of rank 2 or more, its first dim the rank of `inputs`. "
            f"Received inputs with shape: {x.shape} and coordinates with shape: {at.shape}"
        )
    check_choice("fill_mode", fill_mode, FILL_MODES)
    if order not in (0, 1):
        raise ValueError(
            f"Invalid value for argument `order`. Expected one of [0, 1]. Received: order={order}"
        )
    edge = 1 if fill_mode == "constant" else 0
    sizes = [known_size(x, axis) for axis in range(rank)]
    flat = as_float(x)
    if edge:
        flat = pad(flat, [[1, 1]] * rank, constant_values=fill_value)
    flat = reshape(flat, [-1])
    ends: list[list[tuple[Any, Any]]] = []  # along each axis, index and weight
    for axis, size in enumerate(sizes):
        place = at[axis]
        if order == 0:
            ends.append([(_index(_rounded(place), size, fill_mode), 1.0)])
            continue
        low = floor(place)
        after = place - low
        ends.append(
            [(_index(low, size, fill_mode), 1.0 - after),
             (_index(low + 1.0, size, fill_mode), after)]
        )  # fmt: skip
    total: Any = None
    for corner in itertools.product(*ends):
        index, weight = 0, 1.0
        for (place, share), size in zip(corner, sizes, strict=True):
            index, weight = index * (size + 2 * edge) + place, weight * share
        part = take(flat, index, axis=0) * weight
        total = part if total is None else total + part
    return total if is_float(x.dtype) else as_type(_rounded(total), x.dtype)


def sampled(
    images: Any,
    places: Callable[[Any, Any], tuple[Any, Any]],
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    data_format: str | None,
) -> Tensor:
    """The images (N, H, W, C), or the image (H, W, C), read at other places.

    Args:
        places: gets the rows (1, H, 1) and columns (1, 1, W) of the result and gives the rows and
            columns (N, H, W) that are read for them; they need not be whole.
        interpolation, fill_mode, fill_value, data_format: as in `affine_transform`.
    """
    x = to_tensor(images)
    check_choice("interpolation", interpolation, ("nearest", "bilinear"))
    check_choice("fill_mode", fill_mode, FILL_MODES)
    single = len(x.shape) == 3
    x = expand_dims(x, 0) if single else x
    if data_format == "channels_first":
        x = transpose(x, (0, 2, 3, 1))
    row = np.arange(known_size(x, 1), dtype=np.float32).reshape(1, -1, 1)
    column = np.arange(known_size(x, 2), dtype=np.float32).reshape(1, 1, -1)
    y = _sampled(x, places(row, column), interpolation, fill_mode, fill_value)
    y = transpose(y, (0, 3, 1, 2)) if data_format == "channels_first" else y
    return squeeze(y, 0) if single else y


def _sampled(x: Tensor, places: Any, interpolation: str, fill_mode: str, fill: float) -> Tensor:
    """x (N, H, W, C) at rows and columns (N, H', W')."""
    batch, height, width, channels = dims_of(x)
    edge = 1 if fill_mode == "constant" else 0  # pixels around the image, where all outside lies
    if edge:
        x = pad(x, [[0, 0], [edge, edge], [edge, edge], [0, 0]], constant_values=fill)
    flat, line = reshape(x, (-1, channels)), width + 2 * edge
    attrs = {"sizes": [batch], "start": 0, "step": (height + 2 * edge) * line, "dtype": "int32"}
    start = reshape(apply("iota", [], attrs), (-1, 1, 1))

    def at(row: Any, column: Any) -> Any:
        r, c = _index(row, height, fill_mode), _index(column, width, fill_mode)
        return take(flat, start + r * line + c, axis=0)

    rows, columns = places
    if interpolation == "nearest":
        return as_type(at(_rounded(rows), _rounded(columns)), x.dtype)
    top, left = floor(rows), floor(columns)
    down, right = expand_dims(rows - top, -1), expand_dims(columns - left, -1)
    upper = at(top, left) * (1 - right) + at(top, left + 1) * right
    lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return upper * (1 - down) + lower * down


def _rounded(x: Any) -> Any:
    """The nearest whole number, of two the one farther from 0."""
    return where(x < 0, -floor(0.5 - x), floor(x + 0.5))


def _index(place: Any, size: int, fill_mode: str) -> Any:
    """int32 indices of whole places; with "constant" there is a pixel more on both sides."""
    if fill_mode == "constant":
        return as_type(clip(place, -1, size) + 1, "int32")
    if fill_mode == "wrap":
        place = mod(place, size)
    elif fill_mode == "mirror":
        place = _mirrored(place, size)
    elif fill_mode == "reflect":  # in half steps, between which the border is
        place = floor_divide(_mirrored(2 * place + 1, 2 * size + 1) - 1, 2)
    return as_type(clip(place, 0, size - 1), "int32")


def _mirrored(place: Any, size: int) -> Any:
    turn = size - 1
    return place * 0 if turn == 0 else absolute(mod(place + turn, 2 * turn) - turn)
