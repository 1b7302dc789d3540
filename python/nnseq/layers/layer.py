"""Layer: configuration, Variables and a call written with nnseq.ops."""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from nnseq import constraints, initializers, ops, regularizers
from nnseq.engine import nest
from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.dtypes import is_float, standardize_dtype
from nnseq.engine.naming import name_scope, set_scopes
from nnseq.engine.operation import Operation, has_keras_tensor, output_spec, record
from nnseq.engine.random_state import SeedGenerator
from nnseq.engine.state import eager_scope, state
from nnseq.engine.tensor import KerasTensor, Tensor
from nnseq.engine.variable import Variable
from nnseq.layers.input_spec import assert_input_compatibility

_SIMPLE = frozenset({str, int, float, bool, type(None)})


class _CallSpec:
    """The parameters of a `call` method."""

    def __init__(self, call: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        self.names = [p.name for p in parameters]
        self.takes_training = "training" in self.names
        self.takes_mask = "mask" in self.names
        self.default_training = next((p.default for p in parameters if p.name == "training"), None)
        if self.default_training is inspect.Parameter.empty:
            self.default_training = None


@functools.cache
def _spec_of(call: Callable[..., Any]) -> _CallSpec:
    return _CallSpec(call)


def _call_spec(kind: type[Layer]) -> _CallSpec:
    return _spec_of(kind.call)


def _marks_built(build: Callable[..., Any]) -> Callable[..., Any]:
    """`build` in the name scope of the layer; afterwards the layer is built."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._building:  # super().build()
            build(self, *args, **kwargs)
            return
        self._building = True
        try:
            scopes = state.scopes
            own = scopes if scopes and scopes[-1] == self.name else (*scopes, self.name)
            with eager_scope():
                set_scopes(own)
                try:
                    build(self, *args, **kwargs)
                finally:
                    set_scopes(scopes)
        finally:
            self._building = False
        self.built = True

    return wrapper


class Layer(Operation):
    """The base of all layers.

    A subclass sets its configuration in `__init__`, makes its Variables in `build(input_shape)`
    with `add_weight`, and computes in `call(inputs)`, which may also take `training` and `mask`.

    Args:
        activity_regularizer: a function of the output whose result, divided by the batch size,
            is added to the loss.
        trainable: whether its Variables are trained.
        dtype: "float32".
        autocast: whether float inputs are cast to `dtype`.
        name: without "/"; None makes one from the class name.
        input_shape, input_dim, batch_input_shape, batch_size: the shape of the input, for the
            first layer of a Sequential model.

    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    # Attributes that do not change what a trace of the layer does.
    _harmless: frozenset[str] = frozenset({"_losses", "_used_by", "_inbound_nodes", "_building"})
    # Attributes that do not hold sublayers or Variables of the layer.
    _untracked: frozenset[str] = frozenset({"_inbound_nodes", "_losses", "_used_by", "_weights"})

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name)
        self._used_by: weakref.WeakSet[Any] = weakref.WeakSet()
        self._losses: list[Any] = []
        self._weights: list[Variable] = []
        self._building = False
        self._trainable = bool(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype = standardize_dtype(_dtype_name(dtype))
        self.autocast = autocast
        self.built = False
        self.supports_masking = False
        self.input_spec: Any = None
        self._batch_input_shape = _batch_input_shape(kwargs)
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _marks_built(cls.__dict__["build"])  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        used_by = self.__dict__.get("_used_by")
        if used_by and state.trace is None and name not in self._harmless:
            for traced in list(used_by):
                if name != "trainable" or traced.trainable is None:
                    traced.clear()
        object.__setattr__(self, name, value)

    # --- to be defined by subclasses ------------------------------------------------------------
    @_marks_built
    def build(self, input_shape: Any) -> None:
        """Makes the Variables for inputs of this shape (batch first, None for any size)."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the output; called by `__call__`."""
        raise NotImplementedError(
            f"Layer {type(self).__name__} does not have a `call()` method implemented."
        )

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output: by default that of the input."""
        return previous_mask

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for inputs of this shape."""
        shapes = args[0] if args else next(iter(kwargs.values()))
        inputs = _map_shapes(lambda shape: KerasTensor(shape, self.dtype), shapes)
        outputs = self.compute_output_spec(inputs)
        return nest.map_structure(lambda x: x.shape, outputs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """KerasTensors of the output for KerasTensors of the input; builds the layer."""
        self._ensure_built(args, kwargs)
        try:
            return output_spec(self._run, args, kwargs)
        finally:
            self._clear_losses()

    # --- Variables ------------------------------------------------------------------------------
    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Makes a Variable of this layer.

        Args:
            shape: ints; () by default.
            initializer: a name, an Initializer or a function of (shape, dtype); by default
                glorot_uniform for floats and zeros for other types.
            dtype: the layer's dtype by default.
            trainable: whether optimizers may change it.
            regularizer: a name or function of the value, added to the loss.
            constraint: a name or function that maps the value after each update.
            name: "kernel", "bias" and so on.

        autocast, aggregation and overwrite_with_gradient are accepted for compatibility.
        """
        shape = () if shape is None else shape
        sizes = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if any(size is None for size in sizes):
            raise ValueError(
                f"Layer '{self.name}': the shape {sizes} of weight {name!r} must be known; give "
                "the model an input shape whose last dimensions are known"
            )
        dtype = standardize_dtype(dtype or self.dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        scopes = state.scopes
        inside = self._building or (bool(scopes) and scopes[-1] == self.name)
        with name_scope(self.name) if not inside else nullcontext():
            variable = Variable(
                initializers.get(initializer),
                shape=tuple(int(size) for size in sizes),
                dtype=dtype,
                trainable=trainable,
                name=name,
                regularizer=regularizers.get(regularizer),
                constraint=constraints.get(constraint),
            )
        self._weights.append(variable)
        return variable

    def _attributes(self) -> Iterator[Any]:
        """The values of all attributes, lists and dicts taken apart."""
        for name, value in list(self.__dict__.items()):
            if type(value) not in _SIMPLE and name not in self._untracked:
                if isinstance(value, (list, tuple, dict)):
                    yield from _leaves(value)
                else:
                    yield value

    def _sublayers(self) -> list[Layer]:
        """The layers among the attributes, each once."""
        found = {id(x): x for x in self._attributes() if isinstance(x, Layer) and x is not self}
        return list(found.values())

    def _flatten_layers(self) -> list[Layer]:
        """This layer and all below it, each once, parents first."""
        found: dict[int, Layer] = {}
        stack: list[Layer] = [self]
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
        return _once(self._trainable_below(set()))

    trainable_variables = trainable_weights

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
        for v in self.trainable_weights:
            if v.regularizer is not None:
                found.append(v.regularizer(v))
        return found

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            if layer._losses:
                layer._losses = []

    # --- calling --------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer on arrays, Tensors or KerasTensors.

        Args:
            args, kwargs: what `call` takes; also `training` and `mask`.

        Raises:
            ValueError: if an input does not fit the layer.
        """
        if has_keras_tensor(args) or has_keras_tensor(kwargs):
            self._ensure_built(args, kwargs)
            self._check_inputs(args, kwargs)
            try:
                return record(self, self._run, args, kwargs)
            finally:
                self._clear_losses()
        if not state.scopes:
            self._clear_losses()
        return self._run(*args, **kwargs)

    def run_node(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self(*args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        """One call on values."""
        args = nest.map_structure(self._converted, args)
        kwargs = {k: nest.map_structure(self._converted, v) for k, v in kwargs.items()}
        spec = _call_spec(type(self))
        inputs = args[0] if args else kwargs.get(spec.names[0]) if spec.names else None
        scopes, training = state.scopes, state.training
        if state.trace is not None:
            state.trace.layers[id(self)] = self
        set_scopes((*scopes, self.name))
        try:
            self._ensure_built(args, kwargs)
            self._check_inputs(args, kwargs)
            self._route_training(spec, args, kwargs)
            mask = self._route_mask(spec, inputs, args, kwargs)
            outputs = self.call(*args, **kwargs)
            self._add_activity_loss(outputs)
            self._set_output_mask(spec, inputs, mask, outputs)
            if not self.built:
                self.built = True
        except (ValueError, TypeError, NotImplementedError) as error:
            self._name_in(error)
            raise
        finally:
            set_scopes(scopes)
            state.training = training
        return outputs

    def _converted(self, x: Any) -> Any:
        if isinstance(x, (np.ndarray, np.generic)):
            x = to_tensor(x)
        elif not isinstance(x, Tensor):
            return x
        if self.autocast and x.dtype != self.dtype and is_float(x.dtype):
            cast = apply("cast", [x], {"dtype": self.dtype})
            cast._keras_mask = x._keras_mask
            return cast
        return x

    def _ensure_built(self, args: Any, kwargs: Any) -> None:
        if not self.built and not self._building:
            shape = self._input_shape_of(args, kwargs)
            if shape is not None and type(self).build is not Layer.build:
                self.build(shape)

    def _input_shape_of(self, args: Any, kwargs: Any) -> Any:
        """The shapes of the first argument."""
        spec = _call_spec(type(self))
        first = args[0] if args else kwargs.get(spec.names[0]) if spec.names else None
        leaves = [x for x in nest.flatten(first) if x is not None]
        if not leaves or not all(hasattr(x, "shape") for x in leaves):
            return None
        return nest.map_structure(lambda x: None if x is None else tuple(x.shape), first)

    def _check_inputs(self, args: Any, kwargs: Any) -> None:
        if self.input_spec:
            spec = _call_spec(type(self))
            inputs = args[0] if args else kwargs.get(spec.names[0])
            assert_input_compatibility(self.input_spec, inputs, self.name)

    def _route_training(self, spec: _CallSpec, args: Any, kwargs: dict[str, Any]) -> None:
        """An explicit argument wins, then the mode of the outer call, then call's default."""
        given = kwargs.get("training")
        if spec.takes_training and spec.names.index("training") < len(args):
            given = args[spec.names.index("training")]
        elif given is None:
            given = state.training if state.training is not None else spec.default_training
            if spec.takes_training:
                kwargs["training"] = given
        if not spec.takes_training:
            kwargs.pop("training", None)
        state.training = given

    def _route_mask(self, spec: _CallSpec, inputs: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Passes the mask of the input on to `call`; returns it, in the structure of the input."""
        mask = nest.map_structure(
            lambda x: x._keras_mask if isinstance(x, Tensor) else None, inputs
        )
        is_masked = any(m is not None for m in nest.flatten(mask))
        if spec.takes_mask:
            place = spec.names.index("mask")
            if place < len(args) or kwargs.get("mask") is not None:
                return args[place] if place < len(args) else kwargs["mask"]
            if is_masked:
                kwargs["mask"] = mask
        return mask if is_masked else None

    def _set_output_mask(self, spec: _CallSpec, inputs: Any, mask: Any, outputs: Any) -> None:
        computes = type(self).compute_mask is not Layer.compute_mask
        if not self.supports_masking and not computes:
            if mask is not None and not spec.takes_mask:
                self._warn_mask()
            return
        new_mask = self.compute_mask(inputs, mask)
        if new_mask is None:
            return
        leaves, masks = nest.flatten(outputs), nest.flatten(new_mask)
        if len(masks) == 1 and len(leaves) > 1:
            masks = masks * len(leaves)
        for x, m in zip(leaves, masks, strict=True):
            if isinstance(x, Tensor) and m is not None:
                x._keras_mask = m

    def _warn_mask(self) -> None:
        if not self.__dict__.get("_warned_mask"):
            self.__dict__["_warned_mask"] = True
            warnings.warn(
                f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input with a "
                "mask attached to it. However, this layer does not support masking and will "
                "therefore destroy the mask information. Downstream layers will not see the mask.",
                stacklevel=4,
            )

    def _add_activity_loss(self, outputs: Any) -> None:
        if self.activity_regularizer is None:
            return
        for x in nest.flatten(outputs):
            loss = self.activity_regularizer(x)
            self._losses.append(loss / ops.cast(ops.shape(x)[0], loss.dtype))

    def _name_in(self, error: Exception) -> None:
        """Begins the text of an error with the name of the innermost layer."""
        if getattr(error, "named", False) or not error.args or not isinstance(error.args[0], str):
            return
        text = error.args[0]
        if self.name not in text:
            error.args = (f"{self.name}: {text}", *error.args[1:])
        error.named = True  # type: ignore[attr-defined]

    # --- description ----------------------------------------------------------------------------
    @property
    def path(self) -> str:
        """The name, after those of the layers it is called in."""
        return "/".join((*state.scopes, self.name))

    @property
    def compute_dtype(self) -> str:
        """The type it computes in."""
        return self.dtype

    variable_dtype = compute_dtype

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again; subclasses add theirs."""
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": self.dtype,
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a layer from `get_config()`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __getstate__(self) -> dict[str, Any]:
        fields = dict(self.__dict__)
        fields["_used_by"] = None
        fields["_losses"] = []
        return fields

    def __setstate__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)
        self.__dict__["_used_by"] = weakref.WeakSet()


def _dtype_name(dtype: Any) -> Any:
    """The type in a serialised dtype policy, or what was given."""
    if isinstance(dtype, dict):
        return dtype.get("config", {}).get("name", "float32")
    return dtype


def _batch_input_shape(kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """Takes the arguments that describe the input out of kwargs."""
    batch_size = kwargs.pop("batch_size", None)
    whole = kwargs.pop("batch_input_shape", None)
    shape = kwargs.pop("input_shape", None)
    dim = kwargs.pop("input_dim", None)
    if whole is not None:
        return tuple(whole)
    if shape is None and dim is not None:
        shape = (dim,)
    if shape is None:
        return None
    return (batch_size, *((shape,) if isinstance(shape, int) else shape))


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


def _is_shape(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and all(n is None or isinstance(n, int) for n in x)


def _map_shapes(fn: Callable[[Any], Any], shapes: Any) -> Any:
    """fn of every shape in a structure of shapes."""
    if _is_shape(shapes):
        return fn(tuple(shapes))
    if isinstance(shapes, dict):
        return {key: _map_shapes(fn, value) for key, value in shapes.items()}
    return type(shapes)([_map_shapes(fn, x) for x in shapes])
