"""Bidirectional: a recurrent layer in both directions."""

from typing import Any

from nnseq import ops
from nnseq.engine.custom_objects import custom_object_scope
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.layers.call_spec import call_spec
from nnseq.layers.layer import Layer

_MERGE = {
    "concat": lambda a, b: ops.concatenate([a, b], -1),
    "sum": ops.add,
    "ave": lambda a, b: (a + b) / 2,
    "mul": ops.multiply,
    None: lambda a, b: (a, b),
}


class Bidirectional(Layer):
    """Runs a recurrent layer forwards and another one backwards over the steps of (N, T, D).

    Args:
        layer: the recurrent layer; two new ones are made of its configuration.
        merge_mode: how their outputs are joined: "concat", "sum", "mul", "ave"; None gives both.
        weights: no effect, as in Keras.
        backward_layer: the layer for the other direction, with `go_backwards=True`, instead of
            one like `layer`.

    Gives what `layer` gives, of the states first those of the forward layer. If it returns
    sequences, the outputs of masked steps are 0.

    >>> from nnseq.layers import LSTM
    >>> Bidirectional(LSTM(4, return_sequences=True))(ops.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check_layer("layer", layer)
        if merge_mode not in _MERGE:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        self.forward_layer = _like(layer, "forward_")
        if backward_layer is None:
            self.backward_layer = _like(layer, "backward_", go_backwards=True)
        else:
            _check_layer("backward_layer", backward_layer)
            self.backward_layer = backward_layer
        self._check_directions()
        for one in (self.forward_layer, self.backward_layer):
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_directions(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. "
                f"Received: forward_layer.go_backwards={forward.go_backwards}, "
                f"backward_layer.go_backwards={backward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            values = getattr(forward, name), getattr(backward, name)
            if values[0] != values[1]:
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same value for "
                    f'attribute "{name}", got "{values[0]}" for forward layer and "{values[1]}" '
                    "for backward layer"
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        half = 0 if initial_state is None else len(initial_state) // 2
        starts = (initial_state[:half], initial_state[half:]) if half else (None, None)
        results = []
        for layer, start in zip((self.forward_layer, self.backward_layer), starts, strict=True):
            spec = call_spec(type(layer).call)
            given = {"training": training} if spec.takes_training else {}
            given |= {"mask": mask} if spec.takes_mask else {}
            results.append(layer(sequences, initial_state=start, **given))
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = tuple(state for _, *ends in results for state in ends)
            results = [y for y, *_ in results]
        forward, backward = results
        if self.return_sequences:
            backward = ops.flip(backward, 1)
        output = _MERGE[self.merge_mode](forward, backward)
        if not self.return_state:
            return output
        return (*(output if self.merge_mode is None else [output]), *states)

    @property
    def states(self) -> Any:
        """The states of a stateful layer, those of the forward layer first."""
        both = (self.forward_layer.states, self.backward_layer.states)
        return (*both[0], *both[1]) if all(both) else None

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to 0."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        masks = (mask, mask) if self.merge_mode is None else (mask,)
        if self.return_state:
            return (*masks, *[None] * (2 * len(self.forward_layer.state_size)))
        return masks if self.merge_mode is None else mask

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        with custom_object_scope(custom_objects):
            for name in ("layer", "backward_layer"):
                if config.get(name) is not None:
                    config[name] = deserialize_keras_object(config[name])
        return cls(**config)


def _check_layer(name: str, layer: Any) -> None:
    needed = ("go_backwards", "stateful", "return_sequences", "return_state")
    if not isinstance(layer, Layer) or not all(hasattr(layer, a) for a in needed):
        raise ValueError(
            f"`{name}` must be a recurrent layer such as LSTM, with {', '.join(needed)}. "
            f"Received: {layer}"
        )


def _like(layer: Any, prefix: str, **changes: Any) -> Any:
    """A new layer with the configuration of `layer`."""
    written = serialize_keras_object(layer)
    name = f"{prefix}{layer.name.removeprefix(prefix)}"
    written["config"] = {**written["config"], **changes, "name": name}
    return deserialize_keras_object(written)
