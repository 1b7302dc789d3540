"""Sequential: a model that is a list of layers."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np  # noqa: F401 (doctest)

from nnseq.engine import nest
from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.dispatch import to_tensor
from nnseq.engine.naming import brief, name_scope
from nnseq.engine.operators import DataDependentError
from nnseq.engine.registry import serialize_keras_object
from nnseq.engine.tensor import KerasTensor, Tensor
from nnseq.layers import deserialize as deserialize_layer
from nnseq.layers.host_layer import HostLayer, as_array
from nnseq.layers.input_layer import InputLayer
from nnseq.layers.layer import Layer
from nnseq.layers.shapes import is_shape
from nnseq.models.function_graph import FunctionGraph
from nnseq.models.functional import flat_inputs
from nnseq.models.host_part import host_part
from nnseq.models.model import Model


class Sequential(Model):
    """Layers in a row.

    It is built, which makes its weights, as soon as the shape of its input is known: from an
    `Input` or an `input_shape=` of its first layer, from `build(input_shape)`, or from the first
    call.

    Args:
        layers: a list or another iterable of layers; an `Input` may come first.
        trainable: whether its layers are trained.
        name: without "/"; None makes one.

    >>> from nnseq import layers
    >>> model = Sequential([layers.Dense(2, activation="relu"), layers.Dense(4)])
    >>> model(np.ones((3, 3))).shape
    (3, 4)
    """

    _untracked: frozenset[str] = Model._untracked | {"_layers", "_outputs"}

    def __init__(
        self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self._layers: list[Layer] = []
        self._input_is_implicit = False
        self._outputs: list[Any] = []  # of the Input and of each layer, while there is a graph
        for layer in layers if layers is not None else ():
            self._append(layer)
        self._rebuild()

    # --- the list -------------------------------------------------------------------------------
    def add(self, layer: Any) -> None:
        """Appends a layer; a built model stays built and keeps its weights.

        Raises:
            ValueError: if it is not a layer, its name is taken by another one, or it does not
                fit the layers before it; then it is not added.
        """
        before = list(self._layers)
        self._append(layer)
        try:
            if self._graph is not None:
                with name_scope(self.name):
                    self._extend(self._layers[-1])
                self._close()
            else:
                self._rebuild()
        except BaseException:
            self._layers[:] = before
            raise

    def pop(self) -> Layer:
        """Removes the last layer and returns it.

        Raises:
            IndexError: if there is none; also a TypeError, as Keras 2 raised.
        """
        if not self.layers:
            raise _NoLayersError("There are no layers in the model.")
        layer = self._layers.pop()
        if self._graph is not None and self.layers:
            self._outputs.pop()
            self._close()
        else:
            self._rebuild()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, KerasTensor) and layer.history is not None:
            origin = layer.history[0]
            if isinstance(origin, InputLayer):
                layer = origin
        if not isinstance(layer, Layer):
            raise ValueError(
                "Only instances of `keras.Layer` can be added to a Sequential model. "
                f"Received: {_described(layer)}"
            )
        _check_takes_one_input(layer)
        if isinstance(layer, InputLayer) and self._layers:
            first = self._layers[0]
            if isinstance(first, InputLayer):
                raise ValueError(
                    f"Sequential model '{self.name}' has already been configured to use input "
                    f"shape {first.batch_shape}. You cannot add a different Input layer to it."
                )
            raise ValueError(
                f"Sequential model '{self.name}' already has layers; an Input comes first."
            )
        for other in self._layers:
            if other.name == layer.name and other is not layer:
                raise ValueError(
                    "All layers added to a Sequential model should have unique names. Name "
                    f"'{layer.name}' is already the name of a layer in this model. Update the "
                    "`name` argument to pass a unique name."
                )
        if not self._layers and layer._batch_input_shape is not None:
            self._layers.append(InputLayer(batch_shape=layer._batch_input_shape))
        self._layers.append(layer)

    def _rebuild(self) -> None:
        self.built = False
        self._graph = None
        self._host = None
        if not self.layers:
            return
        first = self._layers[0]
        if isinstance(first, InputLayer):
            self.build(first.batch_shape)
        elif isinstance(first, Model) and first.built and first._graph is not None:
            self.build(first.input_shape)

    @property
    def layers(self) -> list[Layer]:
        """The layers without the Input, in a new list."""
        layers = self._layers
        return layers[1:] if layers and isinstance(layers[0], InputLayer) else layers[:]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and "
            "`pop()` to change the layers in this model."
        )

    def _sublayers(self) -> list[Layer]:
        return list({id(x): x for x in [*self._layers, *super()._sublayers()]}.values())

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: Any) -> Any:
        return self.layers[index]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __bool__(self) -> bool:
        return True

    # --- building and calling -------------------------------------------------------------------
    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of this shape (batch first, None for any size).

        Raises:
            ValueError: if there are no layers, or the model has another input shape.
        """
        if not self.layers:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. "
                "Call `model.add(layer)`."
            )
        first = self._layers[0]
        if input_shape is None and isinstance(first, InputLayer):
            input_shape = first.batch_shape
        if not is_shape(input_shape):
            return  # lists and dicts of inputs: the layers are called in order
        shape = tuple(input_shape)
        if not isinstance(first, InputLayer):
            self._input_is_implicit = True
            self._layers.insert(0, InputLayer(batch_shape=shape))
        elif first.batch_shape != shape:
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{first.batch_shape}. You cannot build it with input shape {shape}."
            )
        self._outputs = [self._layers[0].output]
        try:
            for layer in self.layers:
                self._extend(layer)
        except Exception as error:
            self._outputs = []
            if self._input_is_implicit:
                self._layers.pop(0)
                self._input_is_implicit = False
                if isinstance(error, DataDependentError):
                    return  # it can only run eagerly: the layers are called in order
            raise
        self._close()

    def _extend(self, layer: Layer) -> None:
        self._outputs.append(layer(self._outputs[-1]))

    def _close(self) -> None:
        first, last = self._outputs[0], self._outputs[-1]
        self._graph = FunctionGraph(
            [first], [last] if isinstance(last, KerasTensor) else last, self.name
        )
        self._host = host_part(self._graph, self.name)

    def _works_on_host(self) -> bool:
        return super()._works_on_host() or (
            not self.built and bool(self.layers) and isinstance(self.layers[0], HostLayer)
        )

    def prepare(self, x: Any) -> Any:
        if not self.built and self._works_on_host():
            value = as_array(x)
            kind = "string" if value.dtype.kind == "O" else "int64"
            self._layers.insert(0, InputLayer(batch_shape=(None, *value.shape[1:]), dtype=kind))
            try:
                self._rebuild()
            except BaseException:
                self._layers.pop(0)
                raise
        return super().prepare(x)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not self.layers:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. "
                "Call `model.add(layer)`."
            )
        if self._host is not None:
            return self._host.graph.run(flat_inputs(self, inputs, mask))[0]
        x = inputs
        if self._graph is not None and not self._input_is_implicit:
            [x] = flat_inputs(self, inputs, mask)
        elif mask is not None:
            x = nest.map_structure(_with_mask, inputs, mask)
        for layer in self.layers:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        """The name, the configurations of the layers, and the shape of the input if known."""
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": self.dtype,
            "layers": [serialize_keras_object(layer) for layer in self._layers],
        }
        return {**config, "build_input_shape": self._outputs[0].shape} if self._outputs else config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The model of `get_config()`; also of Keras 2, whose config may be the list of layers."""
        if isinstance(config, list):
            config = {"layers": config}
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        with custom_object_scope(custom_objects):
            for layer in config["layers"]:
                model.add(deserialize_layer(layer))
        if not model.built and (shape := config.get("build_input_shape")) is not None:
            model.build(tuple(shape))
        return model

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape of the input; None if the model is not built."""
        return {"input_shape": self._outputs[0].shape} if self._outputs else None


def _described(given: Any) -> str:
    """Something that is no layer, as Keras writes it; with what to do where Keras prints arrays."""
    if isinstance(given, KerasTensor | Tensor):
        return f"{brief(given)} (of type {type(given)}). Add the layer itself, not its output."
    return f"{given} (of type {type(given)})"


def _check_takes_one_input(layer: Layer) -> None:
    """A layer of a Sequential model is called with one tensor."""
    if isinstance(layer, InputLayer):
        return
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(layer.call).parameters.values()
    names = [p.name for p in parameters if p.kind in kinds]
    required = [p.name for p in parameters if p.kind in kinds and p.default is p.empty]
    if len(required) > 1 or not (
        names or any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    ):
        raise ValueError(
            "Layers added to a Sequential model take a single positional argument, the input "
            f"tensor. Layer '{layer.name}' ({type(layer).__name__}) takes "
            f"{', '.join(required) or 'none'}. Use a functional Model instead."
        )


class _NoLayersError(IndexError, TypeError):
    """pop() of an empty model: Keras 3 raises the one, Keras 2 the other."""


def _with_mask(x: Any, mask: Any) -> Any:
    if mask is not None:
        x = to_tensor(x)
        x._keras_mask = mask
    return x
