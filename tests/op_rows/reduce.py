"""Rows of reduce/fn and arg_reduce."""

from collections.abc import Iterator

import numpy as np
from op_table import SIZES, Case, Row, normal, row, whole

REDUCE = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod}
SHAPES = [((n,), (0,)) for n in SIZES] + [
    ((), ()),
    ((5, 17), (0,)),
    ((5, 17), (1,)),
    ((130, 3), (0,)),  # several blocks of 64 rows
    ((3, 130), (1,)),
    ((5, 17), (0, 1)),
    ((5, 17), ()),
    ((2, 3, 4, 5), (1, 3)),
    ((2, 3, 4, 5), (0, 1, 2)),
    ((2, 67, 3), (1,)),
    ((3, 0), (0,)),
]


def reduce_row(fn: str) -> Row:
    def reference(x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
        return REDUCE[fn](x, axis=axes, keepdims=keepdims)

    def generate(rng: np.random.Generator) -> Iterator[Case]:
        for number, (shape, axes) in enumerate(SHAPES):
            empty = 0 in [shape[a] for a in axes]
            if empty and fn not in ("sum", "prod"):
                continue  # NumPy has no maximum of nothing
            keepdims = bool(number % 2)
            attrs = {"fn": fn, "axes": list(axes), "keepdims": keepdims}

            def expect(x, axes=axes, keepdims=keepdims):
                return reference(x, axes, keepdims)

            x = normal(rng, *shape)
            if fn == "prod":
                x = np.sign(x) * (np.abs(x) + np.float32(0.3))
            yield Case("reduce", [x], expect, attrs, wrt=[0], second=shape == (2, 3, 4, 5))
            exact = fn not in ("mean", "prod")
            yield Case("reduce", [whole(rng, *shape)], expect, attrs, exact=exact)
            if fn != "mean":
                integers = rng.integers(1, 3, shape)
                for dtype in (np.int32, np.int64):
                    yield Case(
                        "reduce",
                        [integers.astype(dtype)],
                        lambda x, e=expect: e(x).astype(x.dtype),
                        attrs,
                        exact=True,
                    )
        if fn == "prod":
            zeros = np.array([[2, 0, 3], [0, 5, 0]], np.float32)
            attrs = {"fn": fn, "axes": [1]}
            yield Case("reduce", [zeros], lambda x: np.prod(x, 1), attrs, wrt=[0], exact=True)
        if fn in ("max", "min"):
            nan = np.array([[1, np.nan, 3], [1, 2, 3]], np.float32)
            attrs = {"fn": fn, "axes": [1]}
            yield Case("reduce", [nan], lambda x: REDUCE[fn](x, 1), attrs, exact=True)

    return generate


for _fn in REDUCE:
    row(f"reduce/{_fn}")(reduce_row(_fn))


@row("arg_reduce")
def arg_reduce(rng: np.random.Generator) -> Iterator[Case]:
    for largest, function in ((True, np.argmax), (False, np.argmin)):
        for shape, axis in [
            *[((n,), 0) for n in SIZES if n],
            ((5, 17), 0),
            ((5, 17), 1),
            ((5, 17), -1),
            ((2, 3, 4), 1),
            ((0, 4), 1),
        ]:
            for x in (normal(rng, *shape), whole(rng, *shape), whole(rng, *shape).astype(np.int32)):
                yield Case(
                    "arg_reduce",
                    [x],
                    lambda x, f=function, axis=axis: f(x, axis).astype(np.int32),
                    {"axis": axis, "max": largest},
                    exact=True,
                )
        nan = np.array([1, np.nan, 3, np.nan], np.float32)
        attrs = {"axis": 0, "max": largest}
        yield Case("arg_reduce", [nan], lambda x, f=function: np.int32(f(x)), attrs, exact=True)
