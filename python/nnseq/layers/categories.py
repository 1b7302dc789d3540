"""CategoryEncoding and Discretization: numbers as categories."""

from typing import Any

import numpy as np

from nnseq import ops
from nnseq.engine.dtypes import is_float
from nnseq.layers.host_options import MODES, checked_mode
from nnseq.layers.layer import Layer
from nnseq.layers.preprocessing import batches


def encode(indices: Any, mode: str, depth: int, dtype: str, weights: Any = None) -> Any:
    """Integers as they are ("int"); 1 at the place of each on a new axis ("one_hot"), then summed
    up ("count") or as 0 and 1 ("multi_hot") over axis 1, or axis 0 if it is the only one."""
    if mode == "int":
        return ops.cast(indices, dtype)
    x = ops.cast(indices, "int32") if is_float(indices.dtype) else indices
    x = ops.reshape(x, (1,)) if len(x.shape) == 0 else x
    if mode == "one_hot":
        if len(x.shape) > 1 and x.shape[-1] == 1:
            x = ops.squeeze(x, -1)
        return ops.one_hot(x, depth, dtype=dtype)
    hot = ops.one_hot(x, depth, dtype=dtype)
    axis = min(len(x.shape) - 1, 1)
    if mode == "multi_hot":
        return ops.max(hot, axis)
    return ops.sum(hot if weights is None else hot * ops.expand_dims(weights, -1), axis)


class CategoryEncoding(Layer):
    """Integers in [0, num_tokens) as vectors of this size; others count nowhere.

    Args:
        num_tokens: the size.
        output_mode: "multi_hot" or "count" of each row, "one_hot" of each integer.

    >>> CategoryEncoding(4, "count")([[0, 1], [2, 2]]).tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_mode = checked_mode(output_mode, ("count", "one_hot", "multi_hot"))
        if num_tokens is None:
            raise ValueError(
                "num_tokens must be set to use this layer. If the number of tokens is not known "
                "beforehand, use the IntegerLookup layer instead."
            )
        if num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        if sparse:
            raise ValueError("`sparse=True` is not supported: there are no sparse Tensors")
        self.num_tokens = num_tokens

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(
                    "`count_weights` is not used when `output_mode` is not `'count'`. "
                    f"Received `count_weights={count_weights}`."
                )
            count_weights = ops.cast(ops.convert_to_tensor(count_weights), self.dtype)
        x = ops.convert_to_tensor(inputs)
        return encode(x, self.output_mode, self.num_tokens, self.dtype, count_weights)

    def get_config(self) -> dict[str, Any]:
        config = {"num_tokens": self.num_tokens, "output_mode": self.output_mode}
        return {**super().get_config(), **config}


class Discretization(Layer):
    """The number of the interval in which each number is.

    Args:
        bin_boundaries: where an interval ends and the next one begins, in order.
        num_bins: how many intervals of equally many numbers `adapt` makes instead.
        epsilon: how exact these are: a smaller one takes more memory in `adapt`.
        output_mode: "int", "one_hot", "multi_hot" or "count".

    >>> Discretization(bin_boundaries=[0.0, 1.0])(np.array([-1.0, 0.0, 5.0])).tolist()
    [0, 1, 2]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.output_mode = checked_mode(output_mode, MODES)
        if sparse:
            raise ValueError("`sparse=True` is not supported: there are no sparse Tensors")
        if num_bins is not None and num_bins < 0:
            raise ValueError(
                f"`num_bins` must be greater than or equal to 0. Received: `num_bins={num_bins}`"
            )
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                "Either `num_bins` or `bin_boundaries` must be set, not both. "
                f"Received: `num_bins={num_bins}` and `bin_boundaries={bin_boundaries}`"
            )
        self.bin_boundaries = bin_boundaries
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.sparse = sparse
        self.reset_state()

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes the intervals: those of the quantiles of the data.

        Args:
            data: an array, or something that yields batches.
            steps: how many batches are read.
        """
        if self.num_bins is None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with "
                "`bin_boundaries`, use `num_bins` instead."
            )
        self.reset_state()
        for batch in batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets what was seen."""
        self.summary = np.zeros((2, 0), np.float32)  # values in order, and how many each is for

    def update_state(self, data: Any) -> None:
        """Adds a batch to the summary of the data."""
        values = np.sort(np.asarray(data, np.float32).reshape(-1))
        step = max(values.size * self.epsilon, 1)
        kept = values[int(step - 1) :: int(step)]
        both = np.concatenate([np.stack([kept, np.full_like(kept, step)]), self.summary], axis=1)
        order = np.argsort(both[0])
        self.summary = _compressed(both[:, order], self.epsilon)

    def finalize_state(self) -> None:
        """Makes the intervals of the summary."""
        if self.num_bins is not None:
            ends = _compressed(self.summary, 1.0 / self.num_bins)[0, :-1]
            self.bin_boundaries = ends.tolist()

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(
                "You need to either pass the `bin_boundaries` argument at construction time or "
                "call `adapt(dataset)` before you can start using the `Discretization` layer."
            )
        x = ops.cast(inputs, "float32")
        ends = np.asarray(self.bin_boundaries, np.float32)
        if not ends.size:
            index = ops.cast(x * 0, "int32")
        else:
            below = ops.expand_dims(x, -1) < ends
            index = ops.sum(ops.cast(ops.logical_not(below), "int32"), -1)
        dtype = "int32" if self.output_mode == "int" else self.dtype
        return encode(index, self.output_mode, ends.size + 1, dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of `get_config()`, which after `adapt` has both kinds of intervals."""
        if config.get("num_bins") is None or config.get("bin_boundaries") is None:
            return cls(**config)
        layer = cls(**{**config, "bin_boundaries": None})
        layer.bin_boundaries = config["bin_boundaries"]
        return layer


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary of 1 / epsilon values at most, at equal distances in the count."""
    if summary.shape[1] * epsilon < 1:
        return summary
    parts = epsilon + np.arange(0.0, 1.0, epsilon)
    counts = summary[1].cumsum()
    shares = counts / counts[-1]
    values = np.interp(parts, shares, summary[0])
    weights = np.diff(np.interp(parts, shares, counts), prepend=0)
    return np.stack([values, weights]).astype(np.float32)
