"""Losses, metrics and optimizers: how a seed draws them, and the targets they need."""

import re
from typing import Any

import numpy as np

from differential.plain import Draw, Make, Name

# Loss class -> (what its targets are, its options).
LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "BinaryCrossentropy": ("binary", {"label_smoothing": 0.1}),
    "BinaryFocalCrossentropy": (
        "binary",
        {"apply_class_balancing": True, "gamma": 1.0, "label_smoothing": 0.1},
    ),
    "CategoricalCrossentropy": ("onehot", {"label_smoothing": 0.1}),
    "CategoricalFocalCrossentropy": ("onehot", {"alpha": 0.5, "label_smoothing": 0.1}),
    "CategoricalHinge": ("onehot", {}),
    "CosineSimilarity": ("values", {"axis": -1}),
    "Dice": ("binary", {}),
    "Hinge": ("signs", {}),
    "Huber": ("values", {}),  # the configuration that Keras writes loses delta
    "KLDivergence": ("probabilities", {}),
    "LogCosh": ("values", {}),
    "MeanAbsoluteError": ("values", {}),
    "MeanAbsolutePercentageError": ("values", {}),
    "MeanSquaredError": ("values", {}),
    "MeanSquaredLogarithmicError": ("positive", {}),
    "Poisson": ("positive", {}),
    "SparseCategoricalCrossentropy": ("sparse", {"ignore_class": 1}),
    "SquaredHinge": ("signs", {}),
    "Tversky": ("binary", {"alpha": 0.3}),
}
# Options without which a loss is one number for the batch, that sample weights do not fit.
LOSS_NEEDS: dict[str, dict[str, Any]] = {"Dice": {"axis": -1}, "Tversky": {"axis": -1}}
CROSSENTROPIES = [name for name in LOSSES if name.endswith("Crossentropy")]
LOSS_NAMES = [*LOSSES, *CROSSENTROPIES, "MeanSquaredError", *CROSSENTROPIES]  # as users choose

