"""Activation functions as layers."""

from collections.abc import Sequence
from typing import Any

from nnseq import activations, constraints, initializers, ops, regularizers
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import is_number, serialized


def not_negative(layer: str, name: str, value: Any) -> float:
    """`value` as a float if it is a number of at least 0."""
    if not is_number(value) or value < 0:
        raise ValueError(
            f"`{name}` of {layer} must be a number of at least 0. Received: {name}={value!r}"
        )
    return float(value)


class ReLU(Layer):
    """x where x >= threshold, at most max_value; else negative_slope * (x - threshold).

    >>> ReLU(max_value=1)(ops.convert_to_tensor([-1.0, 0.5, 2.0])).numpy().tolist()
    [0.0, 0.5, 1.0]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else not_negative("ReLU", "max_value", max_value)
        self.negative_slope = not_negative("ReLU", "negative_slope", negative_slope)
        self.threshold = not_negative("ReLU", "threshold", threshold)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(Layer):
    """x where positive, else negative_slope * x. `alpha` is the older name of the slope."""

    def __init__(
        self, negative_slope: float = 0.3, alpha: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        slope = negative_slope if alpha is None else alpha
        self.negative_slope = not_negative("LeakyReLU", "negative_slope", slope)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class PReLU(Layer):
    """x where positive, else alpha * x, with an alpha for each element of a sample.

    Args:
        shared_axes: axes, counted from 1, along which there is only one alpha.

    >>> PReLU("ones", shared_axes=[1])(ops.convert_to_tensor([[-1.0, 2.0]])).tolist()
    [[-1.0, 2.0]]
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        if self.shared_axes is not None:
            self.shared_axes = list(self.shared_axes)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shared = self.shared_axes or []
        sizes = {axis: input_shape[axis] for axis in range(1, len(input_shape))}
        if not set(shared) <= set(sizes):
            raise ValueError(
                f"`shared_axes` must be among {list(sizes)} for inputs of shape {input_shape}. "
                f"Received: shared_axes={shared}"
            )
        self.alpha = self.add_weight(
            name="alpha",
            shape=tuple(1 if axis in shared else size for axis, size in sizes.items()),
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        axes = {axis: size for axis, size in sizes.items() if axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **serialized(self, "alpha_initializer", "alpha_regularizer", "alpha_constraint"),
            "shared_axes": self.shared_axes,
        }


class ELU(Layer):
    """x where positive, else alpha * (exp(x) - 1)."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = not_negative("ELU", "alpha", alpha)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along `axis`, an integer or several; masked elements get 0.

    >>> Softmax()(ops.zeros((1, 4))).numpy().tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            mask = ops.cast(mask, "bool")
            inputs = ops.where(mask, inputs, -1e9)
        axis = self.axis
        if isinstance(axis, list | tuple) and len(axis) > 1:
            peak = ops.stop_gradient(ops.max(inputs, axis=axis, keepdims=True))
            y = ops.exp(inputs - peak)
            y = y / ops.sum(y, axis=axis, keepdims=True)
        else:
            y = ops.softmax(inputs, axis=axis[0] if isinstance(axis, list | tuple) else axis)
        return y if mask is None else ops.where(mask, y, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
