"""FunctionGraph: the operations between KerasTensors, in an order in which they can be run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnseq.engine import nest
from nnseq.engine.naming import brief
from nnseq.engine.operation import Node, Operation
from nnseq.engine.tensor import KerasTensor
from nnseq.layers.input_layer import InputLayer


class FunctionGraph:
    """What leads from some KerasTensors to others.

    Attributes:
        inputs, outputs: the structures of KerasTensors.
        nodes: the calls in between, each after those it needs.
        operations: the layers and functions, inputs first, in the order Keras gives them.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.flat_inputs: list[KerasTensor] = nest.flatten(inputs)
        self.flat_outputs: list[KerasTensor] = nest.flatten(outputs)
        for x in [*self.flat_inputs, *self.flat_outputs]:
            if not isinstance(x, KerasTensor):
                raise ValueError(
                    "All `inputs` and `outputs` of a functional model must be KerasTensors, made "
                    f"by Input and by calling layers and nnseq.ops on it. Received: {brief(x)}"
                )
        # Nothing before an input in the middle of another graph belongs to this graph.
        self._cut = {id(x) for x in self.flat_inputs if not _is_input(x)}
        self._sources = [_origin(x) for x in self.flat_inputs]
        self._met: dict[int, int] = {}  # in which order the operations were met
        finished = self._finished_nodes()
        self._check_connected(finished, name)
        self._sort(finished)

    def _parents(self, node: Node) -> list[Node]:
        found: dict[int, Node] = {}
        for x in node.input_tensors:
            if id(x) not in self._cut and x.history is not None:
                found[id(x.history[1])] = x.history[1]
        return list(found.values())

    def _ends(self) -> list[Node]:
        return [
            x.history[1]
            for x in self.flat_outputs
            if id(x) not in self._cut and x.history is not None
        ]

    def _check_connected(self, finished: list[Node], name: str) -> None:
        given = {id(x) for x in self.flat_inputs}
        for node in finished:
            if not node.input_tensors and not any(id(x) in given for x in node.output_tensors):
                raise ValueError(
                    f"The outputs of model '{name}' depend on the input "
                    f"'{node.operation.name}', which is not among its `inputs`."
                )

    def _finished_nodes(self) -> list[Node]:
        """All nodes, each after those it needs: a depth-first walk from the outputs."""
        finished: list[Node] = []
        seen: set[int] = set()
        stack = [(node, False) for node in reversed(self._ends())]
        while stack:
            node, is_done = stack.pop()
            if is_done:
                finished.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                self._met.setdefault(id(node.operation), len(self._met))
                stack.append((node, True))
                stack.extend((parent, False) for parent in reversed(self._parents(node)))
        return finished

    def _sort(self, finished: list[Node]) -> None:
        """Depth is the longest way to an output; deeper operations come first, operations of one
        depth in the order in which a walk from the outputs meets them."""
        met = self._met
        depth: dict[int, int] = {}
        op_depth: dict[int, int] = {}
        for node in reversed(finished):
            own = max(depth.get(id(node), 0), op_depth.get(id(node.operation), 0))
            depth[id(node)] = op_depth[id(node.operation)] = own
            for parent in self._parents(node):
                depth[id(parent)] = max(depth.get(id(parent), 0), own + 1)
        self.nodes = [n for n in finished if n.input_tensors]
        operations = {id(n.operation): n.operation for n in finished}
        deepest = max(op_depth.values(), default=0) + 1
        for source, x in zip(self._sources, self.flat_inputs, strict=True):
            # Inputs that no output needs come last, those in the middle of a graph first.
            op_depth.setdefault(id(source), deepest if id(x) in self._cut else 0)
            met.setdefault(id(source), -1)
            operations.setdefault(id(source), source)
        self.operations: list[Operation] = sorted(
            operations.values(), key=lambda op: (-op_depth[id(op)], met[id(op)])
        )

    def source(self, x: KerasTensor) -> tuple[Operation, int, int]:
        """The operation of this graph that gives a KerasTensor, in which of its calls, and as
        which of the outputs."""
        for given, origin in zip(self.flat_inputs, self._sources, strict=True):
            if x is given:
                return origin, 0, 0
        if x.history is None:
            raise ValueError(f"{x!r} is not of this graph.")
        operation, node, index = x.history
        return operation, operation._inbound_nodes.index(node), index

    def run(self, flat_inputs: list[Any], call: Callable[..., Any] | None = None) -> Any:
        """The structure of outputs for values of the inputs; `call(operation, args, kwargs)` gives
        the results of an operation."""
        call = call or _run_node
        values: dict[int, Any] = {
            id(x): value for x, value in zip(self.flat_inputs, flat_inputs, strict=True)
        }

        def filled(x: Any) -> Any:
            return values[id(x)] if isinstance(x, KerasTensor) else x

        for node in self.nodes:
            args = nest.map_structure(filled, node.args)
            kwargs = nest.map_structure(filled, node.kwargs)
            results = nest.flatten(call(node.operation, args, kwargs))
            for x, value in zip(nest.flatten(node.outputs), results, strict=True):
                values[id(x)] = value
        return nest.map_structure(filled, self.outputs)


def _run_node(operation: Operation, args: Any, kwargs: Any) -> Any:
    return operation.run_node(args, kwargs)


def _is_input(x: KerasTensor) -> bool:
    return x.history is not None and isinstance(x.history[0], InputLayer)


def _origin(x: KerasTensor) -> Operation:
    """The InputLayer of an input; a new one for a KerasTensor from the middle of a graph."""
    if x.history is not None and isinstance(x.history[0], InputLayer):
        return x.history[0]
    return InputLayer(batch_shape=x.shape, dtype=x.dtype, name=x.name)
