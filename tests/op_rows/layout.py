"""Rows of reshape, transpose, concat, slice, pad, reverse, iota."""

from collections.abc import Iterator, Sequence

import numpy as np
from op_table import Case, normal, row


def of_dtypes(rng: np.random.Generator, shape: Sequence[int]) -> Iterator[tuple[np.ndarray, list]]:
    """(input, wrt) in float32 and in dtypes of other widths."""
    yield normal(rng, *shape), [0]
    for dtype in (np.int64, np.uint8, bool):
        yield (5 * np.abs(normal(rng, *shape))).astype(dtype), []


@row("reshape")
def reshape(rng: np.random.Generator) -> Iterator[Case]:
    for shape, sizes in [
        ((6, 4), (3, 8)),
        ((6, 4), (-1,)),
        ((2, 3, 4), (4, -1, 2)),
        ((1,), ()),
        ((), (1, 1)),
        ((0, 3), (3, 0)),
        ((0, 6), (0, 2, 3)),
    ]:
        for x, wrt in of_dtypes(rng, shape):
            yield Case(
                "reshape",
                [x],
                lambda x, sizes=sizes: x.reshape(sizes),
                {"sizes": list(sizes)},
                wrt=wrt,
                exact=True,
                second=sizes == (-1,),
            )


@row("transpose")
def transpose(rng: np.random.Generator) -> Iterator[Case]:
    for shape, axes in [
        ((5,), (0,)),
        ((17, 33), (1, 0)),
        ((3, 4, 5), (2, 0, 1)),
        ((3, 4, 5), (0, 2, 1)),
        ((2, 3, 4, 5), (0, 3, 1, 2)),
        ((2, 1, 3, 2, 2), (4, 2, 3, 1, 0)),
        ((0, 4), (1, 0)),
    ]:
        for x, wrt in of_dtypes(rng, shape):
            yield Case(
                "transpose",
                [x],
                lambda x, axes=axes: x.transpose(axes),
                {"axes": list(axes)},
                wrt=wrt,
                exact=True,
                second=len(shape) == 2,
            )


@row("concat")
def concat(rng: np.random.Generator) -> Iterator[Case]:
    for shapes, axis in [
        ([(3,)], 0),
        ([(3,), (0,), (17,)], 0),
        ([(2, 3), (4, 3)], 0),
        ([(5, 1), (5, 16), (5, 3)], 1),
        ([(2, 1, 3), (2, 2, 3)], 1),
        ([(2, 1, 3), (2, 1, 4)], -1),
    ]:
        columns = [list(of_dtypes(rng, shape)) for shape in shapes]
        for parts in zip(*columns, strict=True):
            yield Case(
                "concat",
                [x for x, _ in parts],
                lambda *xs, axis=axis: np.concatenate(xs, axis),
                {"axis": axis},
                wrt=range(len(shapes)) if parts[0][1] else (),
                exact=True,
                second=axis == 1,
            )


@row("slice")
def slice_(rng: np.random.Generator) -> Iterator[Case]:
    for shape, begin, sizes, step in [
        ((9,), (2,), (5,), (1,)),
        ((9,), (1,), (3,), (3,)),
        ((40,), (39,), (1,), (2,)),
        ((6, 20), (2, 1), (3, 17), (1, 1)),
        ((6, 20), (0, 1), (3, 7), (2, 3)),
        ((3, 4, 5), (1, 0, 2), (2, 4, 3), (1, 1, 1)),
        ((4, 3), (1, 0), (0, 3), (1, 1)),
    ]:
        index = tuple(
            slice(b, b + (n - 1) * s + 1 if n else b, s)
            for b, n, s in zip(begin, sizes, step, strict=True)
        )
        for x, wrt in of_dtypes(rng, shape):
            yield Case(
                "slice",
                [x],
                lambda x, index=index: x[index],
                {"begin": list(begin), "sizes": list(sizes), "step": list(step)},
                wrt=wrt,
                exact=True,
                second=len(shape) == 2,
            )


def padded(
    x: np.ndarray, low: Sequence[int], high: Sequence[int], interior: Sequence[int], value: float
) -> np.ndarray:
    """`interior` values between neighbours, then padding; negative `low` and `high` crop."""
    inner = [(n - 1) * (i + 1) + 1 if n else 0 for n, i in zip(x.shape, interior, strict=True)]
    spread = np.full(inner, value).astype(x.dtype)
    spread[tuple(slice(None, None, i + 1) for i in interior)] = x
    grow = [(max(a, 0), max(b, 0)) for a, b in zip(low, high, strict=True)]
    grown = np.pad(spread, grow, constant_values=np.asarray(value).astype(x.dtype))
    crop = [
        slice(max(-a, 0), n - max(-b, 0)) for a, b, n in zip(low, high, grown.shape, strict=True)
    ]
    return grown[tuple(crop)]


@row("pad")
def pad(rng: np.random.Generator) -> Iterator[Case]:
    for shape, low, high, interior, value in [
        ((5,), (2,), (3,), (0,), 0),
        ((5,), (0,), (0,), (2,), 7),
        ((3, 17), (1, 0), (0, 2), (0, 0), 3),
        ((3, 4), (0, -1), (2, 1), (1, 0), 0),
        ((5,), (-2,), (-1,), (0,), 0),
        ((2, 3, 4), (1, 1, 1), (1, 0, 1), (0, 1, 2), 1),
        ((0, 2), (1, 1), (2, 0), (0, 0), 5),
    ]:
        for x, wrt in of_dtypes(rng, shape):
            yield Case(
                "pad",
                [x],
                lambda x, a=low, b=high, c=interior, d=value: padded(x, a, b, c, d),
                {"low": list(low), "high": list(high), "interior": list(interior), "value": value},
                wrt=wrt,
                exact=True,
                second=len(shape) == 2,
            )


@row("reverse")
def reverse(rng: np.random.Generator) -> Iterator[Case]:
    for shape, axes in [
        ((1,), (0,)),
        ((33,), (0,)),
        ((3, 17), (1,)),
        ((3, 4, 5), (0, 2)),
        ((0, 2), (0, 1)),
    ]:
        for x, wrt in of_dtypes(rng, shape):
            yield Case(
                "reverse",
                [x],
                lambda x, axes=axes: np.flip(x, axes),
                {"axes": list(axes)},
                wrt=wrt,
                exact=True,
                second=len(shape) == 2,
            )


@row("iota")
def iota(rng: np.random.Generator) -> Iterator[Case]:
    for dtype in ("int32", "int64", "float32", "float64"):
        for n, start, step in [(0, 0, 1), (1, 5, 1), (17, 0, 1), (33, -3, 2), (1000, 7, -3)]:
            yield Case(
                "iota",
                [],
                lambda n=n, a=start, s=step, d=dtype: (a + s * np.arange(n)).astype(d),
                {"sizes": [n], "start": start, "step": step, "dtype": dtype},
                exact=True,
            )
