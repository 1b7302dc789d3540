"""All functions of networks in one place, as in keras.ops.nn."""

from __future__ import annotations

from nnseq.ops.activation import (
    elu,
    gelu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    swish,
)
from nnseq.ops.attention import dot_product_attention
from nnseq.ops.blocks import depth_to_space, fold, space_to_depth, unfold
from nnseq.ops.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from nnseq.ops.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from nnseq.ops.ctc import (
    ctc_decode,
    ctc_loss,
)
from nnseq.ops.distances import psnr
from nnseq.ops.indexing import one_hot
from nnseq.ops.normalization import (
    batch_normalization,
    layer_normalization,
    normalize,
    rms_normalization,
)
from nnseq.ops.pooling import adaptive_average_pool, adaptive_max_pool, average_pool, max_pool
from nnseq.ops.reduction import moments
from nnseq.ops.thresholds import (
    celu,
    glu,
    hard_shrink,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "conv",
    "conv_transpose",
    "ctc_decode",
    "ctc_loss",
    "depth_to_space",
    "depthwise_conv",
    "dot_product_attention",
    "elu",
    "fold",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "mish",
    "moments",
    "normalize",
    "one_hot",
    "psnr",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "separable_conv",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
    "unfold",
]
