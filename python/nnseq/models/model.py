"""Model: a layer that can be trained, called on arrays and asked for its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnseq import saving
from nnseq.engine import nest
from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.operation import has_keras_tensor, output_spec
from nnseq.engine.registry import serialize_keras_object, sharing_objects
from nnseq.engine.state import state
from nnseq.engine.tensor import KerasTensor, Tensor, concrete
from nnseq.engine.traced import Traced
from nnseq.engine.variable import Variable
from nnseq.layers.layer import Layer
from nnseq.layers.shapes import map_shapes
from nnseq.models.direct import as_arrays, direct_calls, mask_of
from nnseq.models.function_config import graph_config, graph_from_config
from nnseq.models.functional import flat_inputs, set_graph
from nnseq.models.host_part import HostPart, is_in_memory
from nnseq.models.summary import print_summary
from nnseq.saving.model_io import export_model
from nnseq.training.trainer import Trainer


class Model(Trainer):
    """A model.

    Made from KerasTensors, `Model(inputs, outputs)`, it is functional. A subclass makes its
    layers in `__init__` and uses them in `call`, like a Layer.

    Called on arrays, a model runs as one traced Program (see `nnseq.engine.traced`); under a
    GradientTape or with `run_eagerly` it runs operation by operation.

    Args:
        inputs: the KerasTensors at which it begins, in any structure.
        outputs: KerasTensors computed from them, in any structure.
        name: without "/"; None makes one.

    >>> from nnseq import Input, layers
    >>> x = Input((3,))
    >>> model = Model(x, layers.Dense(2)(x))
    >>> model(np.ones((5, 3))).shape
    (5, 2)
    """

    _harmless: frozenset[str] = Trainer._harmless | {"_direct"}
    _untracked: frozenset[str] = Trainer._untracked | {"_direct", "_graph"}

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        is_functional = len(args) > 1 or "inputs" in kwargs or "outputs" in kwargs
        kind = Functional if cls is Model and is_functional else cls
        return super().__new__(kind)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        functional: dict[str, Any] = {
            k: kwargs.pop(k) for k in ("inputs", "outputs") if k in kwargs
        }
        functional.update(zip(("inputs", "outputs", "name"), args, strict=False))
        name = functional.pop("name", None)
        if name is not None:
            kwargs["name"] = name
        super().__init__(**kwargs)
        self._direct: tuple[Traced, Traced] | None = None
        self._graph: Any = None
        self._host: HostPart | None = None  # what is run on batches before the Program
        if functional:
            set_graph(self, functional.get("inputs"), functional.get("outputs"))

    # --- layers ---------------------------------------------------------------------------------
    @property
    def layers(self) -> list[Layer]:
        """The layers directly below, in a new list."""
        return self._sublayers()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its place in `layers`.

        Raises:
            ValueError: if there is no such layer.
        """
        if name is not None and index is not None:
            raise ValueError(
                f"Provide only a layer name or a layer index. Received: index={index}, name={name}."
            )
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has "
                    f"{len(layers)} layers."
                )
            return layers[index]
        if name is None:
            raise ValueError("Provide either a layer name or layer index at `get_layer`.")
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"No such layer: {name}. Existing layers are: {[layer.name for layer in layers]}."
        )

    def _assert_weights_created(self) -> None:
        """A model of which every layer was built on its own has weights before it is called."""
        below = self._sublayers()
        is_usable = self.built or ((below or self._weights) and all(x.built for x in below))
        if not is_usable:
            raise ValueError(
                f"Weights for model '{self.name}' have not yet been created. Weights are created "
                "when the model is first called on inputs or `build()` is called with an "
                "`input_shape`."
            )

    @property
    def weights(self) -> list[Variable]:
        """All Variables.

        Raises:
            ValueError: if the model is not built.
        """
        self._assert_weights_created()
        return super().weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The Variables that are trained; raises like `weights`."""
        self._assert_weights_created()
        return super().trainable_weights

    trainable_variables = trainable_weights

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Prints a table of the layers, and the numbers and sizes of the parameters.

        Long cells go on in the next line. A model whose layers are not in a row has a column
        "Connected to" with entries name[call][output].

        Args:
            line_length: by default 88 (108 with "Connected to") or what fits on the terminal.
            positions: where the columns end, as parts of the line or in characters.
            print_fn: is called once, with the whole text, instead of printing it.
            expand_nested: whether the layers of models inside this one are shown.
            show_trainable: whether a column says which layers are trained: Y, N, - without weights.
            layer_range: the names, or regular expressions, of the first and last layer to show.
            batch_size: adds how much memory a step on so many samples takes beside the parameters:
                a training step of a compiled model, else one of predict. No step is run.

        In a notebook the table is shown as HTML.

        Raises:
            ValueError: if the model is not built, there is no such layer, or a column is too
                narrow for a character.

        >>> from nnseq import Input, Sequential, layers
        >>> Sequential([Input((4,)), layers.Dense(2, name="d")], name="m").summary(line_length=40)
        Model: "m"
        ┏━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━┓
        ┃ Layer (type)    ┃ Output     ┃ Param ┃
        ┃                 ┃ Shape      ┃     # ┃
        ┡━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━┩
        │ d (Dense)       │ (None, 2)  │    10 │
        └─────────────────┴────────────┴───────┘
         Total params: 10 (40.00 B)
         Trainable params: 10 (40.00 B)
         Non-trainable params: 0 (0.00 B)
        """
        print_summary(
            self,
            line_length,
            positions,
            print_fn,
            expand_nested,
            show_trainable,
            layer_range,
            batch_size,
        )

    # --- building and calling -------------------------------------------------------------------
    def build(self, input_shape: Any) -> None:
        """Makes all Variables for inputs of this shape (batch first), or structure of shapes."""
        if self._graph is not None:
            return
        inputs = map_shapes(lambda shape: KerasTensor(shape, self.dtype), input_shape)
        output_spec(self.call, (inputs,), {})
        self._clear_losses()

    def _ensure_built(self, args: Any, kwargs: Any) -> None:
        if type(self).build is not Model.build:
            super()._ensure_built(args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the model on arrays, Tensors or KerasTensors; returns Tensors or KerasTensors."""
        if (self._host is not None or not self.built) and self._works_on_host():
            args = self._prepared(args)
        if state.trace is not None or state.tapes or state.scopes:
            return super().__call__(*args, **kwargs)
        if len(args) == 1 and not kwargs and self._direct is not None:
            x = args[0]
            is_plain = type(x) is np.ndarray or (type(x) is Tensor and x._keras_mask is None)
            if is_plain:
                function = self._direct[0].ready(x)
                if function is not None and not self.run_eagerly:
                    return concrete(function(x if x.__class__ is np.ndarray else x._core)[0])
        return self._call_general(args, kwargs)

    # --- layers on the host ---------------------------------------------------------------------
    def _works_on_host(self) -> bool:
        """Whether the first layers are those of strings."""
        return self._host is not None

    def prepare(self, x: Any) -> Any:
        """Inputs after the layers that work on arrays before the Program, if there are any."""
        return x if self._host is None else self._host.run(x)

    def _host_data(self, x: Any) -> tuple[Any, Any]:
        if x is None or not self._works_on_host():
            return x, None
        return (self.prepare(x), None) if is_in_memory(x) else (x, self.prepare)

    def _prepared(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments of a call; in a step of `fit` they are prepared already."""
        if not args or state.trace is not None or state.prepared or has_keras_tensor(args):
            return args
        return (self.prepare(args[0]), *args[1:])

    def _program_graph(self) -> Any:
        """What the Program computes of a functional model."""
        return self._graph if self._host is None else self._host.graph

    def _call_general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args = tuple(as_arrays(x) for x in args)
        if self.run_eagerly or has_keras_tensor(args) or has_keras_tensor(kwargs):
            return super().__call__(*args, **kwargs)
        if not self.built:
            self._ensure_built(args, kwargs)
        if self._direct is None:
            self._direct = direct_calls(self)
        masks = nest.map_structure(mask_of, (args, kwargs))
        if len(args) == 1 and not kwargs and all(m is None for m in nest.flatten(masks)):
            return self._direct[0](args[0])
        return self._direct[1](args, kwargs, masks)

    # --- files and copies -----------------------------------------------------------------------
    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The model of `get_config()`, with new weights."""
        if cls is Model and "input_layers" in config:
            return Functional.from_config(config, custom_objects)
        with custom_object_scope(custom_objects):
            return super().from_config(config)

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON; `kwargs` go to `json.dumps`. The weights are not in it.

        >>> from nnseq import Sequential, layers
        >>> Sequential([layers.Dense(2, name="d")], name="m").to_json()[:45]
        '{"module": "keras", "class_name": "Sequential'
        """
        import json

        with sharing_objects():
            return json.dumps(serialize_keras_object(self), **kwargs)

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None) -> None:
        """Writes the configuration, the weights, and what compile() was given, with the state of
        the optimizer, into a `.keras` file, which Keras 3 can open too.

        The file appears whole or not at all. See `nnseq.saving.save_model`.
        """
        saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped)

    def export(
        self,
        filepath: Any,
        format: str = "nnseq",
        verbose: Any = None,
        input_signature: Any = None,
        classes: Any = (),
        opset_version: int | None = None,
    ) -> None:
        """Writes a `.nnseq` file for C++ and C, or, with `format="onnx"`, an ONNX file. See
        `nnseq.saving.model_io.export_model`.
        """
        export_model(self, filepath, format, verbose, input_signature, classes, opset_version)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the weights into a `.weights.h5` file. See `nnseq.saving.save_weights`."""
        self._assert_has_weights("saving")
        saving.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
    ) -> None:
        """Reads the weights from a `.weights.h5`, `.keras` or older `.h5` file: all of them or
        none.

        Args:
            skip_mismatch: leaves out layers whose weights do not fit, with a warning.
            by_name: of an older file the layers that have the same names.

        Raises:
            ValueError: if the model is not built, or the file does not fit it.
        """
        self._assert_has_weights("loading")
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, by_name=by_name)

    def _assert_has_weights(self, doing: str) -> None:
        if not self.built:
            raise ValueError(
                f"You are {doing} weights {'into' if doing == 'loading' else 'of'} a model that "
                "has not yet been built. Try building the model first by calling it on some data "
                "or by using `build()`."
            )

    def __getstate__(self) -> dict[str, Any]:
        fields = super().__getstate__()
        fields["_direct"] = None
        return fields

    # --- functional models ----------------------------------------------------------------------
    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Computes the outputs; subclasses define it."""
        if self._graph is None:
            raise NotImplementedError(
                f"Model {type(self).__name__} does not have a `call()` method implemented."
            )
        return self._program_graph().run(flat_inputs(self, inputs, mask))

    def _the_graph(self, what: str) -> Any:
        if self._graph is None:
            raise AttributeError(
                f"{type(self).__name__} model '{self.name}' has no defined {what} yet."
            )
        return self._graph

    @property
    def inputs(self) -> list[KerasTensor]:
        """The KerasTensors at which a functional model begins."""
        return list(self._the_graph("inputs").flat_inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The KerasTensors a functional model computes."""
        outputs = list(self._the_graph("outputs").flat_outputs)
        for x in outputs:
            x._output_of = self  # see `set_graph`
        return outputs

    @property
    def input(self) -> Any:
        """The input, or the structure of inputs."""
        return _single(self._the_graph("inputs").inputs)

    @property
    def output(self) -> Any:
        """The output, or the structure of outputs."""
        structure = self._the_graph("outputs").outputs
        return _single(nest.pack(structure, self.outputs))

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the structure of shapes."""
        inputs = self._the_graph("input shape").inputs
        return nest.map_structure(lambda x: x.shape, _single(inputs))

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or the structure of shapes."""
        outputs = self._the_graph("output shape").outputs
        return nest.map_structure(lambda x: x.shape, _single(outputs))

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [x.name for x in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers or functions that make the outputs."""
        return [x.history[0].name if x.history else x.name for x in self.outputs]


class Functional(Model):
    """What `Model(inputs, outputs)` makes."""

    @property
    def layers(self) -> list[Layer]:
        """All layers, InputLayers first, in a new list."""
        return [op for op in self._graph.operations if isinstance(op, Layer)]

    def get_config(self) -> dict[str, Any]:
        """The layers, how they are connected, and which results are inputs and outputs."""
        if type(self).__init__ is not Model.__init__:  # made with arguments of its own
            return super().get_config()
        return {
            "name": self.name,
            "trainable": self._trainable,
            **graph_config(self._graph),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The model of `get_config()`, with new layers."""
        if "input_layers" not in config:
            return super().from_config(config)
        with custom_object_scope(custom_objects):
            inputs, outputs = graph_from_config(config)
        return cls(
            inputs=inputs,
            outputs=outputs,
            name=config.get("name"),
            trainable=config.get("trainable", True),
        )

    def get_build_config(self) -> None:
        """None: a functional model is built when it is made."""


def _single(structure: Any) -> Any:
    if isinstance(structure, (list, tuple)) and len(structure) == 1:
        return structure[0]
    return structure
