"""Attention with several heads: MultiHeadAttention and GroupQueryAttention."""

import math
from collections.abc import Sequence
from typing import Any

from nnseq import regularizers
from nnseq.layers.heads import Heads


def _check_key(value_shape: Any, key_shape: Any) -> None:
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise ValueError(
            "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
            f"value_shape={value_shape} and key_shape={key_shape}"
        )


def _sizes(value: int | Sequence[int] | None) -> tuple[int, ...] | None:
    return (value,) if isinstance(value, int) else tuple(value) if value else None


class MultiHeadAttention(Heads):
    """Attention in `num_heads` projections of query, key and value (Vaswani et al. 2017).

    Called with query (N, T, ...), value (N, S, ...) and key, by default the value. Masks of the
    inputs are respected; that of the query goes with the output. `attention_mask` (N, T, S) and
    `use_causal_mask` hide further keys; `return_attention_scores` gives (output, weights).

    Args:
        num_heads: their number.
        key_dim, value_dim: sizes of query and key, and of value, in a head; the second by default
            like the first.
        dropout: the rate at which weights are dropped in training.
        output_shape: sizes of the output after the axes of the query that stay; by default the
            last size of the query.
        attention_axes: the axes attended along; by default all but the first and the last.
        sliding_window: keys further than sliding_window - 1 from a query are hidden.
        use_gate: whether outputs are multiplied by the sigmoid of a projection of the query.

    >>> from nnseq import ops
    >>> MultiHeadAttention(num_heads=2, key_dim=4)(ops.ones((2, 5, 8)), ops.ones((2, 3, 6))).shape
    (2, 5, 8)
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        sizes = {"num_heads": num_heads, "key_dim": key_dim, "value_dim": value_dim}
        for name, size in sizes.items():
            if (type(size) is not int or size <= 0) and not (name == "value_dim" and size is None):
                raise ValueError(
                    f"Received an invalid value for argument `{name}`, expected a positive "
                    f"integer. Received: {name}={size}"
                )
        super().__init__(
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim or key_dim
        self._scale = 1.0 / math.sqrt(key_dim)
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self._output_shape = self._output_shape and tuple(self._output_shape)
        self.attention_axes = (
            (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        )
        self._activity_regularizer = regularizers.get(activity_regularizer)

    def _activity_of_projections(self) -> Any:
        return self._activity_regularizer

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        _check_key(value_shape, key_shape)
        keys, values = (self.num_heads, self.key_dim), (self.num_heads, self.value_dim)
        self.query_dense = self._projection("query", query_shape, 1, keys)
        self.key_dense = self._projection("key", key_shape, 1, keys)
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, 1, values, "sigmoid")
        self.value_dense = self._projection("value", value_shape, 1, values)
        rank = len(query_shape) + 1
        axes = self.attention_axes or range(1, rank - 2)
        self.attention_axes = tuple(axis if axis >= 0 else rank - 1 + axis for axis in axes)
        self._prepare(rank, self.attention_axes)
        shape = self._output_shape or (query_shape[-1],)
        self.output_dense = self._projection(
            "attention_output", (*query_shape[:-1], *values), 2, shape
        )

    def _project(self, query: Any, key: Any, value: Any) -> tuple[Any, Any, Any, Any]:
        gate = self._gate_dense(query) if self.use_gate else None
        return self.query_dense(query), self.key_dense(key), self.value_dense(value), gate

    def _output(self, x: Any) -> Any:
        return self.output_dense(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
        }


class GroupQueryAttention(Heads):
    """Attention in which several heads of the query share one of key and value (Ainslie et al.
    2023); called like MultiHeadAttention.

    Args:
        head_dim: size of a head.
        num_query_heads, num_key_value_heads: their numbers; the second divides the first.

    >>> from nnseq import ops
    >>> x = ops.ones((2, 5, 8))
    >>> GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)(x, x).shape
    (2, 5, 8)
    """

    _name_in_keras = "GroupedQueryAttention"

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if num_query_heads % num_key_value_heads:
            raise ValueError("`num_query_heads` must be divisible by `num_key_value_heads`.")
        super().__init__(
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        self.head_dim = head_dim
        self.num_query_heads = num_query_heads
        self.num_key_value_heads = num_key_value_heads
        self._scale = 1.0 / math.sqrt(head_dim)
        self._repeats = num_query_heads // num_key_value_heads

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        _check_key(value_shape, key_shape)
        heads, groups = (
            (self.num_query_heads, self.head_dim),
            (
                self.num_key_value_heads,
                self.head_dim,
            ),
        )
        self._query_dense = self._projection("query", query_shape, 1, heads)
        self._key_dense = self._projection("key", key_shape, 1, groups)
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, 1, heads, "sigmoid")
        self._value_dense = self._projection("value", value_shape, 1, groups)
        self._prepare(4, (1,))
        self._output_dense = self._projection(
            "attention_output", (*query_shape[:-1], *heads), 2, (query_shape[-1],)
        )

    def _project(self, query: Any, key: Any, value: Any) -> tuple[Any, Any, Any, Any]:
        gate = self._gate_dense(query) if self.use_gate else None
        return self._query_dense(query), self._key_dense(key), self._value_dense(value), gate

    def _output(self, x: Any) -> Any:
        return self._output_dense(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
