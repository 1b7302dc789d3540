"""Rows of softmax, log_softmax, softmax_cross_entropy and their gradients."""

from collections.abc import Iterator

import numpy as np
from op_table import Case, normal, row

SHAPES = [(1,), (5,), (3, 1), (4, 15), (2, 16), (3, 17), (2, 3, 33), (2, 200), (0, 4)]


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(log_softmax(x))


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.asarray(labels[..., None] == np.arange(classes), float)


def cross_entropy(x: np.ndarray, target: np.ndarray) -> np.ndarray:
    t = target if target.dtype.kind == "f" else one_hot(target, x.shape[-1])
    return -(t * log_softmax(x)).sum(-1)


def cross_entropy_grad(x: np.ndarray, target: np.ndarray, dloss: np.ndarray) -> np.ndarray:
    t = target if target.dtype.kind == "f" else one_hot(target, x.shape[-1])
    return dloss[..., None] * (softmax(x) * t.sum(-1, keepdims=True) - t)


@row("softmax")
def softmax_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        x = 3 * normal(rng, *shape)
        yield Case("softmax", [x], softmax, wrt=[0], second=shape == (3, 17))
    extreme = np.array([[1000, 0, -1000], [-1e30, -1e30, -1e30], [88, 89, 90]], np.float32)
    yield Case("softmax", [extreme], softmax)
    yield Case("softmax", [np.array([[-np.inf, 0, 1]], np.float32)], softmax)


@row("log_softmax")
def log_softmax_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        x = 3 * normal(rng, *shape)
        yield Case("log_softmax", [x], log_softmax, wrt=[0], second=shape == (3, 17))
    extreme = np.array([[1000, 0, -1000], [88, 89, 90]], np.float32)
    yield Case("log_softmax", [extreme], log_softmax)


@row("softmax_grad")
def softmax_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        y = softmax(normal(rng, *shape)).astype(np.float32)
        yield Case(
            "softmax_grad",
            [y, normal(rng, *shape)],
            lambda y, dy: y * (dy - (y * dy).sum(-1, keepdims=True)),
            wrt=[0, 1],
            second=shape == (3, 17),
        )


@row("log_softmax_grad")
def log_softmax_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        y = log_softmax(normal(rng, *shape)).astype(np.float32)
        yield Case(
            "log_softmax_grad",
            [y, normal(rng, *shape)],
            lambda y, dy: dy - np.exp(y) * dy.sum(-1, keepdims=True),
            wrt=[0, 1],
            second=shape == (3, 17),
        )


def targets(rng: np.random.Generator, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    labels = rng.integers(0, shape[-1], shape[:-1])
    yield labels.astype(np.int32)
    yield labels.astype(np.int64)
    yield softmax(normal(rng, *shape)).astype(np.float32)
    yield np.abs(normal(rng, *shape))  # the sum need not be 1


@row("softmax_cross_entropy")
def cross_entropy_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        for target in targets(rng, shape):
            yield Case(
                "softmax_cross_entropy",
                [3 * normal(rng, *shape), target],
                cross_entropy,
                wrt=[0] if target.dtype.kind == "i" else [0, 1],
            )
    extreme = np.array([[100, -100], [-1000, 1000]], np.float32)
    yield Case(
        "softmax_cross_entropy", [extreme, np.array([1, 1], np.int32)], cross_entropy, wrt=[0]
    )


@row("softmax_cross_entropy_grad")
def cross_entropy_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        for target in targets(rng, shape):
            yield Case(
                "softmax_cross_entropy_grad",
                [3 * normal(rng, *shape), target, normal(rng, *shape[:-1])],
                cross_entropy_grad,
            )
