"""Layers: for each one how a seed draws its arguments, and the shape it gives.

A maker takes (Draw, shape without the batch) and returns (Make, shape).
"""

import math
from collections.abc import Callable
from typing import Any

import nnseq
from differential.plain import Draw, Make, Name

Shape = tuple[int, ...]
Maker = Callable[[Draw, Shape], tuple[Make, Shape]]

VECTOR, SEQUENCE, IMAGE, VOLUME = (6,), (6, 4), (6, 6, 2), (4, 3, 4, 2)
CHANNELS = [2, 4]

ACTIVATIONS = [
    name
    for name in nnseq.activations.__all__
    if name not in ("get", "serialize", "deserialize")
    and name not in ("glu", "threshold")  # halves the channels; needs arguments
    and name != "sparsemax"  # wrong in Keras 3.15
]
# Constant values are what ties are made of: the comparison adds noise to all weights.
INITIALIZERS = [
    *(
        Make(f"initializers.{name}", {"seed": 3})
        for name in ("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform")
    ),
    *(Make(f"initializers.{name}") for name in ("LecunNormal", "LecunUniform", "Ones", "Zeros")),
    Make("initializers.Constant", {"value": 0.2}),
    Make("initializers.Orthogonal", {"gain": 0.5}),
    Make("initializers.RandomNormal", {"mean": 0.1, "stddev": 0.4}),
    Make("initializers.RandomUniform", {"minval": -0.4, "maxval": 0.6}),
    Make("initializers.TruncatedNormal", {"stddev": 0.3}),
    Make(
        "initializers.VarianceScaling",
        {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"},
    ),
    Name("initializers.HeNormal"),
    "he_uniform",
    "lecun_normal",
    "random_normal",
    "orthogonal",
]
# With a gain of 1: Keras does not write it.
SQUARE_INITIALIZERS = [Make("initializers.Identity"), "identity", *INITIALIZERS]
REGULARIZERS = [
    Make("regularizers.L1", {"l1": 0.02}),
    Make("regularizers.L2", {"l2": 0.05}),
    Make("regularizers.L1L2", {"l1": 0.01, "l2": 0.02}),
    "l1",
    "l2",
]
MATRIX_REGULARIZERS = [
    Make("regularizers.OrthogonalRegularizer", {"factor": 0.05}),
    Make("regularizers.OrthogonalRegularizer", {"factor": 0.02, "mode": "columns"}),
    *REGULARIZERS,
]
CONSTRAINTS = [
    Make("constraints.MaxNorm", {"max_value": 0.7}),
    Make("constraints.MinMaxNorm", {"min_value": 0.3, "max_value": 0.8, "rate": 0.5}),
    Make("constraints.NonNeg"),
    Make("constraints.UnitNorm"),
    "max_norm",
    "unit_norm",
    "non_neg",
]


def weight_options(draw: Draw, *names: str, initializers: Any = INITIALIZERS) -> dict[str, Any]:
    """Initializer, regularizer and constraint of weights ("kernel", "bias", ...)."""
    found: dict[str, Any] = {}
    for name in names:
        small = name not in ("kernel", "embeddings", "depthwise", "pointwise")
        known = ["ones", Make("initializers.Constant", {"value": 0.3})] if small else initializers
        if draw.chance(0.3 if small else 0.8):
            found[f"{name}_initializer"] = draw.pick(known) if small else draw.turn(known)
        if draw.chance(0.2):
            found[f"{name}_regularizer"] = draw.turn(REGULARIZERS)
        # Weights held at 0 are on the kink of |w|, where JAX has the derivative 1, others 0.
        if draw.chance(0.15) and f"{name}_regularizer" not in found:
            found[f"{name}_constraint"] = draw.turn(CONSTRAINTS)
    return found


def layer_options(draw: Draw) -> dict[str, Any]:
    """What Dense and the convolutions have in common."""
    found = draw.some({"use_bias": False, "activity_regularizer": "l2"}, 0.1)
    if draw.chance(0.7 if draw.is_first else 0.8):
        name = draw.turn(ACTIVATIONS)
        found["activation"] = Name(f"activations.{name}") if draw.chance(0.2) else name
    return {**found, **draw.some({"trainable": False}, 0.07)}


def without_orthogonal(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments for a kernel of one row or column, whose OrthogonalRegularizer is 0 / 0."""
    if "OrthogonalRegularizer" in repr(arguments.get("kernel_regularizer")):
        return {**arguments, "kernel_regularizer": "l2"}
    return arguments


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


def window(draw: Draw, rank: int, *, dilation: bool, causal: bool = False) -> dict[str, Any]:
    """Kernel size, padding, and either strides or a dilation."""
    found: dict[str, Any] = {"kernel_size": draw.pick([1, 2, 3, (3,) * rank])}
    if draw.chance(0.6):
        found["padding"] = draw.pick(["valid", "same", *(["causal", "causal"] if causal else [])])
    if draw.chance(0.25):
        found["strides"] = 2
    elif dilation and draw.chance(0.3):
        found["dilation_rate"] = 2
    return found


def reduced(size: int, kernel: Any, found: dict[str, Any]) -> int:
    """The size a window leaves of `size`."""
    kernel = kernel[0] if isinstance(kernel, tuple) else kernel
    strides = found.get("strides") or 1
    if found.get("padding", "valid") != "valid":
        return math.ceil(size / strides)
    return (size - found.get("dilation_rate", 1) * (kernel - 1) - 1) // strides + 1


def fitting(draw: Draw, shape: Shape, make: Callable[[], dict[str, Any]], key: str) -> Any:
    """Arguments of a window that leaves something of all positions, and the positions left."""
    while True:
        found = make()
        left = tuple(reduced(n, found.get(key, 2), found) for n in shape[:-1])
        if min(left) >= 1:
            return found, left


def positions(name: str) -> int:
    """How many axes of positions a layer takes, told by the end of its name; 0 if it does not."""
    ends = (f"{rank}D{more}" for rank in (1, 2, 3) for more in ("", "Transpose"))
    return next((int(end[0]) for end in ends if name.endswith(end)), 0)


def convolution(name: str) -> Maker:
    rank = positions(name)

    def maker(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
        causal = name == "Conv1D"
        arguments, left = fitting(
            draw, shape, lambda: window(draw, rank, dilation=True, causal=causal), "kernel_size"
        )
        arguments |= layer_options(draw)
        if name.startswith(("Depthwise", "Separable")):
            arguments |= draw.some({"depth_multiplier": 2}, 0.4)
            arguments |= weight_options(draw, "depthwise", "bias")
        if name.startswith("Depthwise"):
            filters = shape[-1] * arguments.get("depth_multiplier", 1)
        else:
            filters = arguments["filters"] = draw.pick(CHANNELS)
        if name.startswith("Separable"):
            arguments |= weight_options(draw, "pointwise")
        if name.startswith("Conv"):
            arguments |= weight_options(draw, "kernel", "bias")
            if shape[-1] % 2 == 0:
                arguments |= draw.some({"groups": 2}, 0.25)
        return Make(f"layers.{name}", arguments), (*left, filters)

    return maker


def transposed(name: str) -> Maker:
    def maker(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
        kernel, strides = draw.pick([1, 2, 3]), draw.pick([1, 1, 2])
        padding, filters = draw.pick(["valid", "same"]), draw.pick(CHANNELS)
        sizes = {"kernel_size": kernel, "strides": strides, "padding": padding, "filters": filters}
        arguments = {**sizes, **layer_options(draw), **weight_options(draw, "kernel", "bias")}
        grown = tuple(
            n * strides if padding == "same" else (n - 1) * strides + max(kernel, strides)
            for n in shape[:-1]
        )
        return Make(f"layers.{name}", arguments), (*grown, filters)

    return maker


def pooling(name: str) -> Maker:
    def maker(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
        def arguments() -> dict[str, Any]:
            found = {"pool_size": draw.pick([2, 3])} if draw.chance(0.5) else {"pool_size": 2}
            return found | draw.some({"padding": ["same", "valid"], "strides": [1, 2]}, 0.5)

        def default(found: dict[str, Any]) -> dict[str, Any]:
            return {"strides": found["pool_size"], **found}

        while True:
            found = arguments()
            left = tuple(reduced(n, found["pool_size"], default(found)) for n in shape[:-1])
            if min(left) >= 1:
                return Make(f"layers.{name}", found), (*left, shape[-1])

    return maker


def adaptive_pooling(name: str) -> Maker:
    def maker(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
        size = draw.pick([1, 2, 3, 4])
        return Make(f"layers.{name}", {"output_size": size}), (
            *[size] * positions(name),
            shape[-1],
        )

    return maker


def global_pooling(name: str) -> Maker:
    def maker(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
        arguments = draw.some({"keepdims": True}, 0.3)
        ones = (1,) * (len(shape) - 1) if arguments else ()
        return Make(f"layers.{name}", arguments), (*ones, shape[-1])

    return maker


def same(name: str, options: Callable[[Draw, Shape], dict[str, Any]]) -> Maker:
    """A layer that keeps the shape."""
    return lambda draw, shape: (Make(f"layers.{name}", options(draw, shape)), shape)


def noise(name: str, argument: str) -> Maker:
    """Compared in inference when it is active, in training when its rate is 0."""
    return same(name, lambda draw, _: {argument: draw.pick([0.0, 0.0, 0.3])})


def normalized_axes(draw: Draw, shape: Shape) -> dict[str, Any]:
    axes = [1, [1, 2]] if len(shape) == 2 else [[2, 3]] if len(shape) == 3 else [1]
    return {"axis": draw.pick(axes)} if draw.chance(0.4) else {}


def batch_normalization(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {
        **draw.some({"axis": 1, "momentum": 0.7, "epsilon": 0.01}, 0.3),
        **draw.some({"center": False, "scale": False, "trainable": False}, 0.15),
        **weight_options(draw, "gamma", "beta"),
    }


def layer_normalization(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {
        **normalized_axes(draw, shape),
        **draw.some({"center": False, "scale": False, "epsilon": 0.01}, 0.2),
        **weight_options(draw, "gamma", "beta"),
    }


def group_normalization(draw: Draw, shape: Shape) -> dict[str, Any]:
    channels = draw.pick([-1, -1, 1]) if len(shape) > 1 else -1
    return {
        "groups": draw.pick([1, -1] + [2] * (shape[channels] % 2 == 0)),
        **draw.some({"center": False, "scale": False, "epsilon": 0.01}, 0.2),
        **({"axis": 1} if channels == 1 and shape[0] % 2 else {}),
        **weight_options(draw, "gamma", "beta"),
    }


def rms_normalization(draw: Draw, shape: Shape) -> dict[str, Any]:
    axes = [len(shape) - 1, len(shape)]
    return draw.some({"axis": [axes] if len(shape) > 1 else [1], "epsilon": 0.01}, 0.4)


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


def normalization(draw: Draw, shape: Shape) -> dict[str, Any]:
    if draw.chance(0.3):
        return {"axis": None, "mean": 0.3, "variance": 2.0}
    n = shape[-1]
    values = {"mean": [0.1 * k for k in range(n)], "variance": [0.5 + k for k in range(n)]}
    return values | draw.some({"invert": True}, 0.2)


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


def upsampling(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    if len(shape) == 2:
        return Make("layers.UpSampling1D", {"size": 2}), (2 * shape[0], shape[1])
    if len(shape) == 4:
        sizes = draw.pick([(1, 2, 1), (2, 1, 2)])
        grown = (n * size for n, size in zip(shape[:-1], sizes, strict=True))
        return Make("layers.UpSampling3D", {"size": sizes}), (*grown, shape[-1])
    arguments = draw.some({"size": [(1, 2), 2], "interpolation": ["bilinear", "nearest"]}, 0.6)
    size = arguments.get("size", 2)
    rows, columns = size if isinstance(size, tuple) else (size, size)
    return Make("layers.UpSampling2D", arguments), (rows * shape[0], columns * shape[1], shape[2])


# Two entries more, or less, along each axis.
SIDES = {2: [1, (2, 0)], 3: [1, ((2, 0), (0, 2))], 4: [1, ((2, 0), (0, 2), (1, 1))]}
PADDINGS = {**SIDES, 3: [1, (1, 1), ((2, 0), (0, 2))]}


def padding(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    amount = draw.pick(PADDINGS[len(shape)])
    layer = Make(f"layers.ZeroPadding{len(shape) - 1}D", {"padding": amount})
    return layer, (*(n + 2 for n in shape[:-1]), shape[-1])


def cropping(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    amount = draw.pick(SIDES[len(shape)])
    layer = Make(f"layers.Cropping{len(shape) - 1}D", {"cropping": amount})
    return layer, (*(n - 2 for n in shape[:-1]), shape[-1])


def recurrent(name: str, **options: Any) -> Maker:
    def make(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
        units = draw.pick([3, 4])
        arguments = {
            "units": units,
            **draw.some({"activation": ["relu", "sigmoid"], "use_bias": False, **options}, 0.2),
            **draw.some({"return_sequences": True, "go_backwards": True, "unroll": True}, 0.3),
            **draw.some({"activity_regularizer": "l1", "trainable": False}, 0.07),
            **weight_options(draw, "kernel", "recurrent", "bias"),
        }
        arguments.pop("recurrent_initializer", None)
        if name == "SimpleRNN":  # Keras takes it and forgets it
            arguments.pop("activity_regularizer", None)
        steps = shape[:1] if arguments.get("return_sequences") else ()
        return Make(f"layers.{name}", arguments), (*steps, units)

    return make


def sequences(draw: Draw) -> dict[str, Any]:
    return draw.some({"return_sequences": True, "go_backwards": True}, 0.3)


def rnn(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    """One cell or a stack of two."""
    cells = []
    for _ in range(draw.pick([1, 1, 2])):
        units = draw.pick([3, 4])
        options = weight_options(draw, "kernel", "recurrent", "bias")
        options.pop("recurrent_initializer", None)
        name = draw.pick(["SimpleRNNCell", "LSTMCell", "GRUCell"])
        cells.append(Make(f"layers.{name}", {"units": units, **options}))
    arguments = {"cell": cells if len(cells) > 1 else cells[0], **sequences(draw)}
    steps = shape[:1] if arguments.get("return_sequences") else ()
    return Make("layers.RNN", arguments), (*steps, units)


def bidirectional(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    inner, out = LAYERS[draw.pick(["SimpleRNN", "LSTM", "GRU"])](draw, shape)
    inner.arguments.pop("go_backwards", None)
    arguments = {"layer": inner, **draw.some({"merge_mode": ["sum", "mul", "ave"]}, 0.5)}
    width = out[-1] if "merge_mode" in arguments else 2 * out[-1]
    return Make("layers.Bidirectional", arguments), (*out[:-1], width)


def conv_lstm(draw: Draw, shape: Shape) -> tuple[Make, Shape]:
    """Over the rows of an image, or the images of a volume."""
    filters, sizes = draw.pick([1, 2, 3]), shape[1:-1]
    arguments = {
        "filters": filters,
        "kernel_size": min(draw.pick([1, 2]), *sizes),
        **draw.some({"padding": "same", "strides": 2, "recurrent_activation": "hard_sigmoid"}, 0.4),
        **sequences(draw),
        **weight_options(draw, "kernel", "recurrent", "bias"),
    }
    arguments.pop("recurrent_initializer", None)
    left = (reduced(size, arguments["kernel_size"], arguments) for size in sizes)
    steps = shape[:1] if arguments.get("return_sequences") else ()
    return Make(f"layers.ConvLSTM{len(sizes)}D", arguments), (*steps, *left, filters)


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
    "GRU": recurrent("GRU", recurrent_activation="tanh", reset_after=False),
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
    "LSTM": recurrent("LSTM", recurrent_activation="hard_sigmoid", unit_forget_bias=False),
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
    "SimpleRNN": recurrent("SimpleRNN"),
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