_ERRORS = [
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "RootMeanSquaredError",
    "LogCoshError",
    "CosineSimilarity",
]
_COUNTS = ["TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"]
_RETRIEVAL = ["Precision", "Recall", "AUC"]
_BEST_RATES: dict[str, dict[str, Any]] = {
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
METRICS: dict[str, list[str]] = {
    "values": [*_ERRORS, "Accuracy", "ConcordanceCorrelation", "R2Score"],
    "positive": ["Poisson", "MeanSquaredLogarithmicError", *_ERRORS],
    "signs": ["Hinge", "SquaredHinge", "MeanSquaredError"],
    "probabilities": [
        "KLDivergence",
        "CosineSimilarity",
        "MeanAbsoluteError",
        "PearsonCorrelation",
    ],
    "onehot": [
        "CategoricalAccuracy",
        "TopKCategoricalAccuracy",
        "CategoricalCrossentropy",
        "CategoricalHinge",
        "F1Score",
        "FBetaScore",
        "OneHotIoU",
        "OneHotMeanIoU",
        "PearsonCorrelation",
        "accuracy",
        *_RETRIEVAL,
    ],
    "sparse": [
        "SparseCategoricalAccuracy",
        "SparseTopKCategoricalAccuracy",
        "SparseCategoricalCrossentropy",
        "IoU",
        "MeanIoU",
        "accuracy",
        "acc",
    ],
    "binary": [
        "BinaryAccuracy",
        "BinaryCrossentropy",
        "BinaryIoU",
        "accuracy",
        *_RETRIEVAL,
        *_BEST_RATES,
        *_COUNTS,
    ],
}
METRIC_OPTIONS: dict[str, dict[str, Any]] = {
    "AUC": {"num_thresholds": 50, "curve": "PR", "summation_method": ["minoring", "majoring"]},
    "BinaryAccuracy": {"threshold": 0.4},
    "BinaryCrossentropy": {"label_smoothing": 0.1},
    "CategoricalCrossentropy": {"label_smoothing": 0.1},
    "F1Score": {"average": ["micro", "macro", "weighted"]},
    "FBetaScore": {"average": ["micro", "macro"], "beta": 2.0},
    "Precision": {"thresholds": 0.4, "name": "how_precise"},
    "Recall": {"thresholds": 0.4},
    "TruePositives": {"thresholds": 0.3},
    "FalseNegatives": {"thresholds": 0.3},
}
# Options without which a metric has no single number or, of the top k, is always 1.
METRIC_NEEDS: dict[str, dict[str, Any]] = {
    **_BEST_RATES,
    "F1Score": {"average": "macro"},
    "FBetaScore": {"average": "micro"},
    "IoU": {"num_classes": 3, "target_class_ids": [1, 2], "sparse_y_pred": False},
    "MeanIoU": {"num_classes": 3, "sparse_y_pred": False},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "OneHotMeanIoU": {"num_classes": 3},
    "TopKCategoricalAccuracy": {"k": 2},
    "SparseTopKCategoricalAccuracy": {"k": 2},
}

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"learning_rate": 0.05}),
    ("Adam", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.9}),
    ("Adagrad", {"learning_rate": 0.05}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.01, "beta": 0.1}),
    ("Lion", {"learning_rate": 0.003}),
    ("Nadam", {"learning_rate": 0.01, "beta_1": 0.8}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True, "beta_2": 0.9}),
    ("SGD", {"learning_rate": 0.05, "momentum": 0.8, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.5}),
    ("Adagrad", {"learning_rate": 0.05, "initial_accumulator_value": 0.2}),
    ("Ftrl", {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.05}),
    ("Adam", {"learning_rate": 0.01, "epsilon": 1e-3}),
    ("Lamb", {"learning_rate": 0.01}),
    ("Adafactor", {"learning_rate": 0.05, "beta_2_decay": -0.6}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.01, "warmup_steps": 2}),
    ("Muon", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "gradient_accumulation_steps": 2}),
]
CLIPPING = [{"clipnorm": 0.3}, {"global_clipnorm": 0.3}, {"clipvalue": 0.05}]
SCHEDULES = [
    Make(f"optimizers.schedules.{name}", arguments)
    for name, arguments in (
        ("CosineDecay", {"initial_learning_rate": 0.02, "decay_steps": 4, "alpha": 0.1}),
        (
            "CosineDecay",
            {
                "initial_learning_rate": 0.001,
                "decay_steps": 6,
                "warmup_target": 0.02,
                "warmup_steps": 2,
            },
        ),
        ("CosineDecayRestarts", {"initial_learning_rate": 0.02, "first_decay_steps": 3}),
        (
            "ExponentialDecay",
            {"initial_learning_rate": 0.02, "decay_steps": 2, "decay_rate": 0.5, "staircase": True},
        ),
        (
            "ExponentialDecay",
            {"initial_learning_rate": 0.02, "decay_steps": 3, "decay_rate": 0.8},
        ),
        (
            "InverseTimeDecay",
            {"initial_learning_rate": 0.02, "decay_steps": 2, "decay_rate": 0.5},
        ),
        ("PiecewiseConstantDecay", {"boundaries": [1, 3], "values": [0.02, 0.01, 0.005]}),
        (
            "PolynomialDecay",
            {"initial_learning_rate": 0.02, "decay_steps": 4, "power": 2.0, "cycle": True},
        ),
    )
]


