"""ReversibleEmbedding: a table of rows that also turns vectors into logits of the rows."""

from typing import Any

from nnseq import ops
from nnseq.layers.core import Embedding


class ReversibleEmbedding(Embedding):
    """An Embedding; with `reverse=True` (..., output_dim) -> (..., input_dim), products with rows.

    Args:
        tie_weights: whether both ways use one table; else the way back has a weight of its own,
            `reverse_embeddings` (output_dim, input_dim).
        reverse_dtype: the type the way back computes in.
        logit_soft_cap: c bounds the logits smoothly by c * tanh(logits / c).
        input_dim, output_dim, embeddings_initializer and so on: those of Embedding.

    >>> layer = ReversibleEmbedding(7, 4)
    >>> layer(layer(ops.zeros((2, 3), "int32")), reverse=True).shape
    (2, 3, 7)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
                name="reverse_embeddings",
            )

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            rows = super().call(inputs)
            rows._keras_mask = super().compute_mask(inputs)
            return rows
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self.reverse_dtype is not None:
            inputs, kernel = (ops.cast(x, self.reverse_dtype) for x in (inputs, kernel))
        logits = ops.matmul(inputs, kernel)
        if self.logit_soft_cap is None:
            return logits
        return ops.tanh(logits / self.logit_soft_cap) * self.logit_soft_cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None  # `call` knows which way it goes

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
