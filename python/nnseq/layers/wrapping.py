"""Layers around another layer."""

from typing import Any

from nnseq import ops
from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.engine.state import state
from nnseq.layers.call_spec import call_spec
from nnseq.layers.layer import Layer
from nnseq.layers.normalization import BatchNormalization


class Wrapper(Layer):
    """The base of layers that hold another one as `layer`."""

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer} supplied to {type(self).__name__} isn't a supported layer type. "
                "Please ensure wrapped layer is a valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        with custom_object_scope(custom_objects):
            layer = deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


class TimeDistributed(Wrapper):
    """Applies a layer to each step of (N, T, ...) by itself.

    Args:
        layer: takes the steps, (N, ...). A mask (N, T, ...) of the input is passed on to it step
            by step if it takes one.

    >>> from nnseq.layers import Conv2D
    >>> TimeDistributed(Conv2D(8, 3))(ops.ones((2, 5, 9, 9, 1))).shape
    (2, 5, 7, 7, 8)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        if not isinstance(input_shape, list | tuple) or len(input_shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 "
                f"dimensions, received: {input_shape}"
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if mask is not None:
            _check_mask(mask.shape, inputs.shape)
        if state.trace is not None:
            state.trace.layers[id(self.layer)] = self.layer
        spec = call_spec(type(self.layer).call)
        kwargs = {"training": training} if spec.takes_training else {}
        if not spec.takes_mask:
            mask = None
        if self._mixes_samples(training):
            return self._by_step(inputs, mask, kwargs)
        return self._at_once(inputs, mask, kwargs)

    def _mixes_samples(self, training: bool | None) -> bool:
        """Whether steps must not be taken as further samples of one batch."""
        layers = self.layer._flatten_layers()
        return any(not type(x).__module__.startswith("nnseq.") for x in layers) or (
            bool(training) and any(isinstance(x, BatchNormalization) for x in layers)
        )

    def _at_once(self, inputs: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
        def merged(x: Any) -> Any:
            return ops.reshape(x, (-1, *ops.shape(x)[2:]))

        if mask is not None:
            kwargs["mask"] = merged(mask)
        outputs = self.layer.call(merged(inputs), **kwargs)
        return ops.reshape(outputs, (*ops.shape(inputs)[:2], *ops.shape(outputs)[1:]))

    def _by_step(self, inputs: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
        steps = ops.unstack(inputs, axis=1)
        masks = (
            [{}] * len(steps) if mask is None else [{"mask": m} for m in ops.unstack(mask, axis=1)]
        )
        outputs = [self.layer.call(x, **kwargs, **m) for x, m in zip(steps, masks, strict=True)]
        return ops.stack(outputs, axis=1)


def _check_mask(mask: tuple[Any, ...], inputs: tuple[Any, ...]) -> None:
    """Raises unless the mask has the batch and the steps of the inputs."""
    if len(mask) < 2 or any(
        m is not None and n is not None and m != n for m, n in zip(mask, inputs[:2], strict=False)
    ):
        raise ValueError(
            f"The `mask` passed to the `TimeDistributed` layer has a shape {mask} that is "
            f"incompatible with the input shape {inputs}. The first two dimensions of the mask "
            "(batch size and timesteps) must match the input's first two dimensions. Expected "
            f"mask shape prefix: ({inputs[0]}, {inputs[1]})."
        )
