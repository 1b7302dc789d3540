"""Dense, Activation, Flatten, Reshape, Dropout, Embedding, Identity."""

import math
from collections.abc import Sequence
from typing import Any

from nnseq import activations, constraints, initializers, ops, regularizers
from nnseq import random as nnrandom
from nnseq.engine.random_state import SeedGenerator
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import between_0_and_1, entries, positive, refuse_options, serialized
from nnseq.layers.serialized import data_format as check_format


class Dense(Layer):
    """activation(x . kernel + bias): (N, ..., D) -> (N, ..., units).

    Args:
        units: size of the last axis of the output.
        activation: name or function; None is the identity.
        use_bias: whether to add a bias (units,).

    Raises:
        ValueError: if the last axis of an input differs from the one the layer was built for.

    >>> Dense(3)(ops.ones((2, 4))).shape
    (2, 3)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        refuse_options("Dense", lora_rank=lora_rank, quantization_config=quantization_config)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1]
        if size is None:
            raise ValueError(
                f"The last dimension of the inputs to Dense must be known. Received: {input_shape}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: Any) -> Any:
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            **serialized(
                self,
                "activation",
                "kernel_initializer",
                "bias_initializer",
                "kernel_regularizer",
                "bias_regularizer",
                "kernel_constraint",
                "bias_constraint",
            ),
        }


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: name or function.
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **serialized(self, "activation")}


class Identity(Layer):
    """Gives its input."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs


class Flatten(Layer):
    """(N, a, b, ...) -> (N, a * b * ...), (N,) -> (N, 1).

    Args:
        data_format: with "channels_first" axis 1 is moved to the end before.

    >>> Flatten()(ops.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = check_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        rest = inputs.shape[1:]
        size = -1 if None in rest else math.prod(rest)
        return ops.reshape(inputs, (ops.shape(inputs)[0], size))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """(N, ...) -> (N, *target_shape).

    Args:
        target_shape: sizes without the batch; one may be -1.

    Raises:
        ValueError: if the number of elements differs.

    >>> Reshape((2, -1))(ops.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = entries("target_shape", target_shape)
        if self.target_shape.count(-1) > 1:
            raise ValueError(f"At most one size can be -1. Received: {self.target_shape}")

    def _resolved(self, rest: tuple[Any, ...]) -> tuple[int, ...]:
        """The target with -1 replaced where the size of the input is known."""
        if None in rest:
            return self.target_shape
        size, known = math.prod(rest), math.prod(d for d in self.target_shape if d != -1)
        if size != known and (-1 not in self.target_shape or not known or size % known):
            raise ValueError(
                "The total size of the tensor must be unchanged. Received: "
                f"input_shape={rest}, target_shape={self.target_shape}"
            )
        return tuple(size // known if d == -1 else d for d in self.target_shape)

    def call(self, inputs: Any) -> Any:
        target = self._resolved(tuple(inputs.shape[1:]))
        return ops.reshape(inputs, (ops.shape(inputs)[0], *target))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Dropout(Layer):
    """In training sets elements to 0 with probability `rate` and divides the others by 1 - rate.

    Args:
        rate: in [0, 1].
        noise_shape: shape of the mask, broadcast to the input; None entries are the input's dims.
        seed: an integer, or None for a random one.

    >>> Dropout(0.5)(ops.ones((2, 2)), training=False).numpy().tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = between_0_and_1("rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self.supports_masking = True
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return nnrandom.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }


class Embedding(Layer):
    """Rows of a table: integers (N, ...) -> (N, ..., output_dim).

    Args:
        input_dim: number of rows; indices are in [0, input_dim).
        output_dim: length of a row.
        mask_zero: whether index 0 means "no data"; then a mask goes with the output.
        weights: the table to start from, in a list.
        input_length: in the first layer of a Sequential model like `input_shape=(input_length,)`.

    Raises:
        ValueError: when run, for an index outside of the table.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        input_length: Any = None,
        **kwargs: Any,
    ) -> None:
        refuse_options("Embedding", lora_rank=lora_rank, quantization_config=quantization_config)
        if input_length is not None:
            kwargs.setdefault("input_shape", input_length)
        super().__init__(**kwargs)
        self.input_dim = positive("input_dim", input_dim)
        self.output_dim = positive("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False
        self._initial_weights = weights

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        if self._initial_weights is not None:
            initial = self._initial_weights
            is_list = isinstance(initial, list | tuple) and len(initial) == 1
            self.embeddings.assign(initial[0] if is_list else initial)

    def call(self, inputs: Any) -> Any:
        if inputs.dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        return ops.take(self.embeddings, inputs, axis=0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            **serialized(
                self,
                "embeddings_initializer",
                "embeddings_regularizer",
                "activity_regularizer",
                "embeddings_constraint",
            ),
            "mask_zero": self.mask_zero,
        }
