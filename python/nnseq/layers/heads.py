"""Heads: what layers of attention with several heads have in common."""

import functools
import string
from collections.abc import Sequence
from typing import Any

from nnseq import constraints, initializers, ops, regularizers
from nnseq.layers.activation import Softmax
from nnseq.layers.core import Dropout
from nnseq.layers.einsum_dense import EinsumDense
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import serialized
from nnseq.ops.attention import causal_mask


class Heads(Layer):
    """Attention in heads. Subclasses project query, key and value to (N, T, heads, D)."""

    _scale: float
    _attention_axes: Sequence[int]
    _equations: tuple[str, str]  # scores of key and query; outputs of scores and value
    _repeats = 1  # how many heads of the query share one of the key

    def __init__(
        self,
        *,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sliding_window is not None and (type(sliding_window) is not int or sliding_window <= 0):
            raise ValueError(
                "`sliding_window` must be `None` or a positive integer. "
                f"Received: sliding_window={sliding_window}"
            )
        if flash_attention:
            raise ValueError(f"{type(self).__name__}: flash_attention=True is not supported")
        self.dropout = dropout
        self.use_bias = use_bias
        self.use_gate = use_gate
        self.sliding_window = sliding_window
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.seed = seed
        self.supports_masking = True

    def _projection(
        self, name: str, shape: Any, bound: int, sizes: Sequence[int], activation: Any = None
    ) -> EinsumDense:
        """A built layer that maps the last `bound` axes of `shape` to axes of these sizes."""
        letters = string.ascii_lowercase
        rank = len(shape)
        of_input, free = letters[:rank], letters[: rank - bound]
        new = letters[rank : rank + len(sizes)]
        kernel = self.kernel_initializer
        dense = EinsumDense(
            f"{of_input},{of_input[rank - bound :]}{new}->{free}{new}",
            output_shape=[*[None] * (len(free) - 1), *sizes],
            activation=activation,
            bias_axes=new if self.use_bias else None,
            # A copy draws values of its own, if no seed was given.
            kernel_initializer=kernel.clone() if hasattr(kernel, "clone") else kernel,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._activity_of_projections(),
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype,
            name=name,
        )
        dense.supports_masking = True  # of the query goes through to the output
        dense.build(tuple(shape))
        return dense

    def _activity_of_projections(self) -> Any:
        return self.activity_regularizer

    def _project(self, query: Any, key: Any, value: Any) -> tuple[Any, Any, Any, Any]:
        """Query, key and value in heads, and the gate or None."""
        raise NotImplementedError

    def _output(self, x: Any) -> Any:
        """From heads to the output."""
        raise NotImplementedError

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        masks = [
            None if query_mask is None else ops.expand_dims(ops.cast(query_mask, "bool"), -1),
            *(
                None if mask is None else ops.expand_dims(ops.cast(mask, "bool"), -2)
                for mask in (value_mask, key_mask)
            ),
            *self._position_masks(query, value, use_causal_mask),
            None if attention_mask is None else ops.cast(attention_mask, "bool"),
        ]
        given = [mask for mask in masks if mask is not None]
        mask = functools.reduce(ops.logical_and, given) if given else None
        q, k, v, gate = self._project(query, value if key is None else key, value)
        y, scores = self._attend(q, k, v, mask, return_attention_scores, training)
        y = self._output(y if gate is None else y * gate)
        return (y, scores) if return_attention_scores else y

    def _position_masks(self, query: Any, value: Any, causal: bool) -> list[Any]:
        """Masks (1, T, S) of what a query sees by its place."""
        length, keys = ops.shape(query)[1], ops.shape(value)[1]
        masks = []
        if causal:
            masks.append(ops.expand_dims(causal_mask(length, keys), 0))
        if self.sliding_window is not None:
            rows = ops.reshape(ops.arange(length), (1, -1, 1))
            columns = ops.reshape(ops.arange(keys), (1, 1, -1))
            masks.append(ops.less(ops.abs(rows - columns), self.sliding_window))
        return masks

    def _attend(
        self, q: Any, k: Any, v: Any, mask: Any, with_scores: bool, training: bool | None
    ) -> tuple[Any, Any]:
        """The values weighted, in heads, and the weights if asked for."""
        if mask is not None:
            axes = len(self._attention_axes)
            for _ in range(q.ndim - 1 + axes - mask.ndim):
                mask = ops.expand_dims(mask, -2 * axes - 1)
        if q.ndim == 4 and not self.dropout and not with_scores:
            return ops.dot_product_attention(q, k, v, mask=mask, scale=self._scale), None
        if self._repeats > 1:
            k, v = (ops.repeat(x, self._repeats, axis=2) for x in (k, v))
        scores = ops.einsum(self._equations[0], k, q * self._scale)
        scores = self._softmax(scores, mask=mask)
        kept = self._dropout_layer(scores, training=training) if self.dropout else scores
        return ops.einsum(self._equations[1], kept, v), scores

    def _prepare(self, rank: int, axes: Sequence[int]) -> None:
        """Attention along these axes of tensors in heads, which have `rank` axes."""
        query = string.ascii_lowercase[:rank]
        other = string.ascii_lowercase[rank:]
        key = "".join(other[i] if i in axes else c for i, c in enumerate(query))
        batch = "".join(c for i, c in enumerate(query[:-1]) if i not in axes)
        scores = batch + "".join(query[i] for i in axes) + "".join(key[i] for i in axes)
        self._attention_axes = axes
        self._equations = (f"{key},{query}->{scores}", f"{scores},{key}->{query}")
        ends = range(len(scores) - len(axes), len(scores))
        self._softmax = Softmax(axis=tuple(ends), dtype=self.dtype)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": self.sliding_window,
            "activity_regularizer": regularizers.serialize(self._activity_of_projections()),
            **serialized(
                self,
                "kernel_initializer",
                "bias_initializer",
                "kernel_regularizer",
                "bias_regularizer",
                "kernel_constraint",
                "bias_constraint",
            ),
            "seed": self.seed,
        }
