"""Layers of windows: convolutions, pools, and what adds or takes positions."""

import math
from collections.abc import Callable
from typing import Any

from differential.options import Maker, Shape, layer_options, weight_options
from differential.plain import Draw, Make

CHANNELS = [2, 4]


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
