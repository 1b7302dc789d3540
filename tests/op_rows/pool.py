"""Rows of max_pool, avg_pool and their gradients."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from op_table import Case, normal, row, whole

from .product import Geometry


def windows(x: np.ndarray, attrs: Mapping[str, Any]) -> tuple[np.ndarray, Geometry]:
    """(cells of the window, n, oh, ow, c), NaN outside of the image."""
    geometry = Geometry(x.shape[1:3], attrs["window"], attrs)
    image = geometry.padded(x, np.nan)
    return np.stack([image[geometry.at(i, j)] for i, j in np.ndindex(*attrs["window"])]), geometry


def max_pool(x: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    return np.nanmax(windows(x, attrs)[0], axis=0)


def avg_pool(x: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    return np.nanmean(windows(x, attrs)[0], axis=0)


def spread(shares: np.ndarray, shape: Sequence[int], attrs: Mapping[str, Any]) -> np.ndarray:
    """Adds the share of each cell of each window at its place in the image."""
    geometry = Geometry(shape[1:3], attrs["window"], attrs)
    dx = geometry.padded(np.zeros(shape))
    for share, (i, j) in zip(shares, np.ndindex(*attrs["window"]), strict=True):
        dx[geometry.at(i, j)] += share
    return geometry.cropped(dx)


def max_pool_grad(x: np.ndarray, dy: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    """The whole gradient goes to the first maximum of a window in row order."""
    cells, _ = windows(x, attrs)
    first = np.nanargmax(cells, axis=0)
    shares = np.where(np.arange(len(cells))[:, None, None, None, None] == first, dy, 0)
    return spread(shares, x.shape, attrs)


def avg_pool_grad(dy: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    shape = (dy.shape[0], *attrs["sizes"], dy.shape[3])
    cells, _ = windows(np.zeros(shape), attrs)
    real = ~np.isnan(cells)
    return spread(np.where(real, dy / real.sum(0), 0), shape, attrs)


POOLS: list[tuple[Sequence[int], dict[str, Any]]] = [
    ((1, 2, 2, 1), {"window": [2, 2], "strides": [2, 2]}),
    ((2, 5, 6, 3), {"window": [2, 2], "strides": [2, 2]}),
    ((2, 8, 8, 16), {"window": [2, 2], "strides": [2, 2]}),
    ((1, 7, 9, 17), {"window": [3, 2], "strides": [2, 1]}),
    ((1, 3, 3, 4), {"window": [2, 2], "strides": [2, 2], "padding": "same"}),
    ((2, 6, 5, 33), {"window": [3, 3], "strides": [1, 1], "padding": "same"}),
    (
        (1, 7, 6, 2),
        {"window": [3, 3], "strides": [2, 2], "padding": "explicit", "pads": [1, 1, 0, 1]},
    ),
    ((2, 4, 4, 3), {"window": [4, 4], "strides": [4, 4]}),
    ((1, 5, 5, 2), {"window": [1, 1], "strides": [2, 2]}),
]


@row("max_pool")
def max_pool_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape, attrs in POOLS:
        yield Case(
            "max_pool",
            [normal(rng, *shape)],
            lambda x, a=attrs: max_pool(x, a),
            attrs,
            wrt=[0],
            exact=True,
        )
    x = whole(rng, 2, 5, 6, 3) - 10  # all below zero: padding must not win
    attrs = POOLS[4][1]
    yield Case("max_pool", [x], lambda x, a=attrs: max_pool(x, a), attrs, exact=True)


@row("avg_pool")
def avg_pool_row(rng: np.random.Generator) -> Iterator[Case]:
    for number, (shape, attrs) in enumerate(POOLS):
        yield Case(
            "avg_pool",
            [normal(rng, *shape)],
            lambda x, a=attrs: avg_pool(x, a),
            attrs,
            wrt=[0],
            second=number == 1,
        )
    x, attrs = np.ones((1, 3, 3, 1), np.float32), POOLS[4][1]
    yield Case("avg_pool", [x], lambda x, a=attrs: avg_pool(x, a), attrs, exact=True)


@row("max_pool_grad")
def max_pool_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape, attrs in POOLS:
        for make in (normal, whole):  # integers have ties
            x = make(rng, *shape)
            y = max_pool(x, attrs).astype(np.float32)
            yield Case(
                "max_pool_grad",
                [x, y, whole(rng, *y.shape)],
                lambda x, y, dy, a=attrs: max_pool_grad(x, dy, a),
                attrs,
                exact=True,
            )


@row("avg_pool_grad")
def avg_pool_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape, attrs in POOLS:
        outs = Geometry(shape[1:3], attrs["window"], attrs).outs
        sized = attrs | {"sizes": list(shape[1:3])}
        yield Case(
            "avg_pool_grad",
            [normal(rng, shape[0], *outs, shape[3])],
            lambda dy, a=sized: avg_pool_grad(dy, a),
            sized,
            wrt=[0],
            second=shape == POOLS[1][0],
        )
