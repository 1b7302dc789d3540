"""Tracked: the layers, Variables and losses that a layer holds, and those of all below it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nnseq import ops
from nnseq.engine import nest
from nnseq.engine.operation import Operation
from nnseq.engine.random_state import SeedGenerator
from nnseq.engine.state import state
from nnseq.engine.tensor import Tensor
from nnseq.engine.variable import Variable, load_variables

_SIMPLE = frozenset({str, int, float, bool, type(None)})


class ForgottenInitError(RuntimeError, AttributeError):
    """A layer is used whose `__init__` did not call that of Layer."""


class Tracked(Operation):
    """The base of Layer: its weights and losses, and those of the layers below it.

    Layers and Variables are found where they are used, in attributes, lists and dicts, at the
    time of the question; nothing is noted when they are assigned.
    """

    # Attributes that do not hold sublayers or Variables of the layer.
    _untracked: frozenset[str] = frozenset({"_inbound_nodes", "_losses", "_used_by", "_weights"})

    built: bool
    _weights: list[Variable]  # made by add_weight
    _trainable: bool
    _used_by: weakref.WeakSet[Any]  # the Traced functions that called the layer
    _losses: list[Any]  # of the last call
    activity_regularizer: Any

    if not TYPE_CHECKING:  # which knows the attributes

        def __getattr__(self, name: str) -> Any:
            if "_losses" not in self.__dict__ and not name.startswith("__"):
                raise ForgottenInitError(
                    f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as "
                    "the first statement in the `__init__()` method."
                )
            return object.__getattribute__(self, name)  # the error of the attribute itself

    def _attributes(self) -> Iterator[Any]:
        """The values of all attributes, lists and dicts taken apart."""
        for name, value in list(self.__dict__.items()):
            if type(value) not in _SIMPLE and name not in self._untracked:
                if isinstance(value, (list, tuple, dict)):
                    yield from _leaves(value)
                else:
                    yield value

    def _sublayers(self) -> list[Any]:
        """The layers among the attributes, each once."""
        found = {id(x): x for x in self._attributes() if isinstance(x, Tracked) and x is not self}
        return list(found.values())

    def _flatten_layers(self) -> list[Any]:
        """This layer and all below it, each once, parents first."""
        found: dict[int, Any] = {}
        stack: list[Any] = [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                stack.extend(reversed(layer._sublayers()))
        return list(found.values())

    def _own_variables(self) -> list[Variable]:
        own = {id(v): v for v in self._weights}
        own.update({id(x): x for x in self._attributes() if isinstance(x, Variable)})
        values = list(own.values())
        return [v for v in values if v.trainable] + [v for v in values if not v.trainable]

    @property
    def weights(self) -> list[Variable]:
        """All Variables: of each layer the trainable ones first, then those of its sublayers."""
        return _once(v for layer in self._flatten_layers() for v in layer._own_variables())

    @property
    def variables(self) -> list[Variable]:
        """`weights`, and the states of the layers' random generators."""
        seeds = [
            x.state
            for layer in self._flatten_layers()
            for x in layer._attributes()
            if isinstance(x, SeedGenerator)
        ]
        return _once([*self.weights, *seeds])

    @property
    def trainable_weights(self) -> list[Variable]:
        """The Variables that are trained: none of a layer, or in a layer, that is not trainable."""
        return self._trained()

    trainable_variables = trainable_weights

    def _trained(self) -> list[Variable]:
        """`trainable_weights`, also of a model that is not built."""
        return _once(self._trainable_below(set()))

    def _trainable_below(self, seen: set[int]) -> list[Variable]:
        if id(self) in seen or not self.trainable:
            return []
        seen.add(id(self))
        found = [v for v in self._own_variables() if v.trainable]
        for layer in self._sublayers():
            found += layer._trainable_below(seen)
        return found

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """All other weights."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """All variables that are not trained."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def trainable(self) -> bool:
        """Whether it is trained; setting it sets all layers below. A trace of a compiled model
        sees what it was at compile()."""
        trace = state.trace
        if trace is not None and trace.trainable is not None:
            return trace.trainable.get(id(self), self._trainable)
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            for traced in list(layer._used_by):
                if traced.trainable is None:
                    traced.clear()
            layer.__dict__["_trainable"] = bool(value)

    # --- losses ---------------------------------------------------------------------------------
    def add_loss(self, loss: Any) -> None:
        """Adds a scalar Tensor, or a list of them, to the loss; used inside `call`."""
        for x in nest.flatten(loss):
            if not isinstance(x, (Tensor, Variable, float, int)):
                raise ValueError(f"`add_loss()` takes scalar Tensors; got {x!r}")
            self._losses.append(x)

    @property
    def losses(self) -> list[Any]:
        """What `add_loss` was given during the last call, and the regularisers of the weights."""
        found = [x for layer in self._flatten_layers() for x in layer._losses]
        for v in self._trained():
            if v.regularizer is not None:
                found.append(v.regularizer(v))
        return found

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            if layer._losses:
                layer._losses = []

    def _add_activity_loss(self, outputs: Any) -> None:
        if self.activity_regularizer is None:
            return
        for x in nest.flatten(outputs):
            loss = self.activity_regularizer(x)
            self._losses.append(loss / ops.cast(ops.shape(x)[0], loss.dtype))

    # --- values -----------------------------------------------------------------------------------
    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of `weights`.

        Raises:
            ValueError: if their number or a shape is wrong; then nothing is changed.
        """
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(weights)}, but the layer was expecting {len(own)} weights."
            )
        for variable, value in zip(own, weights, strict=True):
            if variable.shape != np.shape(value):
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with "
                    f"provided weight shape {np.shape(value)}."
                )
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store: Any) -> None:
        """Writes the layer's own Variables, not those of its sublayers, into a dict of arrays."""
        for index, variable in enumerate(self._own_variables()):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote.

        Raises:
            ValueError: if the number or a shape of the Variables differs; nothing is changed then.
        """
        load_variables(f"Layer '{self.name}'", self._own_variables(), store)

    def count_params(self) -> int:
        """The number of elements of all weights.

        Raises:
            ValueError: if the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                "built. You can build it manually via: `layer.build(input_shape)`."
            )
        return sum(v.size for v in self.weights)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for x in value.values():
            yield from _leaves(x)
    elif isinstance(value, (list, tuple)):
        for x in value:
            yield from _leaves(x)
    else:
        yield value


def _once(variables: Any) -> list[Variable]:
    return list({id(v): v for v in variables}.values())
