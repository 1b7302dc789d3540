"""HostPart: the layers at the beginning of a model that work on strings, outside of its Program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnseq.engine.tensor import KerasTensor
from nnseq.layers.host_layer import HostLayer, as_array
from nnseq.models.function_graph import FunctionGraph


class HostPart:
    """A model is cut where host layers end: they run on each batch of arrays, and `graph`, which
    is what the Program computes, takes their results.

    Attributes:
        graph: the rest of the model.
    """

    def __init__(self, whole: FunctionGraph, nodes: list[Any], name: str) -> None:
        self._inputs = whole.flat_inputs
        is_dict = isinstance(whole.inputs, dict)
        self._keys = sorted(whole.inputs) if is_dict else [x.name for x in self._inputs]
        self._nodes = nodes
        known = {id(x) for x in [*self._inputs, *(x for n in nodes for x in n.output_tensors)]}
        cut: dict[int, KerasTensor] = {}
        for node in whole.nodes:
            if node not in nodes:
                cut.update({id(x): x for x in node.input_tensors if id(x) in known})
        cut.update({id(x): x for x in whole.flat_outputs if id(x) in known})
        self._cut = list(cut.values())
        single = len(self._cut) == 1
        self.graph = FunctionGraph(self._cut[0] if single else self._cut, whole.outputs, name)

    def _values(self, data: Any) -> list[Any]:
        """The value of each input, for an array, a list or a dict."""
        if isinstance(data, Mapping):
            missing = [key for key in self._keys if key not in data]
            if missing:
                raise ValueError(f"There is no value for the input '{missing[0]}' of the model.")
            return [data[key] for key in self._keys]
        values = [data] if len(self._inputs) == 1 and is_one_input(data) else list(data)
        if len(values) != len(self._inputs):
            raise ValueError(f"The model takes {len(self._inputs)} inputs; got {len(values)}.")
        return values

    def run(self, data: Any) -> Any:
        """What `graph` takes, for inputs of the model."""
        found = {id(x): v for x, v in zip(self._inputs, self._values(data), strict=True)}
        for node in self._nodes:
            [x], [y] = node.input_tensors, node.output_tensors
            value = as_array(found[id(x)])
            if value.ndim == len(x.shape) - 1 and x.shape[-1] == 1:
                value = value[..., np.newaxis]
            found[id(y)] = node.operation(value)
        prepared = [np.asarray(found[id(x)]) for x in self._cut]
        return prepared[0] if len(prepared) == 1 else prepared


def host_part(graph: FunctionGraph, name: str) -> HostPart | None:
    """The host layers of a model; None if there are none.

    Raises:
        ValueError: if one comes after a layer that does not work on the host.
    """
    known = {id(x) for x in graph.flat_inputs}
    nodes = []
    for node in graph.nodes:
        if not isinstance(node.operation, HostLayer):
            continue
        if any(id(x) not in known for x in node.input_tensors):
            raise ValueError(
                f"Layer '{node.operation.name}' ({type(node.operation).__name__}) works on arrays "
                f"before the Program of model '{name}'; it must come first, or after such layers."
            )
        known.update(id(x) for x in node.output_tensors)
        nodes.append(node)
    return HostPart(graph, nodes, name) if nodes else None


def is_one_input(data: Any) -> bool:
    """Whether this is an array, or a list of strings or numbers, rather than several inputs."""
    leaf = data
    while isinstance(leaf, list | tuple) and leaf:
        leaf = leaf[0]
    is_array = isinstance(leaf, np.ndarray) or hasattr(leaf, "__array__")
    return is_array if leaf is data else isinstance(leaf, str | bytes | int | float)


def is_in_memory(data: Any) -> bool:
    """Whether these are inputs, rather than something that yields batches."""
    return isinstance(data, list | tuple | Mapping) or is_one_input(data)
