"""Rows of the optimizer update: Keras' formulas."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from op_table import Case, normal, row

SHAPES = [(1,), (15,), (17, 3), (0,), (5, 33)]


def f32(value: float) -> float:
    return float(np.float32(value))


def sgd(lr, w, g, slots, attrs: Mapping[str, Any]):
    momentum = f32(attrs.get("momentum", 0))
    if not momentum:
        return w - lr * g, []
    v = momentum * slots[0] - lr * g
    return w + (momentum * v - lr * g if attrs.get("nesterov") else v), [v]


def adam(lr, t, w, g, slots, attrs: Mapping[str, Any]):
    beta1, beta2 = attrs.get("beta1", 0.9), attrs.get("beta2", 0.999)
    alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    m = slots[0] + (g - slots[0]) * (1 - beta1)
    v = slots[1] + (g * g - slots[1]) * (1 - beta2)
    kept = [m, v, np.maximum(slots[2], v)] if attrs.get("amsgrad") else [m, v]
    return w - alpha * m / (np.sqrt(kept[-1]) + f32(attrs.get("epsilon", 1e-7))), kept


def update(attrs: Mapping[str, Any], lr, t, *operands) -> tuple[np.ndarray, ...]:
    """(weights..., gradients..., each slot of all...) -> (weights..., each slot of all...)."""
    n = attrs["count"]
    groups = [operands[i : i + n] for i in range(0, len(operands), n)]
    weights, gradients, slots = groups[0], groups[1], groups[2:]
    new = []
    for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
        w = w - w * f32((attrs.get("decay") or [0] * n)[i]) * lr
        own = [slot[i] for slot in slots]
        step = (
            sgd(lr, w, g, own, attrs) if attrs["kind"] == "sgd" else adam(lr, t, w, g, own, attrs)
        )
        new.append((step[0], *step[1]))
    return tuple(new[i][k] for k in range(1 + len(slots)) for i in range(n))


def num_slots(attrs: Mapping[str, Any]) -> int:
    if attrs["kind"] == "adam":
        return 3 if attrs.get("amsgrad") else 2
    return 1 if attrs.get("momentum") else 0


RULES: Sequence[dict[str, Any]] = [
    {"kind": "sgd"},
    {"kind": "sgd", "decay": [0.1, 0, 0.2, 0, 0.1]},
    {"kind": "sgd", "momentum": 0.9},
    {"kind": "sgd", "momentum": 0.8, "nesterov": True, "decay": [0.1] * 5},
    {"kind": "adam"},
    {"kind": "adam", "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3},
    {"kind": "adam", "amsgrad": True},
    {"kind": "adam", "decay": [0.004, 0, 0.004, 0, 0.004]},
]


@row("update")
def update_row(rng: np.random.Generator) -> Iterator[Case]:
    for rule in RULES:
        for t in (1, 2, 1000):
            attrs = rule | {"count": len(SHAPES)}
            weights = [normal(rng, *shape) for shape in SHAPES]
            gradients = [normal(rng, *shape) for shape in SHAPES]
            slots = [np.abs(normal(rng, *s)) for _ in range(num_slots(attrs)) for s in SHAPES]
            yield Case(
                "update",
                [np.array(0.05, np.float32), np.array(t), *weights, *gradients, *slots],
                lambda *operands, attrs=attrs: update(attrs, *operands),
                attrs,
            )
