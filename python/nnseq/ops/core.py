"""Conversion, shapes and control flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnseq.engine import control
from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.dtypes import result_type, standardize_dtype
from nnseq.engine.host import HostInt
from nnseq.engine.operation import operation
from nnseq.engine.operators import operators
from nnseq.engine.tensor import KerasTensor, Tensor, is_tensor, to_array
from nnseq.engine.variable import Variable

__all__ = [
    "cast", "cond", "convert_to_numpy", "convert_to_tensor", "is_keras_tensor", "scan", "shape",
    "stop_gradient", "while_loop",
]  # fmt: skip


def convert_to_tensor(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of anything that holds numbers.

    Floats become float32 and ints int32, unless `dtype` says otherwise.

    >>> convert_to_tensor([1, 2]).dtype
    'int32'
    """
    if isinstance(x, KerasTensor):
        return x if dtype is None else cast(x, dtype)  # type: ignore[return-value]
    name = None if dtype is None else standardize_dtype(dtype)
    tensor = to_tensor(x, name)
    return tensor if name is None or tensor.dtype == name else cast(tensor, name)


def convert_to_numpy(x: Any) -> np.ndarray:
    """A NumPy array of a concrete Tensor, a Variable or anything else that holds numbers."""
    return x.numpy() if isinstance(x, (Tensor, Variable)) else to_array(x)


@operation
def cast(x: Any, dtype: Any) -> Tensor:
    """The values as another type; from a float to an integer they are cut off towards 0.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    name = standardize_dtype(dtype)
    if not is_tensor(x):
        return to_tensor(x, name)
    x = to_tensor(x)
    return x if x.dtype == name else apply("cast", [x], {"dtype": name})


def shape(x: Any) -> tuple[Any, ...]:
    """The dims of x; in a trace the unknown ones are host integers, which every operation
    that takes sizes accepts and which `+ - * // %` keep. A KerasTensor gives None for them.

    >>> shape(np.zeros((2, 3)))
    (2, 3)
    """
    if isinstance(x, KerasTensor):
        return x.shape
    return dims_of(to_tensor(x))


@operation
def stop_gradient(variable: Any) -> Tensor:
    """The same values; gradients do not flow through."""
    return apply("stop_gradient", [to_tensor(variable)])


def is_keras_tensor(x: Any) -> bool:
    """Whether x is a KerasTensor."""
    return isinstance(x, KerasTensor)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Any, Any]:
    """Runs `f(carry, x) -> (carry, y)` over the first axis of `xs`.

    Args:
        f: the step; it is traced once.
        init: the first carry, a structure of Tensors.
        xs: a structure of Tensors (length, ...), or None to run `length` times.
        length: the number of steps; needed without `xs`.
        reverse: whether to start at the end.
        unroll: accepted for compatibility; loops are always unrolled.

    Returns:
        The last carry and the stacked `y`.

    >>> total, partial = scan(lambda c, x: (c + x, c + x), np.float32(0), np.arange(4.0))
    >>> float(total), partial.tolist()
    (6.0, [0.0, 1.0, 3.0, 6.0])
    """
    if xs is None:
        if length is None:
            raise ValueError("scan needs `xs` or `length`")
        steps = to_tensor(np.zeros((length,), np.int32))
        return control.scan(lambda carry, _: f(carry, None), init, steps, reverse)
    return control.scan(f, init, xs, reverse)


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` if pred else `false_fn()`; eager only.

    Raises:
        NotImplementedError: in a trace; use `where` there.
    """
    if not isinstance(pred, (bool, np.bool_)):
        control.refuse_control_flow("cond")
    return true_fn() if pred else false_fn()


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Runs `body(*loop_vars)` while `cond(*loop_vars)` holds; eager only.

    Raises:
        NotImplementedError: in a trace.
    """
    control.refuse_control_flow("while_loop")
    is_sequence = isinstance(loop_vars, (list, tuple))
    values = tuple(loop_vars) if is_sequence else (loop_vars,)
    steps = 0
    while bool(cond(*values)) and (maximum_iterations is None or steps < maximum_iterations):
        result = body(*values)
        values = tuple(result) if isinstance(result, (list, tuple)) else (result,)
        steps += 1
    return values if is_sequence else values[0]


# --- used by the other modules of ops ------------------------------------------------------------
_WEAK = (bool, int, float)


def kind_of(x: Any) -> Any:
    """What x is for promotion: a dtype, or the type of a Python number (weak)."""
    kind = type(x)
    if kind is Tensor or kind is Variable:
        return x.dtype
    if isinstance(x, HostInt):
        return int
    if isinstance(x, np.generic) and not isinstance(x, float):
        return to_tensor(x).dtype
    for number in _WEAK:
        if isinstance(x, number):
            return number
    return x.dtype if is_tensor(x) else to_tensor(x).dtype


def promoted(*xs: Any, at_least_float: bool = False) -> list[Tensor]:
    """The operands as Tensors of their common type."""
    common = result_type(*[kind_of(x) for x in xs])
    if at_least_float and common not in ("float32", "float64"):
        common = "float32"
    return [x if type(x) is Tensor and x.dtype == common else as_type(x, common) for x in xs]


def as_type(x: Any, dtype: str) -> Tensor:
    """x as a Tensor of a core type."""
    t = x if type(x) is Tensor else to_tensor(x, dtype)
    return t if t.dtype == dtype else apply("cast", [t], {"dtype": dtype})


def as_float(x: Any) -> Tensor:
    """x as a Tensor of a float type: integers become float32."""
    t = to_tensor(x)
    return t if t.dtype in ("float32", "float64") else as_type(t, "float32")


def axis_of(axis: int, rank: int) -> int:
    """A non-negative axis.

    Raises:
        ValueError: if there is no such axis.
    """
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise TypeError(f"an axis must be an int; got {axis!r}")
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of bounds for a Tensor of {rank} dimensions")
    return int(axis) % rank


def axes_of(axis: Any, rank: int) -> list[int]:
    """Sorted non-negative axes of an int, a sequence or None (all).

    Raises:
        ValueError: if an axis does not exist or comes twice.
    """
    if axis is None:
        return list(range(rank))
    axes = [axis_of(a, rank) for a in (axis if isinstance(axis, (list, tuple)) else [axis])]
    if len(set(axes)) != len(axes):
        raise ValueError(f"an axis comes twice in {tuple(axis)}")
    return sorted(axes)


def sizes_of(shape: Any) -> list[Any]:
    """A list of ints and host integers from a shape, an int or a Tensor of ints."""
    if isinstance(shape, (int, np.integer, HostInt)):
        return [shape]
    if isinstance(shape, (Tensor, np.ndarray)):
        return [int(n) for n in convert_to_numpy(shape)]
    sizes: Sequence[Any] = list(shape)
    return [size if isinstance(size, HostInt) else int(size) for size in sizes]


operators["cast"] = cast
