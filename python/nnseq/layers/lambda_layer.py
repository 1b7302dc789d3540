"""Lambda: a function as a layer."""

import base64
import inspect
import marshal
from collections.abc import Callable
from typing import Any

from nnseq import ops
from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.naming import brief
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.layers.layer import Layer
from nnseq.layers.shapes import is_shape, map_shapes


class Lambda(Layer):
    """function(inputs, **arguments), and also `mask` and `training` if the function takes them.

    A file names a registered function. A Python lambda is written as Keras writes it, as bytecode,
    which nnseq never reads back.

    Args:
        function: of the input, written with nnseq.ops.
        output_shape: what `compute_output_shape` gives: a shape without the batch, or a function
            of the shape of the input. By default it is found out.
        mask: the mask of the output, or a function of (inputs, mask) that gives it.
        arguments: further arguments of the function.

    >>> layer = Lambda(lambda x, power: x**power, arguments={"power": 2})
    >>> layer(ops.convert_to_tensor([3.0])).tolist()
    [9.0]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda: `function` must be a function. Received: {brief(function)}")
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._names = inspect.getfullargspec(function).args

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        if mask is not None and self.mask is None and "mask" not in self._names:
            self._warn_mask()
        context = {"mask": mask, "training": training}
        more = {name: value for name, value in context.items() if name in self._names}
        return self.function(inputs, **self.arguments, **more)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if callable(self.mask):
            return self.mask(inputs, mask)
        return None if self.mask is None else ops.convert_to_tensor(self.mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        first = input_shape if is_shape(input_shape) else input_shape[0]
        return map_shapes(lambda shape: (first[0], *shape), self._output_shape)

    def get_config(self) -> dict[str, Any]:
        optional = {"output_shape": self._output_shape, "mask": self.mask}
        return {
            **super().get_config(),
            "function": _config_of(self.function),
            **{name: _config_of(x) for name, x in optional.items() if x is not None},
            "arguments": serialize_keras_object(self.arguments),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, safe_mode: bool | None = None
    ) -> Any:
        """Makes a layer from `get_config()`.

        Raises:
            ValueError: for a Python lambda, whatever `safe_mode` is.
        """
        with custom_object_scope(custom_objects):
            found: dict[str, Any] = {
                name: deserialize_keras_object(config[name])
                for name in ("function", "output_shape", "mask", "arguments")
                if name in config
            }
        if isinstance(shape := found.get("output_shape"), list) and is_shape(shape):
            found["output_shape"] = tuple(shape)
        return cls(**{**config, **found})


def _config_of(value: Any) -> Any:
    """The configuration of a function or a plain value."""
    if getattr(value, "__name__", None) != "<lambda>":
        return serialize_keras_object(value)
    cells = None if value.__closure__ is None else [c.cell_contents for c in value.__closure__]
    code = base64.encodebytes(marshal.dumps(value.__code__)).decode("ascii")
    config = {"code": code, "defaults": value.__defaults__, "closure": cells}
    return {"class_name": "__lambda__", "config": serialize_keras_object(config)}
