"""GroupNormalization: LayerNormalization of groups of channels."""

from typing import Any

from nnseq import constraints, initializers, ops, regularizers
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import serialized
from nnseq.layers.shapes import size_of_axis


class GroupNormalization(Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, where the moments are those of a group
    of channels, over all positions of a sample (Wu, He 2018).

    Args:
        groups: their number, which divides that of the channels; -1: each channel is one.
        axis: the axis of the channels.
        center, scale: whether there is a beta, a gamma, with one value per channel.

    >>> GroupNormalization(groups=2, epsilon=0.0)(ops.reshape([1.0, 3, 5, 9], (1, 4))).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        if type(groups) is not int or (groups <= 0 and groups != -1):
            raise ValueError(
                "Received an invalid value for argument `groups`, expected a positive integer (or "
                f"`-1` for instance normalization). Received: groups={groups}"
            )
        super().__init__(**kwargs)
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        channels = size_of_axis(input_shape, self.axis)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) must divide the number of channels ({channels})."
            )
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=(channels,),
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=(channels,),
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Any) -> Any:
        """Channels (N, ..., C, ...) are taken apart: (N, ..., groups, C / groups, ...)."""
        axis = self.axis % inputs.ndim
        sizes = list(ops.shape(inputs))
        sizes[axis : axis + 1] = [self.groups, sizes[axis] // self.groups]
        x = ops.reshape(inputs, sizes)
        axes = [i for i in range(1, x.ndim) if i != axis]
        mean, variance = ops.moments(x, axes, keepdims=True)
        factor = ops.rsqrt(variance + self.epsilon)
        wide = [1] * x.ndim
        wide[axis : axis + 2] = sizes[axis : axis + 2]
        if self.gamma is not None:
            factor = factor * ops.reshape(self.gamma, wide)
        shift = -mean * factor
        if self.beta is not None:
            shift = shift + ops.reshape(self.beta, wide)
        return ops.reshape(x * factor + shift, ops.shape(inputs))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **serialized(
                self,
                "beta_initializer",
                "gamma_initializer",
                "beta_regularizer",
                "gamma_regularizer",
                "beta_constraint",
                "gamma_constraint",
            ),
        }
