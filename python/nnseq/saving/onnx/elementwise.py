"""Rules of elementwise functions, casts and selections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.saving.onnx.emitter import Emitter, channels_first
from nnseq.saving.onnx.rule_table import Step, rule
from nnseq.saving.onnx.writer import Writer

Unary = Callable[[Writer, str, Any], str]


def _f32(w: Writer, value: float) -> str:
    return w.constant(np.float32(value))


def _op(name: str, **attrs: Any) -> Unary:
    return lambda w, x, alpha: w.add(name, x, **attrs)


def _expm1(w: Writer, x: str, alpha: float) -> str:
    """tanh(x / 2) (e^x + 1), exact near 0."""
    half = w.add("Tanh", w.add("Mul", x, _f32(w, 0.5)))
    return w.add("Mul", half, w.add("Add", w.add("Exp", x), _f32(w, 1)))


def _log1p(w: Writer, x: str, alpha: float) -> str:
    """log(u) x / (u - 1) with u = 1 + x rounded; log(u) where it is not, x where u is 1."""
    u = w.add("Add", x, _f32(w, 1))
    d, log = w.add("Sub", u, _f32(w, 1)), w.add("Log", u)
    near = w.add("Mul", log, w.add("Div", x, d))
    near = w.add("Where", w.add("Equal", d, _f32(w, 0)), x, near)
    return w.add("Where", w.add("Equal", d, x), log, near)


def _gelu(w: Writer, x: str, alpha: float) -> str:
    erf = w.add("Erf", w.add("Mul", x, _f32(w, 0.5**0.5)))
    return w.add("Mul", w.add("Mul", x, _f32(w, 0.5)), w.add("Add", erf, _f32(w, 1)))


def _gelu_tanh(w: Writer, x: str, alpha: float) -> str:
    """x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)"""
    two_c = 1.59576912160573071
    square = w.add("Mul", w.add("Mul", x, x), _f32(w, 0.044715 * two_c))
    u = w.add("Mul", x, w.add("Add", square, _f32(w, two_c)))
    return w.add("Mul", x, w.add("Sigmoid", u))


def _mish(w: Writer, x: str, alpha: float) -> str:
    return w.add("Mul", x, w.add("Tanh", w.add("Softplus", x)))


def _is_finite(w: Writer, x: str, alpha: float) -> str:
    return w.add("Not", w.add("Or", w.add("IsNaN", x), w.add("IsInf", x)))


UNARY: dict[str, Unary] = {
    "negative": _op("Neg"),
    "abs": _op("Abs"),
    "sign": _op("Sign"),
    "floor": _op("Floor"),
    "ceil": _op("Ceil"),
    "round": _op("Round"),
    "square": lambda w, x, alpha: w.add("Mul", x, x),
    "sqrt": _op("Sqrt"),
    "rsqrt": lambda w, x, alpha: w.add("Reciprocal", w.add("Sqrt", x)),
    "reciprocal": _op("Reciprocal"),
    "exp": _op("Exp"),
    "expm1": _expm1,
    "log": _op("Log"),
    "log1p": _log1p,
    "sin": _op("Sin"),
    "cos": _op("Cos"),
    "erf": _op("Erf"),
    "tanh": _op("Tanh"),
    "sigmoid": _op("Sigmoid"),
    "relu": _op("Relu"),
    "relu6": lambda w, x, alpha: w.add("Clip", x, _f32(w, 0), _f32(w, 6)),
    "leaky_relu": lambda w, x, alpha: w.add("LeakyRelu", x, alpha=alpha),
    "elu": lambda w, x, alpha: w.add("Elu", x, alpha=alpha),
    "selu": _op("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "softplus": _op("Softplus"),
    "softsign": _op("Softsign"),
    "silu": lambda w, x, alpha: w.add("Mul", x, w.add("Sigmoid", x)),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "hard_sigmoid": _op("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": _op("HardSwish"),
    "mish": _mish,
    "is_nan": _op("IsNaN"),
    "is_finite": _is_finite,
}
# Of integers these are done as such, and those do nothing; the rest goes through float32.
_INTEGER_UNARY = {"negative", "abs", "sign", "square"}
_WHOLE = {"floor", "ceil", "round"}


@rule("unary")
def unary(e: Emitter, step: Step) -> None:
    [value], w, fn = step.inputs, e.writer, step.attrs["fn"]
    x, is_first = e.either(value)
    dtype = e.dtype(value)
    if fn == "logical_not":
        y = w.add("Not", x if dtype == "bool" else w.cast(x, "bool"))
    elif dtype == "float32" or (fn in _INTEGER_UNARY and dtype in ("int32", "int64")):
        y = UNARY[fn](w, x, step.attrs["alpha"])
    elif fn in _WHOLE and not dtype.startswith("float"):
        y = w.add("Identity", x)
    else:
        y = UNARY[fn](w, w.cast(x, "float32"), step.attrs["alpha"])
        y = y if e.dtype(step.first) == "bool" else w.cast(y, dtype)
    e.placed(step.first, y, is_first)


def _not_equal(w: Writer, a: str, b: str, dtype: str) -> str:
    return w.add("Not", w.add("Equal", a, b))


def _mod(w: Writer, a: str, b: str, dtype: str) -> str:
    """The remainder that has the sign of b."""
    if not dtype.startswith("float"):
        return w.add("Mod", a, b)
    zero = w.constant(np.asarray(0, dtype))
    r = w.add("Mod", a, b, fmod=1)
    differ = w.add("Less", w.add("Mul", w.add("Sign", r), w.add("Sign", b)), zero)
    return w.add("Where", differ, w.add("Add", r, b), r)


def _floor_divide(w: Writer, a: str, b: str, dtype: str) -> str:
    quotient = w.add("Div", w.add("Sub", a, _mod(w, a, b, dtype)), b)
    if not dtype.startswith("float"):
        return quotient
    by_zero = w.add("Equal", b, w.constant(np.asarray(0, dtype)))
    return w.add("Where", by_zero, w.add("Div", a, b), w.add("Round", quotient))


BINARY: dict[str, str | Callable[[Writer, str, str, str], str]] = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "power": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "floor_divide": _floor_divide,
    "mod": _mod,
    "equal": "Equal",
    "not_equal": _not_equal,
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
}


@rule("binary")
def binary(e: Emitter, step: Step) -> None:
    w, fn, dtype = e.writer, step.attrs["fn"], e.dtype(step.inputs[0])
    if fn == "add" and _takes_bias(e, step):
        return
    (a, b), is_first = aligned(e, step)
    if fn.startswith("logical"):
        work = "bool"
    elif dtype in ("bool", "uint8"):  # for which onnxruntime lacks most kernels
        work = "int32"
    else:
        work = dtype
    if work != dtype:
        a, b = w.cast(a, work), w.cast(b, work)
    how = BINARY[fn]
    y = w.add(how, a, b) if isinstance(how, str) else how(w, a, b, work)
    if e.dtype(step.first) == dtype != work:
        y = w.cast(y, dtype)
    e.placed(step.first, y, is_first)


def _takes_bias(e: Emitter, step: Step) -> bool:
    """Makes a static vector of channels the bias of a convolution that only this node uses."""
    for x, bias in (step.inputs, step.inputs[::-1]):
        array, node = e.static(bias), e.convolutions.get(x)
        if node is None or array is None or e.uses[x] > 1 or len(node.inputs) > 2:
            continue
        if array.shape == e.dims(step.first)[-1:]:
            node.inputs.append(e.name(bias))
            e.put_first(step.first, e.first(x))
            return True
    return False


@rule("select")
def select(e: Emitter, step: Step) -> None:
    names, is_first = aligned(e, step)
    e.placed(step.first, e.writer.add("Where", *names), is_first)


@rule("cast")
def cast(e: Emitter, step: Step) -> None:
    x, is_first = e.either(step.inputs[0])
    e.placed(step.first, e.writer.cast(x, step.attrs["dtype"]), is_first)


def aligned(e: Emitter, step: Step) -> tuple[list[str], bool]:
    """The operands, all with their channels first if some are and the others can be."""
    rank = e.rank(step.first)
    if not any(e.is_first(x) and e.rank(x) == rank for x in step.inputs):
        return [e.name(x) for x in step.inputs], False
    names = []
    for x in step.inputs:
        array = e.static(x)
        if array is not None and 0 < array.ndim < rank:
            wide = array.reshape((1,) * (rank - array.ndim) + array.shape)
            turned = wide.transpose(channels_first(rank))
            names.append(e.constant(x, turned, f"first of {rank}"))
        elif e.rank(x) == rank:
            names.append(e.first(x))
        elif e.rank(x) == 0:
            names.append(e.name(x))
        else:
            return [e.name(x) for x in step.inputs], False
    return names, True
