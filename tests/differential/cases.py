"""A case: a model, how it is trained, and its data, all drawn from a seed."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from differential.bodies import (
    IMAGE,
    LAYERS,
    MASK_ENDS,
    MASKED,
    RECURRENT,
    SEQUENCE,
    VECTOR,
    VOLUME,
    rank_of,
)
from differential.goals import (
    draw_loss,
    draw_metric,
    draw_optimizer,
    head_activation,
    make_targets,
)
from differential.options import Shape, without_orthogonal
from differential.plain import Draw, Make, names, paths

LAYER_NAMES = list(LAYERS)
STEPS = 5


@dataclass(frozen=True)
class Case:
    """What both libraries build and do. Layers are Makes; the first is an Input if one is given."""

    seed: int
    layers: list[Make]
    built_by: str  # "input", "build", "call" or "input_shape"
    input_shape: Shape
    compiled: dict[str, Any]  # arguments of compile
    batch_size: int
    x: np.ndarray
    y: np.ndarray
    weights: dict[str, Any]  # sample_weight or class_weight of fit

    @property
    def tested(self) -> dict[str, Any]:
        """The weights of evaluate: some if fit has some, so that both take batches of one form."""
        ones = np.ones(len(self.x), np.float32)
        return {"sample_weight": self.weights.get("sample_weight", ones)} if self.weights else {}

    @property
    def is_random(self) -> bool:
        """Whether training draws random numbers, which differ between the libraries."""
        rates = [value for key, value in arguments(self.layers) if key in ("rate", "stddev")]
        return any(rate for rate in rates if isinstance(rate, float))

    @property
    def is_same_in_training(self) -> bool:
        """Whether the outputs in training are those of inference."""
        return not self.is_random and "BatchNormalization" not in repr(self.layers)

    @property
    def is_savable(self) -> bool:
        """Whether Keras can save it: it cannot write a loss or metric given as a class."""
        return not any(path.split(".")[-1][0].isupper() for path in names(self.compiled))

    @property
    def paths(self) -> set[str]:
        """Everything that is looked up in a library."""
        return paths(self.layers) | paths(self.compiled)


def arguments(value: Any) -> list[tuple[str, Any]]:
    """The arguments of layers, and of those in them."""
    if isinstance(value, Make):
        found = list(value.arguments.items()) if value.path.startswith("layers.") else []
        return found + arguments(list(value.arguments.values()))
    if isinstance(value, list | tuple):
        return [pair for entry in value for pair in arguments(entry)]
    return []


@functools.cache
def describe(seed: int) -> Case:
    """The case of a seed."""
    draw = Draw(seed)
    name = draw.turn(LAYER_NAMES)
    loss, kind, logits, units = draw_loss(draw)
    free = draw.is_first or name in (*MASKED, *MASK_ENDS)  # a seed's layer must be in its model
    if name in ("Embedding", "Masking") or (draw.chance(0.06) and free):
        input_shape, layers, shape = masked_body(draw, name)
    else:
        input_shape, layers, shape = body(draw, name)
    wide = np.prod(shape) > 150
    layers, shape = head(draw, layers, shape, units, head_activation(draw, kind, logits))
    optimizer = draw_optimizer(
        draw, any(name in repr(layers) for name in ("L1", "'l1", "eaky", "MaxPool"))
    )
    if wide and isinstance(optimizer, Make) and optimizer.path == "optimizers.SGD":
        optimizer.arguments["learning_rate"] = 0.001  # a sum of many inputs explodes
    compiled: dict[str, Any] = {"optimizer": optimizer, "loss": loss}
    for argument, chance in (("metrics", 0.7), ("weighted_metrics", 0.3)):
        if draw.chance(chance):
            count = draw.pick([1, 1, 2] if draw.is_first else [1, 2, 3])
            compiled[argument] = [draw_metric(draw, kind, logits, shape) for _ in range(count)]
    batches = [(4, 4), (4, 4), (4, 4), (4, 2), (4, 2), (3, 1)]
    if draw.is_full:
        batches = [*[(4, 4)] * 14, (4, 2), (3, 1)]
    batch_size, last = draw.pick(batches)
    rows = batch_size * (STEPS - 1) + last
    x = make_inputs(draw, layers, rows, input_shape)
    # Steps as large as these inputs saturate outputs, where gradients are rounding or clipped.
    large = ("Lion",) if draw.is_first else ("Lion", "SGD", "sgd")
    if x.dtype == np.uint8 and any(name in repr(optimizer) for name in large):
        x = (x / 8).astype("float32")
    y = make_targets(draw.rng, kind, (rows, *shape))
    built_by = draw.pick(["input", "input", "input", "build", "call", "input_shape"])
    if x.dtype != np.float32 and built_by != "input":
        built_by = draw.pick(["input", "call"])
    return Case(
        draw.seed,
        with_input(draw, layers, built_by, x),
        built_by,
        input_shape,
        compiled,
        batch_size,
        x,
        y,
        draw_weights(draw, kind, y, len(shape) == 2),
    )


def body(draw: Draw, name: str) -> tuple[Shape, list[Make], Shape]:
    """The layer of the seed among others, with the shapes it begins and ends with."""
    rank = rank_of(name) or draw.pick([2, 3] if name == "TimeDistributed" else [1, 1, 2, 3])
    shape = input_shape = {1: VECTOR, 2: SEQUENCE, 3: IMAGE, 4: VOLUME}[rank]
    layers: list[Make] = []
    # In Keras the gradient of UnitNormalization at 0, where a relu may put it, is no number.
    if name != "UnitNormalization" and draw.chance(0.4):
        layer, shape = LAYERS[["Dense", "Conv1D", "Conv2D", "Conv3D"][rank - 1]](draw, shape)
        layers.append(layer)
    if name.startswith("Cropping") and min(shape[:-1]) < 3:
        layers, shape = [], input_shape
    layer, shape = LAYERS[name](draw, shape)
    layers.append(layer)
    for _ in range(draw.pick([0, 1, 1, 2])):
        layer, shape = LAYERS[draw.pick(draw.known(fitting_names(len(shape), shape)))](draw, shape)
        layers.append(layer)
    return input_shape, layers, shape


def fitting_names(rank: int, shape: Shape) -> list[str]:
    """The layers that can follow, those with weights several times."""
    small = rank > 1 and min(shape[:-1]) < 3
    found = [
        name
        for name in LAYER_NAMES
        if rank_of(name) in (None, rank)
        and name not in ("Embedding", "Flatten", "Masking", "Reshape", "UnitNormalization")
        and not (rank > 2 and name == "EinsumDense")
        and not (rank == 1 and name == "TimeDistributed")
        and not (small and name.startswith("Cropping"))
        and not (np.prod(shape) > 150 and name.startswith(("Up", "Zero")))
        and not (np.prod(shape) > 150 and name.endswith("Transpose"))
    ]
    weighted = {
        1: ["Dense"],
        2: ["Conv1D", *RECURRENT],
        3: ["Conv2D", "DepthwiseConv2D"],
        4: ["Conv3D"],
    }
    return found + 4 * weighted[rank]


def masked_body(draw: Draw, name: str) -> tuple[Shape, list[Make], Shape]:
    """Integers and an Embedding that may mask, or Masking, layers that keep the mask, one that
    ends it."""
    if name == "Masking":
        input_shape = SEQUENCE
        layer, shape = LAYERS[name](draw, input_shape)
    else:
        input_shape = VECTOR
        layer, shape = LAYERS["Embedding"](draw, input_shape)
        mask = {"mask_zero": True} if draw.chance(0.7) else {}
        layer = Make(layer.path, {**layer.arguments, **mask})
    layers = [layer]
    for _ in range(draw.pick([0, 1, 1, 2])):
        layer, shape = LAYERS[draw.pick(draw.known(MASKED))](draw, shape)
        layers.append(without_axis(layer))
    layer, shape = LAYERS[draw.pick(draw.known(MASK_ENDS))](draw, shape)
    layers.append(without_steps(layer))
    return input_shape, layers, (shape[-1],)


def without_steps(layer: Make) -> Make:
    """The layer, and the one in it, for an output of (N, units)."""
    changed = {**layer.arguments, "return_sequences": False, "keepdims": False}
    arguments = {k: v for k, v in changed.items() if k in layer.arguments}
    if isinstance(inner := arguments.get("layer"), Make):
        arguments["layer"] = without_steps(inner)
    return Make(layer.path, arguments)


def without_axis(layer: Make) -> Make:
    """The layer, or the one in it, for the last axis: the only one that goes with a mask."""
    arguments = {k: v for k, v in layer.arguments.items() if k != "axis"}
    if isinstance(inner := arguments.get("layer"), Make):
        arguments["layer"] = without_axis(inner)
    return Make(layer.path, arguments)


def head(
    draw: Draw, layers: list[Make], shape: Shape, units: int, activation: str | None
) -> tuple[list[Make], Shape]:
    """The layers that end in outputs the loss is made for, often one vector per sample."""
    if len(shape) > 1 and not (len(shape) == 2 and draw.chance(0.3)):
        ends = ["Flatten"]
        ends += ["GlobalAveragePooling1D", "GlobalMaxPooling1D"] if len(shape) == 2 else []
        ends += ["GlobalAveragePooling2D"] if len(shape) == 3 else []
        ends += ["GlobalAveragePooling3D"] if len(shape) == 4 else []
        end = draw.pick(ends)
        layers = [*layers, Make(f"layers.{end}")]
        shape = (int(np.prod(shape)),) if end == "Flatten" else shape[-1:]
    inputs = shape[-1]
    dense, shape = LAYERS["Dense"](draw, shape)
    arguments = {**dense.arguments, "units": units, "activation": activation}
    arguments.pop("trainable", None)
    if not draw.is_first and inputs > 150:
        arguments.pop("kernel_initializer", None)  # a sum by ones is large, and softmax shows it
    if units == 1:
        arguments = without_orthogonal(arguments)
    if activation and draw.chance(0.2):
        arguments["activation"] = None
        tail = [Make("layers.Activation", {"activation": activation})]
        if activation in ("softmax", "relu") and draw.chance(0.5):
            tail = [Make("layers.Softmax" if activation == "softmax" else "layers.ReLU")]
        return [*layers, Make(dense.path, arguments), *tail], (*shape[:-1], units)
    return [*layers, Make(dense.path, arguments)], (*shape[:-1], units)


def make_inputs(draw: Draw, layers: list[Make], rows: int, shape: Shape) -> np.ndarray:
    if layers[0].path == "layers.Embedding":
        values = draw.rng.integers(0, 7, (rows, *shape))
        values[:, draw.pick([0, 1])] = 1  # no row is masked whole
        return values.astype(draw.pick(["int32", "int64", "uint8", "float32"]))
    first = layers[0].path.removeprefix("layers.")
    if first == "Masking":
        x = draw.rng.normal(size=(rows, *shape)).astype("float32")
        past = draw.rng.random((rows, shape[0])) < 0.3
        x[past & (np.arange(shape[0]) > 0)] = layers[0].arguments.get("mask_value", 0.0)
        return x
    if len(shape) == 3 and first in ("Rescaling", "Conv2D", "Dense") and draw.chance(0.6):
        return draw.rng.integers(0, 9, (rows, *shape)).astype("uint8")
    if len(shape) == 1 and first == "Dense" and draw.chance(0.1):
        return draw.rng.integers(-3, 4, (rows, *shape)).astype("int32")
    x = draw.rng.normal(size=(rows, *shape))
    return x if draw.chance(0.1) else x.astype("float32")


def with_input(draw: Draw, layers: list[Make], built_by: str, x: np.ndarray) -> list[Make]:
    shape = x.shape[1:]
    if built_by == "input_shape":
        first = layers[0]
        if first.path.startswith(("Sequential", "layers.SpatialDropout")):
            built_by = "input"
        else:
            return [Make(first.path, {**first.arguments, "input_shape": shape}), *layers[1:]]
    if built_by != "input":
        return layers
    dtype = {} if x.dtype.kind == "f" else {"dtype": str(x.dtype)}
    return [Make(draw.pick(["Input", "layers.InputLayer"]), {"shape": shape, **dtype}), *layers]


def draw_weights(draw: Draw, kind: str, y: np.ndarray, sequence: bool) -> dict[str, Any]:
    """sample_weight, class_weight or nothing."""
    rows = len(y)
    if draw.chance(0.25):
        shape = (rows, *y.shape[1:2]) if sequence else (rows,)
        return {"sample_weight": draw.rng.uniform(0.2, 2.0, shape).astype("float32")}
    by_class = (kind == "sparse" and y.ndim == 1) or (kind == "onehot" and y.ndim == 2)
    if (by_class or (kind == "binary" and y.ndim == 2 and y.shape[1] == 1)) and draw.chance(0.4):
        return {"class_weight": {0: 0.5, 1: 2.0}}
    return {}
