"""Pipeline: layers one after the other, as one layer."""

from typing import Any

from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import entries


class Pipeline(Layer):
    """Applies layers in order, such as those that change images at random.

    As theirs, its calls are training unless they say otherwise.

    >>> from nnseq.layers import RandomFlip, Rescaling
    >>> from nnseq import ops
    >>> Pipeline([RandomFlip(), Rescaling(0.5)])(ops.ones((1, 1, 2, 1))).reshape(-1).tolist()
    [0.5, 0.5]
    """

    def __init__(self, layers: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self.layers = list(entries("layers", layers))
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise ValueError(f"`layers` must be layers. Received: {layer!r}")

    def call(self, inputs: Any, training: bool = True) -> Any:
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        layers = [deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})

    def get_config(self) -> dict[str, Any]:
        return {"layers": serialize_keras_object(self.layers), "name": self.name}
