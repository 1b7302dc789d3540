"""Options that many layers have: activations, and what weights start from and are held to."""

from collections.abc import Callable
from typing import Any

import nnseq
from differential.plain import Draw, Make, Name

Shape = tuple[int, ...]
Maker = Callable[[Draw, Shape], tuple[Make, Shape]]

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
