"""Rows of matmul, conv2d, conv2d_by_data, conv2d_by_weights."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from op_table import Case, normal, row, whole


def product(a: np.ndarray, b: np.ndarray, trans_a: bool, trans_b: bool) -> np.ndarray:
    return np.matmul(
        np.swapaxes(a, -1, -2) if trans_a else a, np.swapaxes(b, -1, -2) if trans_b else b
    )


@row("matmul")
def matmul(rng: np.random.Generator) -> Iterator[Case]:
    sizes = [(1, 1, 1), (5, 7, 3), (16, 16, 16), (17, 33, 15), (2, 64, 400), (70, 50, 900)]
    sizes += [(0, 4, 3), (4, 0, 3), (4, 3, 0)]
    for number, (m, n, k) in enumerate(sizes):
        for trans_a in (False, True):
            for trans_b in (False, True):
                a, b = ((k, m) if trans_a else (m, k)), ((n, k) if trans_b else (k, n))
                exact = (number + trans_a + trans_b) % 2 == 0
                make = whole if exact else normal
                yield Case(
                    "matmul",
                    [make(rng, *a), make(rng, *b)],
                    lambda a, b, t=trans_a, u=trans_b: product(a, b, t, u),
                    {"trans_a": trans_a, "trans_b": trans_b},
                    wrt=[0, 1],
                    exact=exact,
                    second=m == 5,
                )
    for a, b in [((3, 4, 5), (3, 5, 17)), ((2, 3, 4, 5), (2, 3, 5, 1)), ((2, 3, 5), (5, 6))]:
        for make in (normal, whole):
            yield Case(
                "matmul",
                [make(rng, *a), make(rng, *b)],
                lambda a, b: product(a, b, False, False),
                wrt=[0, 1],
                exact=make is whole,
                second=a == (3, 4, 5),
            )
    for trans_a, trans_b in [(False, True), (True, False), (True, True)]:
        a, b = ((3, 5, 4) if trans_a else (3, 4, 5)), ((3, 17, 5) if trans_b else (3, 5, 17))
        yield Case(
            "matmul",
            [normal(rng, *a), normal(rng, *b)],
            lambda a, b, t=trans_a, u=trans_b: product(a, b, t, u),
            {"trans_a": trans_a, "trans_b": trans_b},
            wrt=[0, 1],
        )


class Geometry:
    """The windows of a convolution or pooling in one pair of axes, from Keras' rules."""

    def __init__(self, image: Sequence[int], window: Sequence[int], attrs: Mapping[str, Any]):
        self.strides = attrs.get("strides") or [1, 1]
        self.dilation = attrs.get("dilation") or [1, 1]
        spans = [(k - 1) * d + 1 for k, d in zip(window, self.dilation, strict=True)]
        padding = attrs.get("padding", "valid")
        explicit = attrs.get("pads") or [0, 0, 0, 0]
        self.pads, self.outs = [], []
        for i, (n, span, s) in enumerate(zip(image, spans, self.strides, strict=True)):
            if padding == "same":
                out = -(-n // s)
                total = max(0, (out - 1) * s + span - n)
                pair = (total // 2, total - total // 2)
            else:
                pair = tuple(explicit[2 * i : 2 * i + 2]) if padding == "explicit" else (0, 0)
                out = (n + sum(pair) - span) // s + 1
            self.pads.append(pair)
            self.outs.append(out)

    def padded(self, x: np.ndarray, value: float = 0) -> np.ndarray:
        return np.pad(x, [(0, 0), *self.pads, (0, 0)], constant_values=value)

    def at(self, i: int, j: int) -> tuple[slice, ...]:
        """The elements of the padded image under cell (i, j) of the window."""
        rows, columns = (
            slice(k * d, k * d + (out - 1) * s + 1, s)
            for k, d, s, out in zip((i, j), self.dilation, self.strides, self.outs, strict=True)
        )
        return (slice(None), rows, columns)

    def cropped(self, x: np.ndarray) -> np.ndarray:
        (top, bottom), (left, right) = self.pads
        return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def conv2d(x: np.ndarray, w: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    geometry, groups = Geometry(x.shape[1:3], w.shape[:2], attrs), attrs.get("groups", 1)
    image = geometry.padded(x)
    y = np.zeros((x.shape[0], *geometry.outs, w.shape[3]))
    c, o = w.shape[2], w.shape[3] // groups
    for i, j in np.ndindex(*w.shape[:2]):
        patch = image[geometry.at(i, j)]
        for g in range(groups):
            part = slice(g * o, (g + 1) * o)
            y[..., part] += patch[..., g * c : (g + 1) * c] @ w[i, j, :, part]
    return y


def conv2d_by_data(dy: np.ndarray, w: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    geometry, groups = Geometry(attrs["sizes"], w.shape[:2], attrs), attrs.get("groups", 1)
    c, o = w.shape[2], w.shape[3] // groups
    dx = geometry.padded(np.zeros((dy.shape[0], *attrs["sizes"], c * groups)))
    for i, j in np.ndindex(*w.shape[:2]):
        for g in range(groups):
            part = slice(g * o, (g + 1) * o)
            dx[(*geometry.at(i, j), slice(g * c, (g + 1) * c))] += (
                dy[..., part] @ w[i, j, :, part].T
            )
    return geometry.cropped(dx)


def conv2d_by_weights(x: np.ndarray, dy: np.ndarray, attrs: Mapping[str, Any]) -> np.ndarray:
    kernel, groups = attrs["sizes"], attrs.get("groups", 1)
    geometry = Geometry(x.shape[1:3], kernel, attrs)
    image = geometry.padded(x)
    c, o = x.shape[3] // groups, dy.shape[3] // groups
    dw = np.zeros((*kernel, c, dy.shape[3]))
    for i, j in np.ndindex(*kernel):
        patch = image[geometry.at(i, j)]
        for g in range(groups):
            part = slice(g * o, (g + 1) * o)
            rows = patch[..., g * c : (g + 1) * c]
            dw[i, j, :, part] = np.einsum("nhwc,nhwo->co", rows, dy[..., part])
    return dw


# (x shape, w shape, attributes)
CONVOLUTIONS: list[tuple[Sequence[int], Sequence[int], dict[str, Any]]] = [
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((2, 5, 6, 3), (1, 1, 3, 17), {}),
    ((2, 7, 8, 3), (3, 3, 3, 16), {}),
    ((1, 9, 7, 1), (3, 2, 1, 5), {"padding": "same"}),
    ((2, 8, 9, 16), (3, 3, 16, 16), {"padding": "same"}),
    ((1, 12, 12, 17), (3, 3, 17, 33), {"padding": "same"}),
    ((2, 4, 4, 2), (3, 3, 2, 3), {"padding": "same", "strides": [2, 2]}),
    ((2, 9, 8, 3), (5, 5, 3, 8), {"strides": [2, 3]}),
    ((1, 9, 10, 2), (3, 3, 2, 4), {"dilation": [2, 3]}),
    ((1, 6, 6, 3), (3, 3, 3, 4), {"padding": "same", "dilation": [2, 2]}),
    ((1, 6, 5, 2), (3, 3, 2, 4), {"padding": "explicit", "pads": [2, 0, 1, 3]}),
    ((1, 7, 7, 2), (3, 3, 2, 4), {"padding": "explicit", "pads": [1, 2, 2, 1], "strides": [2, 2]}),
    ((2, 5, 5, 6), (3, 3, 2, 9), {"groups": 3, "padding": "same"}),
    ((1, 6, 6, 4), (3, 3, 1, 8), {"groups": 4, "strides": [2, 2]}),
    ((1, 5, 5, 1), (5, 5, 1, 4), {}),
    ((2, 3, 3, 4), (1, 1, 4, 4), {"strides": [2, 2]}),
    ((0, 5, 5, 2), (3, 3, 2, 4), {}),
]


@row("conv2d")
def conv2d_row(rng: np.random.Generator) -> Iterator[Case]:
    for number, (x, w, attrs) in enumerate(CONVOLUTIONS):
        for make in (normal, whole):
            yield Case(
                "conv2d",
                [make(rng, *x), make(rng, *w)],
                lambda x, w, a=attrs: conv2d(x, w, a),
                attrs,
                wrt=[0, 1],
                exact=make is whole,
                second=number in (2, 6, 12) and make is normal,
            )


@row("conv2d_by_data")
def conv2d_by_data_row(rng: np.random.Generator) -> Iterator[Case]:
    for number, (x, w, attrs) in enumerate(CONVOLUTIONS):
        outs = Geometry(x[1:3], w[:2], attrs).outs
        sized = attrs | {"sizes": list(x[1:3])}
        for make in (normal, whole):
            yield Case(
                "conv2d_by_data",
                [make(rng, x[0], *outs, w[3]), make(rng, *w)],
                lambda dy, w, a=sized: conv2d_by_data(dy, w, a),
                sized,
                wrt=[0, 1],
                exact=make is whole,
                second=number == 6 and make is normal,
            )


@row("conv2d_by_weights")
def conv2d_by_weights_row(rng: np.random.Generator) -> Iterator[Case]:
    for number, (x, w, attrs) in enumerate(CONVOLUTIONS):
        outs = Geometry(x[1:3], w[:2], attrs).outs
        sized = attrs | {"sizes": list(w[:2])}
        for make in (normal, whole):
            yield Case(
                "conv2d_by_weights",
                [make(rng, *x), make(rng, x[0], *outs, w[3])],
                lambda x, dy, a=sized: conv2d_by_weights(x, dy, a),
                sized,
                wrt=[0, 1],
                exact=make is whole,
                second=number == 6 and make is normal,
            )