def snake(name: str) -> str:
    """The function or alias name of a class, as Keras makes it."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def draw_loss(draw: Draw) -> tuple[Any, str, bool, int]:
    """A loss in one of its forms, the kind of its targets, whether it takes logits, and the number
    of outputs (the cosine of one number is its sign, a step)."""
    name = draw.turn(LOSS_NAMES)
    kind, options = LOSSES[name]
    form = draw.pick([*["object"] * 6, *["string", "alias", "function"] * 3, "class"])
    form = "object" if name in LOSS_NEEDS else form
    several = kind in ("onehot", "sparse", "probabilities") or name == "CosineSimilarity"
    units = 3 if several else draw.pick([1, 1, 3])
    logits = form == "object" and name in CROSSENTROPIES and draw.chance(0.6)
    if form == "object":
        arguments = draw.some({**options, "reduction": ["sum", "mean"]}, 0.3)
        arguments |= LOSS_NEEDS.get(name, {})
        arguments |= {"from_logits": True} if logits else {}
        return Make(f"losses.{name}", arguments), kind, logits, units
    loss = {
        "string": name,
        "alias": snake(name),
        "function": Name(f"losses.{snake(name)}"),
        "class": Name(f"losses.{name}"),
    }[form]
    return loss, kind, False, units


def draw_metric(draw: Draw, kind: str, logits: bool, shape: tuple[int, ...]) -> Any:
    """A metric in one of its forms, for outputs of a shape.

    F-scores and R2 take one vector per sample only; of one number the cosine is its sign, a step;
    BinaryIoU has one weight per number in Keras.
    """
    unfit = ["F1Score", "FBetaScore", "R2Score"] if len(shape) > 1 else []
    unfit += ["CosineSimilarity"] if shape[-1] == 1 else ["BinaryIoU"]
    name = draw.pick([metric for metric in draw.known(METRICS[kind]) if metric not in unfit])
    if not name[0].isupper():
        return name
    form = draw.pick([*["object"] * 6, *["string"] * 3, "class"])
    of_logits = logits and (name.endswith("Crossentropy") or name == "AUC")
    if name in METRIC_NEEDS or of_logits:
        form = "object"
    if form == "string":
        return draw.pick([name, snake(name)])
    if form == "class":
        return Name(f"metrics.{name}")
    arguments = {**METRIC_NEEDS.get(name, {}), **draw.some(METRIC_OPTIONS.get(name, {}), 0.4)}
    if of_logits:
        arguments["from_logits"] = True
    return Make(f"metrics.{name}", arguments)


def draw_optimizer(draw: Draw, has_l1: bool) -> Any:
    """An optimizer in one of its forms; `has_l1`: whether weights should stay away from 0, where
    JAX has the derivative 1 of |w| and of leaky_relu(w), others 0 and the slope, and where maxima
    of outputs are equal."""
    if draw.chance(0.06):
        return draw.pick(["sgd", "adam", "rmsprop", "Adagrad", "adamw", "Nadam"])
    name, arguments = draw.turn(OPTIMIZERS)
    arguments = dict(arguments)
    if has_l1:
        arguments.pop("l1_regularization_strength", None)
    if draw.chance(0.3):
        arguments |= draw.turn(CLIPPING)
    if draw.chance(0.2):
        arguments["weight_decay"] = 0.05
    if draw.chance(0.25):
        schedule = draw.turn(SCHEDULES)
        if name != "Ftrl":  # which divides by the rate of other steps, and explodes
            arguments["learning_rate"] = schedule
    return Make(f"optimizers.{name}", arguments)


def head_activation(draw: Draw, kind: str, logits: bool) -> str | None:
    """The activation that gives outputs the loss is made for."""
    if kind == "positive":
        return draw.pick(["softplus", "exponential", "sigmoid"])
    if kind in ("values", "signs") or logits:
        return draw.pick([None, None, "tanh", "relu"]) if kind == "values" else None
    return "sigmoid" if kind == "binary" else "softmax"


def make_targets(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Targets for outputs of a shape. Values keep away from 0, where percentages explode."""
    if kind == "values":
        return (rng.choice([-1, 1], shape) * rng.uniform(0.3, 1.5, shape)).astype("float32")
    if kind == "positive":
        return rng.uniform(0.2, 3.0, shape).astype("float32")
    if kind == "signs":
        return rng.choice([-1, 1], shape).astype("float32")
    if kind == "binary":
        return rng.integers(0, 2, shape).astype(rng.choice(["float32", "int32", "bool"]))
    if kind == "probabilities":
        weights = rng.uniform(0.1, 1.0, shape)
        return (weights / weights.sum(-1, keepdims=True)).astype("float32")
    classes = rng.integers(0, shape[-1], shape[:-1])
    if kind == "sparse":
        classes = classes.astype(rng.choice(["int32", "int64", "uint8"]))
        return classes[..., None] if rng.random() < 0.3 else classes
    return np.eye(shape[-1], dtype="float32")[classes]
