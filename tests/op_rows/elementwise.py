"""Rows of unary, unary_grad, binary, select, cast, broadcast."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from op_table import SIZES, Case, Row, normal, row, whole

ALPHA = 0.3
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x)))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(x / 6 + 0.5, 0, 1)


def elu(x: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


UNARY: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "negative": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "square": np.square,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "erf": erf,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, np.float64(np.float32(ALPHA)) * x),
    "elu": lambda x: elu(x, float(np.float32(ALPHA))),
    "selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))),
    "gelu_tanh": gelu_tanh,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": lambda x: x * hard_sigmoid(x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "logical_not": np.logical_not,
    "is_nan": np.isnan,
    "is_finite": np.isfinite,
}
POSITIVE = {"sqrt", "rsqrt", "log", "log1p", "reciprocal"}
PREDICATES = {"logical_not", "is_nan", "is_finite"}
STEPS = {"sign", "floor", "ceil", "round"}  # their gradient is zero
SMOOTH = set(UNARY) - PREDICATES - STEPS
EXACT_UNARY = {"negative", "abs", "square", "relu", "relu6"} | STEPS
LIMITS = np.array(
    [
        0,
        -0.0,
        1,
        -1,
        np.inf,
        -np.inf,
        np.nan,
        1e-30,
        -1e-30,
        3e-5,
        -3e-5,
        20,
        -20,
        88,
        -87,
        89,
        -104,
    ],
    np.float32,
)


def unary_row(fn: str) -> Row:
    def generate(rng: np.random.Generator) -> Iterator[Case]:
        attrs = {"fn": fn, "alpha": ALPHA}
        if fn in PREDICATES:
            dtype = bool if fn == "logical_not" else np.float32
            for n in SIZES:
                x = rng.choice(np.array([0, 1, np.inf, -np.inf, np.nan]), n).astype(dtype)
                yield Case("unary", [x], UNARY[fn], attrs, exact=True)
            return
        for n in SIZES:
            x = 4 * normal(rng, n)
            if fn in POSITIVE:
                x = np.abs(x) + np.float32(0.05)
            yield Case(
                "unary",
                [x],
                UNARY[fn],
                attrs,
                wrt=[0],
                rtol=5e-7,
                atol=2e-7,
                second=n == 33 and fn in TWICE | STEPS,
            )
        yield Case(
            "unary", [np.abs(normal(rng, 3, 5, 7)) + np.float32(1.3)], UNARY[fn], attrs, wrt=[0]
        )
        yield Case("unary", [LIMITS], UNARY[fn], attrs, rtol=5e-7, atol=1e-37)
        if fn in EXACT_UNARY:
            yield Case("unary", [whole(rng, 50)], UNARY[fn], attrs, exact=True)
        if fn in {"negative", "abs", "sign", "square"}:
            for dtype in (np.int32, np.int64):
                yield Case("unary", [whole(rng, 50).astype(dtype)], UNARY[fn], attrs, exact=True)
        double = np.abs(normal(rng, 17)).astype(np.float64) + 0.1
        yield Case("unary", [double], UNARY[fn], attrs, rtol=1e-6, atol=1e-6)

    return generate


for _fn in UNARY:
    row(f"unary/{_fn}")(unary_row(_fn))

# The derivative of the functions that save their output, written in y; the others save x.
DERIVATIVE_IN_Y: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "negative": lambda y: -np.ones_like(y),
    "sqrt": lambda y: 0.5 / y,
    "rsqrt": lambda y: -0.5 * y**3,
    "reciprocal": lambda y: -(y**2),
    "exp": lambda y: y,
    "expm1": lambda y: y + 1,
    "tanh": lambda y: 1 - y**2,
    "sigmoid": lambda y: y * (1 - y),
    "relu": lambda y: (y > 0) * 1.0,
    "relu6": lambda y: ((y > 0) & (y < 6)) * 1.0,
    "leaky_relu": lambda y: np.where(y > 0, 1, np.float64(np.float32(ALPHA))),
    "elu": lambda y: np.where(y > 0, 1, y + np.float64(np.float32(ALPHA))),
    "selu": lambda y: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "softplus": lambda y: 1 - np.exp(-y),
    "hard_sigmoid": lambda y: np.where((y > 0) & (y < 1), 1 / 6, 0),
}
# Functions whose derivative has a derivative in the core.
TWICE = {"negative", "abs", "square", "sqrt", "rsqrt", "reciprocal", "exp", "log", "sin", "cos"}
TWICE |= {"tanh", "sigmoid", "relu", "relu6", "leaky_relu", "softplus", "hard_sigmoid"}
SMOOTH_IN_Y = set(DERIVATIVE_IN_Y) & TWICE - {"relu", "relu6", "hard_sigmoid"}  # no kink at a bound


def derivative(fn: str, saved: np.ndarray) -> np.ndarray:
    if fn in DERIVATIVE_IN_Y:
        return DERIVATIVE_IN_Y[fn](saved)
    step = 1e-6
    return (UNARY[fn](saved + step) - UNARY[fn](saved - step)) / (2 * step)


@row("unary_grad")
def unary_grad(rng: np.random.Generator) -> Iterator[Case]:
    for fn in sorted(SMOOTH):
        for n in SIZES:
            x = 2 * normal(rng, n)
            if fn in POSITIVE:
                x = np.abs(x) + np.float32(0.1)
            saved = UNARY[fn](x).astype(np.float32) if fn in DERIVATIVE_IN_Y else x
            yield Case(
                "unary_grad",
                [saved, normal(rng, n)],
                lambda s, dy, fn=fn: dy * derivative(fn, s),
                {"fn": fn, "alpha": ALPHA},
                wrt=[0, 1] if fn in SMOOTH_IN_Y else [1],
                second=n == 33 and fn in SMOOTH_IN_Y,
            )


BINARY: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "floor_divide": np.floor_divide,
    "mod": np.mod,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}
ARITHMETIC = {"add", "subtract", "multiply", "divide", "power", "maximum", "minimum"}
COMPARISONS = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
BROADCASTS = [
    ((5, 1), (1, 17)),
    ((3, 4, 5), ()),
    ((1,), (33,)),
    ((4, 1, 6), (3, 1)),
    ((0, 3), (3,)),
]


def binary_row(fn: str) -> Row:
    reference = BINARY[fn]

    def generate(rng: np.random.Generator) -> Iterator[Case]:
        attrs = {"fn": fn}
        if fn.startswith("logical"):
            for n in SIZES:
                a, b = rng.integers(0, 2, (2, n)).astype(bool)
                yield Case("binary", [a, b], reference, attrs, exact=True)
            return
        wrt = (0, 1) if fn in ARITHMETIC else ()
        for shapes in [((n,), (n,)) for n in SIZES] + BROADCASTS:
            a, b = (normal(rng, *shape) for shape in shapes)
            if fn in {"power", "divide", "floor_divide", "mod"}:
                b = np.sign(b) * (np.abs(b) + np.float32(0.3))
            if fn == "power":
                a = np.abs(a) + np.float32(0.2)
            exact = fn in COMPARISONS
            yield Case(
                "binary", [a, b], reference, attrs, wrt=wrt, exact=exact, second=shapes[0] == (33,)
            )
            c, d = whole(rng, *shapes[0]), rng.integers(1, 5, shapes[1]).astype(np.float32)
            yield Case("binary", [c, d], reference, attrs, exact=fn not in {"divide", "power"})
            double = a.astype(np.float64)
            yield Case("binary", [double, b.astype(np.float64)], reference, attrs, exact=exact)
            for dtype in (np.int32, np.int64):
                if fn not in {"divide", "power"}:
                    i, j = c.astype(dtype), d.astype(dtype)
                    yield Case("binary", [i, j], reference, attrs, exact=True)

    return generate


for _fn in BINARY:
    row(f"binary/{_fn}")(binary_row(_fn))


@row("select")
def select(rng: np.random.Generator) -> Iterator[Case]:
    shapes = [((n,), (n,), (n,)) for n in SIZES] + [((5, 1), (5, 17), (17,)), ((3, 4), (), ())]
    for shape in shapes:
        condition = rng.integers(0, 2, shape[0]).astype(bool)
        a, b = normal(rng, *shape[1]), normal(rng, *shape[2])
        yield Case(
            "select", [condition, a, b], np.where, wrt=[1, 2], exact=True, second=shape[0] == (33,)
        )
        i, j = (whole(rng, *s).astype(np.int32) for s in shape[1:])
        yield Case("select", [condition, i, j], np.where, exact=True)
    nan = np.array([np.nan, 1, np.inf], np.float32)
    yield Case(
        "select", [np.array([False, True, False]), nan, nan[::-1].copy()], np.where, exact=True
    )


@row("cast")
def cast(rng: np.random.Generator) -> Iterator[Case]:
    dtypes = ("float32", "float64", "int32", "int64", "uint8", "bool")
    for source in dtypes:
        for result in dtypes:
            for n in (0, 5, 33):
                x = (
                    20 * np.abs(normal(rng, n))
                    if "uint8" in (source, result)
                    else 20 * normal(rng, n)
                )
                yield Case(
                    "cast",
                    [x.astype(source)],
                    lambda x, result=result: x if result.startswith("float") else x.astype(result),
                    {"dtype": result},
                    wrt=[0] if source == result == "float32" else [],
                    second=n == 33,
                    exact=True,
                )


@row("broadcast")
def broadcast(rng: np.random.Generator) -> Iterator[Case]:
    for shape, sizes in [
        ((), (4,)),
        ((1,), (17,)),
        ((5, 1), (5, 33)),
        ((3,), (2, 4, 3)),
        ((1, 3, 1), (2, 3, 2)),
        ((2, 3), (2, 3)),
        ((1, 3), (0, 3)),
    ]:
        yield Case(
            "broadcast",
            [normal(rng, *shape)],
            lambda x, sizes=sizes: np.broadcast_to(x, sizes),
            {"sizes": list(sizes)},
            wrt=[0],
            exact=True,
            second=sizes == (5, 33),
        )
        i = whole(rng, *shape).astype(np.int64)
        yield Case(
            "broadcast",
            [i],
            lambda x, sizes=sizes: np.broadcast_to(x, sizes),
            {"sizes": list(sizes)},
            exact=True,
        )
