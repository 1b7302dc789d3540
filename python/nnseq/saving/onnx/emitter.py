"""Emitter: walks a Graph of the core in its order and writes ONNX nodes for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nnseq import _core
from nnseq.saving.onnx.rule_table import REFUSED, RULES, CannotExport, Step
from nnseq.saving.onnx.writer import Node, Size, Writer

_OUTPUTS = 1 << 20  # a value is node * _OUTPUTS + output (csrc/bindings/graph.cpp)
# Not computed while exporting: too long, or not a function of operands alone.
_NOT_FOLDED = {"scan", "recurrent", "random", "dim", "host"}
_LAYOUT = {"reshape", "transpose", "slice", "stop_gradient"}
_FOLDED_BYTES = 4096  # a constant larger than what it is made of is made at run time


def channels_first(rank: int) -> list[int]:
    """The axes of (N, C, ...) in (N, ..., C)."""
    return [0, rank - 1, *range(1, rank - 1)]


def inverse(axes: Sequence[int]) -> list[int]:
    return [int(i) for i in np.argsort(axes)]


class Emitter:
    """Where the values of one Graph are in the graph being written.

    A value may be there in up to four forms, each made of another when it is first asked for: as a
    tensor; as a tensor with the channels first, which is how ONNX convolves; as an array known
    now; as a size. So transpositions stand only where a run of layers of images begins and ends.

    Args:
        graph: whose values these are.
        writer: takes the nodes.
        variables: (path, array) of each slot.
        parent: that of the graph around this body of a scan.
    """

    def __init__(
        self,
        graph: _core.Graph,
        writer: Writer,
        variables: Sequence[tuple[str, np.ndarray]] = (),
        parent: Emitter | None = None,
    ) -> None:
        self.graph = graph
        self.writer = writer
        self.variables = variables
        self._plain: dict[int, str] = {}
        self._first: dict[int, str] = {}
        self._static: dict[int, np.ndarray] = {}
        self._sizes: dict[int, Size] = {}
        self._hints: dict[int, str] = {}
        self._dims: dict[tuple[str, int], str] = {}
        # By (id of an array, form); the arrays are kept, so that no other gets their id.
        self._constants: dict[tuple[int, str], tuple[str, np.ndarray]] = (
            parent._constants if parent else {}
        )
        self.uses: dict[int, int] = {}
        self.convolutions: dict[int, Node] = {}  # by value: nodes that may take a bias

    # --- types ----------------------------------------------------------------------------------
    def rank(self, value: int) -> int:
        return len(self.graph.shape(value))

    def dtype(self, value: int) -> str:
        return self.graph.dtype(value)

    def dims(self, value: int) -> tuple[int | None, ...]:
        return self.graph.shape(value)

    # --- the forms of a value -------------------------------------------------------------------
    def put(self, value: int, name: str) -> None:
        self._plain[value] = name

    def put_first(self, value: int, name: str) -> None:
        self._first[value] = name

    def put_static(self, value: int, array: np.ndarray, hint: str) -> None:
        self._static[value] = array
        self._hints[value] = hint

    def put_size(self, value: int, size: Size) -> None:
        self._sizes[value] = size

    def alias(self, value: int, other: int, source: Emitter | None = None) -> None:
        """`value` is what `other` is, in another graph if `source` is its Emitter."""
        source = source or self
        for mine, theirs in zip(self._forms(), source._forms(), strict=True):
            if other in theirs:
                mine[value] = theirs[other]

    def has(self, value: int) -> bool:
        """Whether it is there in any form."""
        return any(value in form for form in self._forms())

    def _forms(self) -> tuple[dict[int, Any], ...]:
        return (self._plain, self._first, self._static, self._sizes, self._hints)

    def name(self, value: int) -> str:
        """The tensor as the core has it."""
        found = self._plain.get(value)
        if found is None:
            found = self._plain[value] = self._made(value)
        return found

    def _made(self, value: int) -> str:
        if value in self._static:
            return self.constant(value, self._static[value], "plain")
        if value in self._first:
            axes = inverse(channels_first(self.rank(value)))
            return self.writer.add("Transpose", self._first[value], perm=axes)
        if value in self._sizes:
            size = self._sizes[value]
            if isinstance(size, int):
                return self.writer.constant(np.asarray(size, np.int64))
            return self.writer.add("Reshape", size, self.writer.ints())
        op, _, _ = self.graph.producer(value)
        raise CannotExport(self.graph.scope(value), op, "only training needs this output of it")

    def constant(self, value: int, array: np.ndarray, form: str) -> str:
        """The initializer that holds `array`, which is `value` in some form."""
        source = self._static[value]
        key = (id(source), form)
        if key not in self._constants:
            name = self.writer.constant(array, self._hints.get(value, "constant"))
            self._constants[key] = (name, source)
        return self._constants[key][0]

    def first(self, value: int) -> str:
        """The tensor with its last axis behind the first one."""
        found = self._first.get(value)
        if found is None:
            axes = channels_first(self.rank(value))
            if value in self._static:
                found = self.constant(value, self._static[value].transpose(axes), "first")
            else:
                found = self.writer.add("Transpose", self.name(value), perm=axes)
            self._first[value] = found
        return found

    def is_first(self, value: int) -> bool:
        """Whether it is at hand with its channels first, and not otherwise."""
        return value in self._first and value not in self._plain

    def either(self, value: int) -> tuple[str, bool]:
        """The tensor in the form that is at hand, and whether it has its channels first."""
        is_first = self.is_first(value)
        return (self.first(value) if is_first else self.name(value)), is_first

    def placed(self, value: int, name: str, is_first: bool) -> None:
        """Says where a value is, in one of these two forms."""
        (self.put_first if is_first else self.put)(value, name)

    def static(self, value: int) -> np.ndarray | None:
        """Its array, if that is known now."""
        return self._static.get(value)

    def size(self, value: int) -> Size:
        """An int64 scalar as a size."""
        if value in self._sizes:
            return self._sizes[value]
        if value in self._static:
            return int(self._static[value])
        return self.writer.add("Reshape", self.name(value), self.writer.ints(1))

    def dim(self, value: int, axis: int) -> Size:
        """One dim of a value."""
        known = self.dims(value)[axis]
        if known is not None:
            return known
        name = self._plain.get(value)
        if name is None and value in self._first:
            name, axis = self._first[value], channels_first(self.rank(value)).index(axis)
        key = (name or self.name(value), axis)
        if key not in self._dims:
            self._dims[key] = self.writer.add("Shape", key[0], start=axis, end=axis + 1)
        return self._dims[key]

    def is_dim_of(self, size: Size, value: int, axis: int) -> bool:
        """Whether `size` is known to be this dim."""
        return size == self.dims(value)[axis] or (
            isinstance(size, str) and size == self.dim(value, axis)
        )

    # --- walking --------------------------------------------------------------------------------
    def run(self, values: Iterable[int]) -> None:
        """Writes all that `values` are made of."""
        for first in self._order(values):
            op, inputs, attrs = self.graph.producer(first)
            scope = self.graph.scope(first)
            self.writer.scope = scope
            if self.has(first):  # an input
                continue
            if op in REFUSED or op not in RULES:
                raise CannotExport(scope, op, REFUSED.get(op, "it has no rule"))
            step = self._step(op, first, inputs, attrs, scope)
            if not self._fold(step):
                self._bind(step, RULES[op](self, step))

    def _order(self, values: Iterable[int]) -> list[int]:
        """The first outputs of the nodes that are needed; counts the uses of each value."""
        waiting = list(values)
        seen: set[int] = set()
        for value in waiting:
            self.uses[value] = self.uses.get(value, 0) + 1
        while waiting:
            value = waiting.pop()
            first = value - value % _OUTPUTS
            if first in seen:
                continue
            seen.add(first)
            op, operands, _ = self.graph.producer(first)
            waiting += operands
            for operand in operands if op != "dim" else ():  # which takes no value
                self.uses[operand] = self.uses.get(operand, 0) + 1
        return sorted(seen)

    def _step(
        self, op: str, first: int, inputs: list[int], attrs: dict[str, Any], scope: str
    ) -> Step:
        """The node with its host operands, which stand after the tensors, put in their places."""
        lists = {k: v for k, v in attrs.items() if isinstance(v, list)}
        hosts = [_core.HOST_SIZE - x for v in lists.values() for x in v if x <= _core.HOST_SIZE]
        tensors = len(inputs) - (max(hosts) + 1 if hosts else 0)
        bound = {
            key: [
                self.size(inputs[tensors + int(_core.HOST_SIZE - x)]) if x <= _core.HOST_SIZE else x
                for x in values
            ]
            for key, values in lists.items()
        }
        return Step(op, first, inputs[:tensors], {**attrs, **bound}, scope)

    def _fold(self, step: Step) -> bool:
        """Computes a node of known arrays now."""
        arrays = [self._static[x] for x in step.inputs if x in self._static]
        sizes = [x for v in step.attrs.values() if isinstance(v, list) for x in v]
        is_known = 0 < len(arrays) == len(step.inputs) and step.op not in _NOT_FOLDED
        if not is_known or any(isinstance(x, str) for x in sizes):
            return False
        tensors = [_core.Tensor(x) for x in arrays]
        results = [y.numpy() for y in _core.eager(step.op, tensors, step.attrs)]
        before = sum(x.nbytes for x in arrays)
        if sum(y.nbytes for y in results) > max(before, _FOLDED_BYTES):
            return False
        hint = f"{step.scope}/folded"
        if step.op in _LAYOUT:  # still that Variable
            hint = self._hints[step.inputs[0]]
        for k, y in enumerate(results):
            self.put_static(step.first + k, y, hint)
        return True

    def _bind(self, step: Step, result: Any) -> None:
        if isinstance(result, str):
            self.put(step.first, result)
        elif result is not None:
            for k, name in enumerate(result):
                self.put(step.first + k, name)
