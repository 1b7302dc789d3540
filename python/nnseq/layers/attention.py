"""Attention with scores by a product (Luong) or by a sum (Bahdanau)."""

from typing import Any

from nnseq import ops
from nnseq import random as nnrandom
from nnseq.engine.naming import brief
from nnseq.engine.random_state import SeedGenerator
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import between_0_and_1
from nnseq.layers.shapes import is_shape
from nnseq.ops.attention import causal_mask


class Attention(Layer):
    """softmax(scores) . value, where scores (N, Tq, Tv) are query . key (Luong et al. 2015).

    Called with [query (N, Tq, D), value (N, Tv, D)] or [query, value, key (N, Tv, D)]; a mask is a
    list of theirs. Masked values get no weight, outputs of masked queries are 0.

    Args:
        use_scale: whether the scores are multiplied by a trained scalar.
        score_mode: "dot", or "concat" for sum(tanh(query + key)) times a trained scalar.
        dropout: the rate at which weights are dropped in training.

    >>> Attention()([ops.ones((2, 3, 8)), ops.ones((2, 5, 8))]).shape
    (2, 3, 8)
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. "
                f"Received: score_mode={score_mode}"
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = between_0_and_1("dropout", dropout)
        self.seed = seed
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        self._check("inputs", input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def _scores(self, query: Any, key: Any) -> Any:
        """(N, Tq, D), (N, Tv, D) -> (N, Tq, Tv)."""
        if self.concat_score_weight is None:
            scores = ops.einsum("...qd,...kd->...qk", query, key)
            return scores if self.scale is None else scores * self.scale
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        pairs = pairs if self.scale is None else self.scale * pairs
        return self.concat_score_weight * ops.sum(ops.tanh(pairs), axis=-1)

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check("inputs", inputs)
        if mask is not None:
            self._check("mask", mask)
        query, value = inputs[:2]
        query_mask, value_mask = mask[:2] if mask else (None, None)
        scores = self._scores(query, inputs[2] if len(inputs) > 2 else value)
        seen = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, "bool"), -2)
        if use_causal_mask:
            causal = causal_mask(*ops.shape(scores)[-2:])
            seen = causal if seen is None else ops.logical_and(seen, causal)
        if seen is not None:
            scores = ops.where(seen, scores, scores - 1e9)
        weights = ops.softmax(scores)
        kept = weights
        if training and self.dropout > 0:
            kept = nnrandom.dropout(weights, self.dropout, seed=self.seed_generator)
        outputs = ops.matmul(kept, value)
        if query_mask is not None:
            outputs = ops.where(ops.expand_dims(query_mask, -1), outputs, 0.0)
        return (outputs, kept) if return_attention_scores else outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the query."""
        return None if mask is None or mask[0] is None else ops.convert_to_tensor(mask[0])

    def _check(self, what: str, given: Any) -> None:
        if is_shape(given) or not isinstance(given, list | tuple) or not 2 <= len(given) <= 3:
            raise ValueError(
                f"{type(self).__name__} layer must be called on a list of 2 or 3 {what}, namely "
                f"[query, value] or [query, value, key]. Received: {what}={brief(given)}."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


class AdditiveAttention(Attention):
    """Attention with the scores sum(scale * tanh(query + key)) (Bahdanau et al. 2015).

    Args:
        use_scale: whether there is a trained `scale` (D,), else it is 1.

    >>> AdditiveAttention()([ops.ones((2, 3, 8)), ops.ones((2, 5, 8))]).shape
    (2, 3, 8)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check("inputs", input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale", shape=(input_shape[0][-1],), initializer="glorot_uniform"
            )

    def _scores(self, query: Any, key: Any) -> Any:
        pairs = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(pairs if self.scale is None else self.scale * pairs, axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
