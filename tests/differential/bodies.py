"""Layers: for each one how a seed draws its arguments, and the shape it gives.

A maker takes (Draw, shape without the batch) and returns (Make, shape).
"""

import math
from collections.abc import Callable
from typing import Any

import nnseq
from differential.normalizations import (
    batch_normalization,
    group_normalization,
    layer_normalization,
    normalization,
    rms_normalization,
)
from differential.options import (
    ACTIVATIONS,
    INITIALIZERS,
    MATRIX_REGULARIZERS,
    SQUARE_INITIALIZERS,
    Maker,
    Shape,
    layer_options,
    weight_options,
    without_orthogonal,
)
from differential.plain import Draw, Make
from differential.recurrent import RECURRENT_LAYERS, bidirectional, conv_lstm, rnn
from differential.windows import (
    adaptive_pooling,
    convolution,
    cropping,
    global_pooling,
    padding,
    pooling,
    positions,
    transposed,
    upsampling,
)

VECTOR, SEQUENCE, IMAGE, VOLUME = (6,), (6, 4), (6, 6, 2), (4, 3, 4, 2)


def dense(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    units = draw.pick([3, 4])
    kernel = SQUARE_INITIALIZERS if draw.chance(0.3) else INITIALIZERS
    arguments = {
        "units": units,
        **layer_options(draw),
        **weight_options(draw, "kernel", "bias", initializers=kernel),
    }
    if "kernel_regularizer" in arguments:
        arguments["kernel_regularizer"] = draw.turn(MATRIX_REGULARIZERS)
    if shape[-1] == 1:
        arguments = without_orthogonal(arguments)
    return Make("layers.Dense", arguments), (*shape[:-1], units)


def same(name: str, options: Callable[[Draw, Shape], dict[str, Any]]) -> Maker:
    """A layer that keeps the shape."""
    return lambda draw, shape: (Make(f"layers.{name}", options(draw, shape)), shape)


def noise(name: str, argument: str) -> Maker:
    """Compared in inference when it is active, in training when its rate is 0."""
    return same(name, lambda draw, _: {argument: draw.pick([0.0, 0.0, 0.3])})


def einsum_dense(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    equation, new, bias = draw.pick(
        [
            ("...x,xy->...y", (3,), "y"),
            ("...x,xyz->...yz", (2, 3), draw.pick(["z", "yz"])),
            ("...x,yx->...y", (4,), None),
        ]
        if len(shape) < 3
        else [("ax...,xy->ay...", (4,), None), ("...wx,xy->...wy", (shape[1], 3), "wy")]
    )
    right = equation.startswith("ax")
    arguments = {
        "equation": equation,
        "output_shape": new,
        **({} if bias is None else {"bias_axes": bias}),
        **{k: v for k, v in layer_options(draw).items() if k != "use_bias"},
        **weight_options(draw, "kernel", "bias"),
    }
    left = shape[: len(shape) - (2 if len(new) == 2 and "w" in equation else 1)]
    return Make("layers.EinsumDense", arguments), (*new, *shape[1:]) if right else (*left, *new)


def prelu(draw: Draw, shape: Shape) -> dict[str, Any]:
    shared = list(range(1, len(shape))) or [1]
    return {**weight_options(draw, "alpha"), **draw.some({"shared_axes": [shared]}, 0.5)}


def rescaling(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"scale": draw.pick([0.5, -1.5]), **draw.some({"offset": [0.25]}, 0.5)}


def nested(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    """A Sequential in the Sequential, built by itself or with the outer one."""
    first, shape_between = dense(draw, shape)
    second, out = draw.pick([LAYERS["LayerNormalization"], LAYERS["ReLU"], dense])(
        draw, shape_between
    )
    given = [Make("Input", {"shape": shape})] if draw.chance(0.5) else []
    return Make("Sequential", {"layers": [*given, first, second]}), out


def flatten(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    arguments = draw.some({"data_format": "channels_first"}, 0.15 if len(shape) == 3 else 0)
    return Make("layers.Flatten", arguments), (math.prod(shape),)


def reshape(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    n = math.prod(shape)
    options = [(n,), (n, 1), *[(n // 2, 2), (2, -1)] * (n % 2 == 0), *[(3, n // 3)] * (n % 3 == 0)]
    target = draw.pick(options)
    return Make("layers.Reshape", {"target_shape": target}), tuple(
        n // 2 if size == -1 else size for size in target
    )


def permute(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    dims = draw.pick(
        [[(1,)], [(2, 1)], [(2, 1, 3), (3, 1, 2), (1, 3, 2)], [(4, 1, 3, 2)]][len(shape) - 1]
    )
    return Make("layers.Permute", {"dims": dims}), tuple(shape[d - 1] for d in dims)


def repeat(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    return Make("layers.RepeatVector", {"n": 3}), (3, *shape)


def embedding(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    arguments = {"input_dim": 7, "output_dim": 4, **weight_options(draw, "embeddings")}
    return Make("layers.Embedding", arguments), (*shape, 4)


def masking(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    return Make("layers.Masking", draw.some({"mask_value": [-1.0, 0.5]}, 0.6)), shape


@nnseq.saving.register_keras_serializable("differential")
def affine(x: Any, factor: float = 0.5) -> Any:
    """A function for Lambda, which runs in both libraries."""
    return x * factor + 0.25


def function(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"function": affine, **draw.some({"arguments": {"factor": -0.75}}, 0.5)}


def time_distributed(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    names = [["Dense", "LayerNormalization", "BatchNormalization", "ELU"], ["Conv1D", "SimpleRNN"]]
    inner, out = LAYERS[draw.pick(names[0] + names[1] * (len(shape) == 3))](draw, shape[1:])
    return Make("layers.TimeDistributed", {"layer": inner}), (shape[0], *out)


LAYERS: dict[str, Maker] = {
    "Activation": same("Activation", lambda d, s: {"activation": d.turn(ACTIVATIONS)}),
    "ActivityRegularization": same("ActivityRegularization", lambda d, s: {"l1": 0.01, "l2": 0.02}),
    "AdaptiveAveragePooling1D": adaptive_pooling("AdaptiveAveragePooling1D"),
    "AdaptiveAveragePooling2D": adaptive_pooling("AdaptiveAveragePooling2D"),
    "AdaptiveAveragePooling3D": adaptive_pooling("AdaptiveAveragePooling3D"),
    "AdaptiveMaxPooling1D": adaptive_pooling("AdaptiveMaxPooling1D"),
    "AdaptiveMaxPooling2D": adaptive_pooling("AdaptiveMaxPooling2D"),
    "AdaptiveMaxPooling3D": adaptive_pooling("AdaptiveMaxPooling3D"),
    "AlphaDropout": noise("AlphaDropout", "rate"),
    "AveragePooling1D": pooling("AveragePooling1D"),
    "AveragePooling2D": pooling("AveragePooling2D"),
    "AveragePooling3D": pooling("AveragePooling3D"),
    "BatchNormalization": same("BatchNormalization", batch_normalization),
    "Bidirectional": bidirectional,
    "Conv1D": convolution("Conv1D"),
    "Conv1DTranspose": transposed("Conv1DTranspose"),
    "Conv2D": convolution("Conv2D"),
    "Conv2DTranspose": transposed("Conv2DTranspose"),
    "Conv3D": convolution("Conv3D"),
    "Conv3DTranspose": transposed("Conv3DTranspose"),
    "ConvLSTM1D": conv_lstm,
    "ConvLSTM2D": conv_lstm,
    "Cropping1D": cropping,
    "Cropping2D": cropping,
    "Cropping3D": cropping,
    "Dense": dense,
    "DepthwiseConv1D": convolution("DepthwiseConv1D"),
    "DepthwiseConv2D": convolution("DepthwiseConv2D"),
    "Dropout": noise("Dropout", "rate"),
    "EinsumDense": einsum_dense,
    "ELU": same("ELU", lambda d, s: d.some({"alpha": 0.5})),
    "Embedding": embedding,
    "Flatten": flatten,
    "GRU": RECURRENT_LAYERS["GRU"],
    "GaussianDropout": noise("GaussianDropout", "rate"),
    "GaussianNoise": noise("GaussianNoise", "stddev"),
    "GlobalAveragePooling1D": global_pooling("GlobalAveragePooling1D"),
    "GlobalAveragePooling2D": global_pooling("GlobalAveragePooling2D"),
    "GlobalAveragePooling3D": global_pooling("GlobalAveragePooling3D"),
    "GlobalMaxPooling1D": global_pooling("GlobalMaxPooling1D"),
    "GlobalMaxPooling2D": global_pooling("GlobalMaxPooling2D"),
    "GlobalMaxPooling3D": global_pooling("GlobalMaxPooling3D"),
    "GroupNormalization": same("GroupNormalization", group_normalization),
    "Identity": same("Identity", lambda d, s: {}),
    "LSTM": RECURRENT_LAYERS["LSTM"],
    "Lambda": same("Lambda", function),
    "LayerNormalization": same("LayerNormalization", layer_normalization),
    "LeakyReLU": same("LeakyReLU", lambda d, s: d.some({"negative_slope": 0.1}, 0.5)),
    "Masking": masking,
    "MaxPooling1D": pooling("MaxPooling1D"),
    "MaxPooling2D": pooling("MaxPooling2D"),
    "MaxPooling3D": pooling("MaxPooling3D"),
    "Normalization": same("Normalization", normalization),
    "PReLU": same("PReLU", prelu),
    "Permute": permute,
    "RNN": rnn,
    "RMSNormalization": same("RMSNormalization", rms_normalization),
    "ReLU": same(
        "ReLU", lambda d, s: d.some({"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2})
    ),
    "RepeatVector": repeat,
    "Rescaling": same("Rescaling", rescaling),
    "Reshape": reshape,
    "SeparableConv1D": convolution("SeparableConv1D"),
    "SeparableConv2D": convolution("SeparableConv2D"),
    "SimpleRNN": RECURRENT_LAYERS["SimpleRNN"],
    "Softmax": same("Softmax", lambda d, s: d.some({"axis": [1, -1]}, 0.5)),
    "SpatialDropout1D": noise("SpatialDropout1D", "rate"),
    "SpatialDropout2D": noise("SpatialDropout2D", "rate"),
    "SpatialDropout3D": noise("SpatialDropout3D", "rate"),
    "TimeDistributed": time_distributed,
    "UnitNormalization": same("UnitNormalization", lambda d, s: d.some({"axis": [1, [-1]]})),
    "UpSampling1D": upsampling,
    "UpSampling2D": upsampling,
    "UpSampling3D": upsampling,
    "ZeroPadding1D": padding,
    "ZeroPadding2D": padding,
    "ZeroPadding3D": padding,
    "Sequential": nested,
}
# Layers that keep a mask or use it up; the last two end it.
MASKED = ["Dense", "LayerNormalization", "BatchNormalization", "Activation", "Dropout", "ELU"]
MASKED += ["TimeDistributed", "GroupNormalization"]
RECURRENT = ["SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional"]
MASK_ENDS = [*RECURRENT, "GlobalAveragePooling1D"]


def rank_of(name: str) -> int | None:
    """The rank (without the batch) of what a layer takes; None if it is any."""
    if found := positions(name):
        return found + 1 + name.startswith("ConvLSTM")
    if name in RECURRENT:
        return 2
    return {"RepeatVector": 1, "Embedding": 1, "Masking": 2}.get(name)
