"""FunctionGraph: the operations between KerasTensors, in an order in which they can be run."""

from __future__ import annotations

from typing import Any

from nnseq.engine import nest
from nnseq.engine.operation import Node, Operation
from nnseq.engine.tensor import KerasTensor


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
                    f"by Input and by calling layers and nnseq.ops on it. Received: {x!r}"
                )
        self._given = {id(x) for x in self.flat_inputs}
        # Of an input in the middle of a graph nothing before it belongs to this graph.
        self._sources = [_origin(x) for x in self.flat_inputs]
        self._check_connected(name)
        self._sort()

    def _parents(self, node: Node) -> list[Node]:
        found: dict[int, Node] = {}
        for x in node.input_tensors:
            if id(x) not in self._given and x.history is not None:
                found[id(x.history[1])] = x.history[1]
        return list(found.values())

    def _ends(self) -> list[Node]:
        return [
            x.history[1]
            for x in self.flat_outputs
            if id(x) not in self._given and x.history is not None
        ]

    def _check_connected(self, name: str) -> None:
        seen: set[int] = set()
        stack = self._ends()
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if not node.input_tensors and all(
                id(x) not in self._given for x in node.output_tensors
            ):
                raise ValueError(
                    f"The outputs of model '{name}' depend on the input "
                    f"'{node.operation.name}', which is not among its `inputs`."
                )
            stack.extend(self._parents(node))

    def _sort(self) -> None:
        """Depth is the longest way to an output; deeper operations come first, operations of one
        depth in the order in which a walk from the outputs meets them."""
        met: dict[int, int] = {}
        finished: list[Node] = []  # each node after the nodes it needs
        done: set[int] = set()

        for end in self._ends():
            stack: list[tuple[Node, bool]] = [(end, False)]
            while stack:
                node, expanded = stack.pop()
                if expanded:
                    finished.append(node)
                    continue
                if id(node) in done:
                    continue
                done.add(id(node))
                met.setdefault(id(node.operation), len(met))
                stack.append((node, True))
                stack.extend((parent, False) for parent in reversed(self._parents(node)))
        finished = _in_order_of_need(finished, self._parents)

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
        for source in self._sources:
            # An input used as it is, or from the middle of a graph, comes before all others.
            met.setdefault(id(source), len(met))
            op_depth.setdefault(id(source), deepest)
            operations.setdefault(id(source), source)
        self.operations: list[Operation] = sorted(
            operations.values(), key=lambda op: (-op_depth[id(op)], met[id(op)])
        )

    def run(self, flat_inputs: list[Any]) -> Any:
        """The structure of outputs for values of the inputs."""
        values: dict[int, Any] = {
            id(x): value for x, value in zip(self.flat_inputs, flat_inputs, strict=True)
        }

        def filled(x: Any) -> Any:
            return values[id(x)] if isinstance(x, KerasTensor) else x

        for node in self.nodes:
            args = nest.map_structure(filled, node.args)
            kwargs = nest.map_structure(filled, node.kwargs)
            results = nest.flatten(node.operation.run_node(args, kwargs))
            for x, value in zip(nest.flatten(node.outputs), results, strict=True):
                values[id(x)] = value
        return nest.map_structure(filled, self.outputs)


def _in_order_of_need(nodes: list[Node], parents: Any) -> list[Node]:
    """The same nodes, each after its parents, otherwise in the given order."""
    placed: set[int] = set()
    known = {id(n) for n in nodes}
    order: list[Node] = []
    for node in nodes:
        stack = [node]
        while stack:
            top = stack[-1]
            waiting = [p for p in parents(top) if id(p) in known and id(p) not in placed]
            if waiting:
                stack.append(waiting[0])
            else:
                stack.pop()
                if id(top) not in placed:
                    placed.add(id(top))
                    order.append(top)
    return order


def _origin(x: KerasTensor) -> Operation:
    """The InputLayer of an input; a new one for a KerasTensor from the middle of a graph."""
    from nnseq.layers.input_layer import InputLayer

    if x.history is not None and isinstance(x.history[0], InputLayer):
        return x.history[0]
    return InputLayer(batch_shape=x.shape, dtype=x.dtype, name=x.name)
