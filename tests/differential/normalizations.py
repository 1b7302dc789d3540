"""Normalizations."""

from typing import Any

from differential.options import Shape, weight_options
from differential.plain import Draw


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
    groups = draw.pick([1, -1] + [2] * (shape[channels] % 2 == 0))
    if channels == 1 and shape[0] % 2 and groups == 2:  # of an axis with an odd size
        groups = -1
    return {
        "groups": groups,
        **draw.some({"center": False, "scale": False, "epsilon": 0.01}, 0.2),
        **({"axis": 1} if channels == 1 and shape[0] % 2 else {}),
        **weight_options(draw, "gamma", "beta"),
    }


def rms_normalization(draw: Draw, shape: Shape) -> dict[str, Any]:
    axes = [len(shape) - 1, len(shape)]
    return draw.some({"axis": [axes] if len(shape) > 1 else [1], "epsilon": 0.01}, 0.4)


def normalization(draw: Draw, shape: Shape) -> dict[str, Any]:
    if draw.chance(0.3):
        return {"axis": None, "mean": 0.3, "variance": 2.0}
    n = shape[-1]
    values = {"mean": [0.1 * k for k in range(n)], "variance": [0.5 + k for k in range(n)]}
    return values | draw.some({"invert": True}, 0.2)
