"""Rows of gather, scatter_add, one_hot."""

from collections.abc import Iterator

import numpy as np
from op_table import Case, normal, row, whole


@row("gather")
def gather(rng: np.random.Generator) -> Iterator[Case]:
    for shape, indices, axis in [
        ((7,), (5,), 0),
        ((7, 17), (4,), 0),
        ((7, 3), (2, 5), 0),
        ((2, 6, 4), (5,), 1),
        ((2, 3, 9), (2, 2), 2),
        ((7, 3), (), 0),
        ((7, 3), (0, 2), 0),
    ]:
        for dtype in (np.int32, np.int64):
            i = rng.integers(0, shape[axis], indices).astype(dtype)
            yield Case(
                "gather",
                [normal(rng, *shape), i],
                lambda x, i, axis=axis: np.take(x, i, axis),
                {"axis": axis},
                wrt=[0],
                exact=True,
                second=axis == 1,
            )
        table = whole(rng, *shape).astype(np.int64)
        yield Case(
            "gather",
            [table, i],
            lambda x, i, axis=axis: np.take(x, i, axis),
            {"axis": axis},
            exact=True,
        )


def scattered(x: np.ndarray, indices: np.ndarray, axis: int, size: int) -> np.ndarray:
    """Adds the slices of `x` over the axes of `indices` (from `axis` on) into `size` rows."""
    outer, inner = x.shape[:axis], x.shape[axis + indices.ndim :]
    x = np.broadcast_to(x, (*outer, *indices.shape, *inner))
    flat = x.reshape(*outer, indices.size, *inner)
    result = np.zeros((*outer, size, *inner))
    for k, index in enumerate(indices.ravel()):
        at = (slice(None),) * axis
        result[(*at, index)] += flat[(*at, k)]
    return result


@row("scatter_add")
def scatter_add(rng: np.random.Generator) -> Iterator[Case]:
    for shape, indices, axis, size in [
        ((5,), (5,), 0, 3),
        ((40, 17), (40,), 0, 6),
        ((2, 5, 3), (2, 5), 0, 4),
        ((2, 6, 4), (6,), 1, 9),
        ((0, 3), (0,), 0, 2),
        ((4, 1, 3), (4, 7), 0, 5),  # one row at 7 indices
        ((2, 1, 1, 17), (3, 5), 1, 40),
    ]:
        for dtype, exact in ((np.int32, True), (np.int64, False)):
            i = rng.integers(0, size, indices).astype(dtype)
            yield Case(
                "scatter_add",
                [(whole if exact else normal)(rng, *shape), i],
                lambda x, i, axis=axis, size=size: scattered(x, i, axis, size),
                {"axis": axis, "size": size},
                wrt=[0],
                exact=exact,
                second=axis == 1,
            )


@row("one_hot")
def one_hot(rng: np.random.Generator) -> Iterator[Case]:
    for shape, depth in [((), 3), ((5,), 1), ((17,), 33), ((2, 3), 4), ((0,), 3)]:
        for dtype in (np.int32, np.int64):
            indices = rng.integers(-1, depth + 1, shape).astype(dtype)  # outside: a row of zeros
            yield Case(
                "one_hot",
                [indices],
                lambda i, depth=depth: np.asarray(i[..., None] == np.arange(depth), float),
                {"depth": depth},
                exact=True,
            )
