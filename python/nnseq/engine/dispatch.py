"""The one way into the core: a node in a trace, or an operation run at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnseq import _core
from nnseq.engine.dtypes import result_type
from nnseq.engine.host import HostInt
from nnseq.engine.operators import Operators
from nnseq.engine.state import state
from nnseq.engine.tensor import Tensor, concrete, symbolic, to_array, to_core
from nnseq.engine.variable import Variable

_NO_ATTRS: dict[str, Any] = {}
_scalars: dict[tuple[Any, str, str], Tensor] = {}
_MAX_SCALARS = 4096
_EXACT = 2**53  # the core takes scalars as doubles, which hold integers up to this one


def apply(
    op: str, inputs: Sequence[Any], attrs: dict[str, Any] = _NO_ATTRS, num_outputs: int = 1
) -> Any:
    """Runs, or adds to the trace, an operation of the core.

    Args:
        op: a name in ops.def.
        inputs: Tensors, Variables or arrays of core types; nothing is converted or promoted.
        attrs: attributes; lists of sizes may hold host integers.
        num_outputs: how many Tensors the operation gives.

    Returns:
        A Tensor, or a tuple of `num_outputs` Tensors.
    """
    if state.trace is not None:
        return state.trace.add(op, inputs, attrs, num_outputs)
    tensors = [x if type(x) is Tensor else to_tensor(x) for x in inputs]
    cores: list[_core.Tensor] = []
    for t in tensors:
        if t._core is None:
            raise ValueError(
                f"a symbolic Tensor of shape {t.shape} was used after its trace had ended; store "
                "values that must outlive a step in a Variable"
            )
        cores.append(t._core)
    outputs = tuple(concrete(core) for core in _core.eager(op, cores, attrs))
    for tape in state.tapes:
        tape.record(op, tensors, attrs, outputs)
    return outputs[0] if num_outputs == 1 else outputs


def to_tensor(value: Any, dtype: str | None = None) -> Tensor:
    """A Tensor of anything that holds numbers; `dtype` only for what is not yet a Tensor."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Variable):
        return value.value
    if isinstance(value, HostInt):
        trace = state.trace or value._trace
        return symbolic(trace, trace.value_of(value), (), "int64")
    if isinstance(value, (bool, int, float)):
        return scalar(value, dtype or _type_of_number(value))
    if isinstance(value, (list, tuple)) and _holds_symbols(value):
        return _stacked(value, dtype)
    return concrete(to_core(value, dtype))


def with_mask(x: Any, mask: Any) -> Any:
    """x, as a Tensor that carries the mask where there is one."""
    if mask is not None:
        x = to_tensor(x)
        x._keras_mask = mask
    return x


def _type_of_number(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return "float32"
    return "int32" if -(2**31) <= value < 2**31 else "int64"


def scalar(value: float, dtype: str) -> Tensor:
    """A Tensor of rank 0, shared between equal numbers when eager."""
    trace = state.trace
    if trace is not None:
        if isinstance(value, int) and abs(value) > _EXACT:
            return trace.tensor(trace.graph.constant(to_array(value, dtype)))
        return symbolic(trace, trace.graph.scalar(value, dtype), (), dtype)
    key = (value, dtype, _core.device())
    found = _scalars.get(key)
    # 0.0 and -0.0 are equal keys, so zeros are not shared.
    if found is None or value == 0:
        found = concrete(_core.Tensor(to_array(value, dtype)))
        if len(_scalars) < _MAX_SCALARS:
            _scalars[key] = found
    return found


def _holds_symbols(values: Any) -> bool:
    return any(
        _holds_symbols(v) if isinstance(v, (list, tuple)) else isinstance(v, Operators)
        for v in values
    )


def _stacked(values: Any, dtype: str | None) -> Tensor:
    """A list that holds Tensors, stacked along a new first axis."""
    tensors = [to_tensor(v) for v in values]
    common = dtype or result_type(*(t.dtype for t in tensors))
    rows = []
    for t in tensors:
        if t.dtype != common:
            t = apply("cast", [t], {"dtype": common})
        sizes = [1, *dims_of(t)]
        rows.append(apply("reshape", [t], {"sizes": sizes}))
    return apply("concat", rows, {"axis": 0}) if len(rows) > 1 else rows[0]


def dims_of(x: Any) -> tuple[Any, ...]:
    """The dims of x: ints, and host integers where they are unknown in a trace."""
    shape = x.shape
    if None not in shape:
        return shape
    trace = x._trace if state.trace is None else state.trace
    return tuple(trace.dim(x, axis) for axis in range(len(shape)))
