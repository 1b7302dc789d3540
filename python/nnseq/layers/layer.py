"""Layer: configuration, Variables and a call written with nnseq.ops."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from nnseq import constraints, initializers, regularizers
from nnseq.engine import nest
from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.dtypes import is_float, standardize_dtype
from nnseq.engine.naming import name_scope, set_scopes
from nnseq.engine.operation import has_keras_tensor, output_spec, record
from nnseq.engine.state import eager_scope, state
from nnseq.engine.tensor import KerasTensor, Tensor
from nnseq.engine.variable import Variable
from nnseq.layers.call_spec import CallSpec, build_names, build_shapes, call_spec
from nnseq.layers.input_spec import assert_input_compatibility
from nnseq.layers.recorded import recorded_arguments, remembers_arguments
from nnseq.layers.shapes import dtype_name, map_shapes, take_batch_input_shape
from nnseq.layers.tracking import Tracked


def _marks_built(build: Callable[..., Any]) -> Callable[..., Any]:
    """`build` in the name scope of the layer; afterwards the layer is built."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._building:  # super().build()
            build(self, *args, **kwargs)
            return
        self._building = True
        names = build_names(type(self).build) or ["input_shape"]
        self._built_for = {**dict(zip(names, args, strict=False)), **kwargs}
        count = len(self._weights)
        try:
            scopes = state.scopes
            own = scopes if scopes and scopes[-1] == self.name else (*scopes, self.name)
            with eager_scope():
                set_scopes(own)
                try:
                    build(self, *args, **kwargs)
                finally:
                    set_scopes(scopes)
        except BaseException:
            del self._weights[count:]
            raise
        finally:
            self._building = False
        self.built = True

    return wrapper


class Layer(Tracked):
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
    _harmless: frozenset[str] = frozenset(
        {"_losses", "_used_by", "_inbound_nodes", "_building", "_built_for"}
    )

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
        self._built_for: dict[str, Any] = {}  # the shapes build() was called with, by name
        self._trainable = bool(trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype = standardize_dtype(dtype_name(dtype))
        self.autocast = autocast
        self.built = False
        self.supports_masking = type(self).compute_mask is not Layer.compute_mask
        self.input_spec: Any = None
        self._batch_input_shape = take_batch_input_shape(kwargs)
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _marks_built(cls.__dict__["build"])  # type: ignore[method-assign]
        if "__init__" in cls.__dict__ and not cls.__module__.startswith("nnseq."):
            cls.__init__ = remembers_arguments(cls.__dict__["__init__"])  # type: ignore[method-assign]

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
        names = build_names(type(self).build)
        given = {**dict(zip(names or ["input_shape"], args, strict=False)), **kwargs}
        first, *others = [
            (name.removesuffix("_shape"), map_shapes(lambda x: KerasTensor(x, self.dtype), shape))
            for name, shape in given.items()
            if shape is not None
        ]
        outputs = self.compute_output_spec(first[1], **dict(others))
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
        if not self._building and (self._built_for or inside):
            raise ValueError(
                f"Layer '{self.name}': a weight {name!r} cannot be added to a layer that is built "
                "or called; make all weights in `__init__()` or in `build()`."
            )
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

    # --- calling --------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer on arrays, Tensors or KerasTensors.

        Args:
            args, kwargs: what `call` takes; also `training` and `mask`.

        Raises:
            ValueError: if an input does not fit the layer.
        """
        if has_keras_tensor(args) or has_keras_tensor(kwargs):
            try:
                self._ensure_built(args, kwargs)
                self._check_inputs(args, kwargs)
            except (ValueError, TypeError, NotImplementedError) as error:
                self._name_in(error)
                raise
            try:
                outputs = record(self, self._run, args, kwargs)
            finally:
                self._clear_losses()
            if outputs is None:
                raise ValueError(
                    f"`call` of layer '{self.name}' (of type {type(self).__name__}) returned None; "
                    "end it with `return` and the output."
                )
            return outputs
        if not state.scopes:
            self._clear_losses()
        return self._run(*args, **kwargs)

    def run_node(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self(*args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        """One call on values."""
        args = nest.map_structure(self._converted, args)
        kwargs = {k: nest.map_structure(self._converted, v) for k, v in kwargs.items()}
        spec = call_spec(type(self).call)
        inputs = spec.first(args, kwargs)
        scopes, training = state.scopes, state.training
        if state.trace is not None:
            state.trace.layers[id(self)] = self
        set_scopes((*scopes, self.name))
        try:
            self._ensure_built(args, kwargs)
            self._check_inputs(args, kwargs)
            spec.route_training(args, kwargs)
            mask = spec.route_mask(inputs, args, kwargs)
            outputs = self.call(*args, **kwargs)
            self._add_activity_loss(outputs)
            self._set_output_mask(spec, inputs, mask, outputs)
            if not self.built:
                self._built_for = {"input_shape": (build_shapes(self, args, kwargs) or [None])[0]}
                self.built = True
        except (ValueError, TypeError, NotImplementedError) as error:
            self._name_in(error)
            raise
        finally:  # first without a call, in which Ctrl-C could come
            state.scopes, state.training = scopes, training
            set_scopes(scopes)
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
        if self.built or self._building or type(self).build is Layer.build:
            return
        spec = call_spec(type(self).call)
        given = spec.named(args, kwargs)
        if missing := [name for name in spec.required if name not in given]:
            raise TypeError(f"`call` of {type(self).__name__} needs {', '.join(missing)}")
        shapes = build_shapes(self, args, kwargs)
        if shapes is not None:
            while shapes[-1] is None:  # of optional arguments that are not given
                shapes.pop()
            self._check_inputs(args, kwargs)
            self.build(*shapes)

    def _check_inputs(self, args: Any, kwargs: Any) -> None:
        if self.input_spec:
            inputs = call_spec(type(self).call).first(args, kwargs)
            assert_input_compatibility(self.input_spec, inputs, self.name)

    def _set_output_mask(self, spec: CallSpec, inputs: Any, mask: Any, outputs: Any) -> None:
        if not self.supports_masking:
            if mask is not None and not spec.takes_mask:
                self._warn_mask()
            return
        leaves = [x for x in nest.flatten(outputs) if isinstance(x, Tensor)]
        if all(x._keras_mask is not None for x in leaves):  # set in `call`, by a layer inside
            return
        for x, m in zip(leaves, nest.flatten(self.compute_mask(inputs, mask)), strict=False):
            if x._keras_mask is None:
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

    # --- configuration and state ----------------------------------------------------------------
    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again; subclasses add theirs.

        A subclass that does not define it gives the arguments it was made with.

        Raises:
            NotImplementedError: if one of those cannot be written to a file.
        """
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": self.dtype,
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return {**recorded_arguments(self), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a layer from `get_config()`."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        """What `build_from_config` needs to make the Variables again; None before `build`."""
        shapes = {name: x for name, x in self._built_for.items() if x is not None}
        if len(shapes) > 1:
            return {"shapes_dict": shapes}
        return {"input_shape": next(iter(shapes.values()))} if shapes else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer as `get_build_config()` says."""
        if (shapes := config.get("shapes_dict")) is not None:
            self.build(**{name: map_shapes(lambda x: x, shape) for name, shape in shapes.items()})
        elif (shape := config.get("input_shape")) is not None:
            self.build(map_shapes(lambda x: x, shape))

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
