"""BatchNormalization and LayerNormalization."""

import math
from collections.abc import Sequence
from typing import Any

from nnseq import constraints, initializers, ops, regularizers
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import refuse_options, serialized
from nnseq.layers.shapes import size_of_axis
from nnseq.ops.normalization import fused_batch_norm


class BatchNormalization(Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, for each channel (Ioffe, Szegedy 2015).

    In training the biased moments of the batch are used and enter the moving ones as
    moving = moving * momentum + batch * (1 - momentum); else, and when `trainable` is False, the
    moving ones are used and kept. A mask (N, T) leaves positions out of the moments.

    Args:
        axis: the axis of the channels.
        momentum: of the moving moments.
        center, scale: whether there is a beta, a gamma.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        refuse_options("BatchNormalization", renorm=renorm, synchronized=synchronized)
        super().__init__(**kwargs)
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        channels = size_of_axis(input_shape, self.axis)
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
        self.moving_mean = self.add_weight(
            name="moving_mean",
            shape=(channels,),
            initializer=self.moving_mean_initializer,
            trainable=False,
        )
        self.moving_variance = self.add_weight(
            name="moving_variance",
            shape=(channels,),
            initializer=self.moving_variance_initializer,
            trainable=False,
        )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        last = self.axis % inputs.ndim == inputs.ndim - 1
        x = inputs if last else ops.moveaxis(inputs, self.axis, -1)
        if training and self.trainable:
            if mask is not None and not last:
                raise ValueError(
                    f"BatchNormalization with axis={self.axis} takes no mask: a mask leaves out "
                    "positions, and the channels must be the last axis. Use axis=-1."
                )
            y = self._by_batch(x, mask)
        else:
            y = self._by_moving(x)
        return y if last else ops.moveaxis(y, -1, self.axis)

    def _by_batch(self, x: Any, mask: Any) -> Any:
        channels = (x.shape[-1],)
        gamma = ops.ones(channels) if self.gamma is None else self.gamma
        beta = ops.zeros(channels) if self.beta is None else self.beta
        if mask is not None:
            mask = self._mask_of_positions(mask, x)
        y, mean, variance = fused_batch_norm(x, gamma, beta, self.epsilon, mask)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            new = moving.value * self.momentum + ops.stop_gradient(batch) * (1 - self.momentum)
            moving.assign(new)
        return y

    def _mask_of_positions(self, mask: Any, x: Any) -> Any:
        """The mask over all axes of x but the last one."""
        mask = ops.cast(mask, "bool")
        while mask.ndim < x.ndim - 1:
            mask = ops.expand_dims(mask, -1)
        return ops.broadcast_to(mask, ops.shape(x)[:-1])

    def _by_moving(self, x: Any) -> Any:
        return ops.batch_normalization(
            x, self.moving_mean, self.moving_variance, -1, self.beta, self.gamma, self.epsilon
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **serialized(
                self,
                "beta_initializer",
                "gamma_initializer",
                "moving_mean_initializer",
                "moving_variance_initializer",
                "beta_regularizer",
                "gamma_regularizer",
                "beta_constraint",
                "gamma_constraint",
            ),
            "synchronized": False,
        }


class LayerNormalization(Layer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta over `axis` of each sample.

    Args:
        axis: one axis or several; gamma and beta have their sizes (Ba, Kiros, Hinton 2016).
        center, scale: whether there is a beta, a gamma.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        refuse_options("LayerNormalization", rms_scaling=rms_scaling)
        super().__init__(**kwargs)
        self.axis: int | list[int] = axis if isinstance(axis, int) else list(axis)
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
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        shape = tuple(size_of_axis(input_shape, axis) for axis in axes)
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def call(self, inputs: Any) -> Any:
        """Moves `axis` to the end, normalises these axes as one, moves them back."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        last = list(range(-len(axes), 0))
        in_place = [axis % inputs.ndim - inputs.ndim for axis in axes] == last
        x = inputs if in_place else ops.moveaxis(inputs, axes, last)
        sizes: tuple[Any, ...] = x.shape[-len(axes) :]
        size = math.prod(sizes)
        rows = x if len(axes) == 1 else ops.reshape(x, (*ops.shape(x)[: -len(axes)], size))
        gamma = None if self.gamma is None else ops.reshape(self.gamma, (size,))
        beta = None if self.beta is None else ops.reshape(self.beta, (size,))
        y = ops.layer_normalization(rows, gamma, beta, epsilon=self.epsilon)
        if len(axes) > 1:
            y = ops.reshape(y, ops.shape(x))
        return y if in_place else ops.moveaxis(y, last, axes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
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
            "rms_scaling": False,
        }
