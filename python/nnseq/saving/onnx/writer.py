"""Writer: an ONNX graph being written, before it becomes protocol buffers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Size = int | str  # a size: a number, or the name of an int64 tensor of shape (1,)


@dataclass
class Node:
    """One node; `attrs` holds numbers, strings, lists and, for a body, a Writer."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attrs: dict[str, Any]
    name: str

    def bodies(self) -> Iterator[Writer]:
        return (value for value in self.attrs.values() if isinstance(value, Writer))

    def uses(self) -> Iterator[str]:
        """The names of the tensors it takes, those that its bodies take from outside too."""
        yield from self.inputs
        for body in self.bodies():
            yield from body.outputs
            for node in body.nodes:
                yield from node.uses()


class Writer:
    """A graph of ONNX nodes.

    Attributes:
        nodes: in an order in which they can run.
        inputs: (name, dtype, shape) of each; a dim is an int, a name or None.
        outputs: their names. types: (dtype, shape) of each; a body may leave them out.
        initializers: name -> array. A body has those of the whole graph.
        opset: the version of the operators.
        scope: the layer that nodes belong to from now on.
    """

    def __init__(self, opset: int, parent: Writer | None = None) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[tuple[str, str, Sequence[Any]]] = []
        self.outputs: list[str] = []
        self.types: list[tuple[str, Sequence[Any]]] = []
        self.initializers: dict[str, np.ndarray] = parent.initializers if parent else {}
        self.opset = opset
        self.scope: str = parent.scope if parent else ""
        self._taken: set[str] = parent._taken if parent else {""}
        self._known: dict[Any, str] = parent._known if parent else {}

    def body(self) -> Writer:
        """The graph of a node of this one."""
        return Writer(self.opset, self)

    def unique(self, name: str) -> str:
        """`name`, with a number behind it if it is taken."""
        found, count = name, 0
        while found in self._taken:
            count += 1
            found = f"{name}_{count}"
        self._taken.add(found)
        return found

    def node(self, op: str, inputs: Sequence[str], count: int = 1, **attrs: Any) -> Node:
        """Appends a node with `count` outputs."""
        name = self.unique(f"{self.scope}/{op}" if self.scope else op)
        outputs = [self.unique(f"{name}:{k}") for k in range(count)]
        node = Node(op, list(inputs), outputs, attrs, name)
        self.nodes.append(node)
        return node

    def add(self, op: str, *inputs: str, **attrs: Any) -> str:
        """Appends a node; returns its output."""
        return self.node(op, inputs, **attrs).outputs[0]

    def constant(self, array: Any, name: str = "constant") -> str:
        """The initializer that holds an array; small arrays without a name share one.

        It gets `name`, or one like it, at the end, if it is still needed then.
        """
        array = np.ascontiguousarray(array).reshape(np.shape(array))  # a scalar stays one
        key = None
        if name == "constant" and array.nbytes <= 64:
            key = (array.dtype.str, array.shape, array.tobytes())
            if key in self._known:
                return self._known[key]
        found = self._known[key] = f"{name}#{len(self.initializers)}"
        self.initializers[found] = array
        return found

    def cast(self, x: str, dtype: str) -> str:
        return self.add("Cast", x, to=np.dtype(dtype))

    def ints(self, *values: int) -> str:
        return self.constant(np.asarray(values, np.int64))

    # --- sizes ----------------------------------------------------------------------------------
    def size(self, fn: str, a: Size, b: Size) -> Size:
        """Arithmetic of sizes: add, subtract, multiply, floor_divide, mod or maximum."""
        if isinstance(a, int) and isinstance(b, int):
            return _INTEGER[fn](a, b)
        x, y = (self.ints(v) if isinstance(v, int) else v for v in (a, b))
        if fn != "floor_divide":
            return self.add(_SIZE_OPS[fn], x, y)
        down = self.add("Sub", x, self.add("Mod", x, y))  # Div rounds towards 0
        return self.add("Div", down, y)

    def vector(self, sizes: Sequence[Size]) -> str:
        """An int64 tensor of sizes."""
        parts: list[str] = []
        run: list[int] = []
        for size in [*sizes, ""]:
            if isinstance(size, int):
                run.append(size)
                continue
            if run or (not size and not parts):
                parts.append(self.ints(*run))
            run = []
            parts += [size] if size else []
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=0)

    def reduce(self, fn: str, x: str, axes: Sequence[int], keepdims: bool = False) -> str:
        """A reduction such as "Mean"; its axes are an input only since opset 18, for a sum 13."""
        op = f"Reduce{fn}"
        if not axes:
            return self.add("Identity", x)
        if fn == "Sum" or self.opset >= 18:
            return self.add(op, x, self.ints(*axes), keepdims=int(keepdims))
        return self.add(op, x, axes=list(axes), keepdims=int(keepdims))

    # --- at the end -----------------------------------------------------------------------------
    def prune(self) -> None:
        """Removes what no output needs."""
        needed = set(self.outputs)
        kept = []
        for node in reversed(self.nodes):
            if needed.isdisjoint(node.outputs):
                continue
            for body in node.bodies():
                body.prune()
            needed.update(node.uses())
            if node.op in _OPTIONAL_OUTPUTS:
                node.outputs = [name if name in needed else "" for name in node.outputs]
                while not node.outputs[-1]:
                    node.outputs.pop()
            kept.append(node)
        self.nodes = kept[::-1]

    def finish(self, names: Sequence[str]) -> None:
        """Names the outputs, removes what they do not need and names the initializers that stay."""
        made = {name for node in self.nodes for name in node.outputs}
        renamed: dict[str, str] = {}
        for i, (own, name) in enumerate(zip(names, self.outputs, strict=True)):
            if name in made and name not in renamed:
                renamed[name] = own
            else:  # an input, a constant, or an output twice
                self.nodes.append(Node("Identity", [name], [own], {}, self.unique(f"Identity_{i}")))
        self.outputs = list(names)
        self._rename(renamed)
        self.prune()
        used = {name for node in self.nodes for name in node.uses()}
        kept = [name for name in self.initializers if name in used]
        renamed = {name: self.unique(name.rpartition("#")[0]) for name in kept}
        arrays = [self.initializers[name] for name in kept]
        self.initializers.clear()
        self.initializers.update(zip(renamed.values(), arrays, strict=True))
        self._rename(renamed)

    def _rename(self, names: dict[str, str]) -> None:
        for node in self.nodes:
            node.inputs = [names.get(name, name) for name in node.inputs]
            node.outputs = [names.get(name, name) for name in node.outputs]
            for body in node.bodies():
                body._rename(names)


_OPTIONAL_OUTPUTS = {"LayerNormalization", "LSTM", "GRU", "RNN"}
_INTEGER: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "floor_divide": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "maximum": max,
}
_SIZE_OPS = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "mod": "Mod", "maximum": "Max"}
