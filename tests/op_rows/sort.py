"""Rows of arg_sort and cumsum."""

from collections.abc import Iterator

import numpy as np
from op_table import SIZES, Case, normal, row, whole


def order(x: np.ndarray, descending: bool) -> np.ndarray:
    """Stable, NaN the largest."""
    if not descending:
        return np.argsort(x, -1, kind="stable").astype(np.int32)
    back = np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1]
    return (x.shape[-1] - 1 - back).astype(np.int32)


@row("arg_sort")
def arg_sort(rng: np.random.Generator) -> Iterator[Case]:
    for descending in (False, True):
        for shape in [*[(n,) for n in SIZES], (5, 17), (2, 3, 130), (3, 0), (0, 4)]:
            few = rng.integers(-2, 3, shape)  # many equal elements
            for x in (
                normal(rng, *shape),
                whole(rng, *shape),
                few.astype(np.int32),
                few.astype(np.int64),
                (few + 2).astype(np.uint8),
                few > 0,
            ):
                yield Case(
                    "arg_sort",
                    [x],
                    lambda x, d=descending: order(x, d),
                    {"descending": descending},
                    exact=True,
                )
        odd = np.array([1, np.nan, -np.inf, 0.0, -0.0, np.inf, np.nan, 1], np.float32)
        yield Case(
            "arg_sort",
            [odd],
            lambda x, d=descending: order(x, d),
            {"descending": descending},
            exact=True,
        )


@row("cumsum")
def cumsum(rng: np.random.Generator) -> Iterator[Case]:
    for shape, axis in [
        *[((n,), 0) for n in SIZES],
        ((5, 17), 0),
        ((5, 17), -1),
        ((3, 130), 1),
        ((2, 7, 33), 1),
        ((0, 4), 0),
        ((4, 0), 1),
    ]:
        attrs = {"axis": axis}

        def expect(x, axis=axis):
            return np.cumsum(x, axis, dtype=x.dtype)

        second = shape == (5, 17)
        yield Case("cumsum", [normal(rng, *shape)], expect, attrs, wrt=[0], second=second)
        yield Case("cumsum", [whole(rng, *shape)], expect, attrs, exact=True)
        for dtype in (np.int32, np.int64):
            yield Case("cumsum", [whole(rng, *shape).astype(dtype)], expect, attrs, exact=True)
