"""SpectralNormalization: a layer whose kernel has the norm 1."""

from typing import Any

from nnseq import initializers, ops
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.wrapping import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value at each call in training.

    The value is estimated by the power method, which goes on from call to call with the vector u.
    The kernel itself is replaced; an optimizer's step goes on from the new one.

    Args:
        layer: has a `kernel` or `embeddings`, taken as a matrix (-1, last axis).
        power_iterations: steps of the power method in a call.

    Raises:
        ValueError: for a layer with neither, or without an iteration.

    See Miyato et al. 2018, https://arxiv.org/abs/1802.05957.

    >>> from nnseq.layers import Dense
    >>> layer = SpectralNormalization(Dense(4, kernel_initializer="ones"), power_iterations=3)
    >>> layer(ops.ones((1, 4)), training=True).numpy().round(3).tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                "`power_iterations` should be greater than zero. Received: "
                f"`power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if kernel is None:
            raise ValueError(
                f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'"
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            u, norm = self._power_method()
            is_zero = ops.equal(norm, 0)  # of a kernel of zeros, which stays
            self.vector_u.assign(ops.where(is_zero, self.vector_u, u))
            self.kernel.assign(self.kernel / ops.where(is_zero, 1.0, norm))
        return self.layer(inputs)

    def _power_method(self) -> tuple[Any, Any]:
        """The next u, and the largest singular value as far as it knows."""
        matrix = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        u: Any = self.vector_u
        for _ in range(self.power_iterations):
            v = ops.normalize(u @ ops.transpose(matrix), axis=None)
            u = ops.normalize(v @ matrix, axis=None)
        return u, ops.sum(v @ matrix * u)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}
