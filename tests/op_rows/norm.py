"""Rows of batch_norm, layer_norm and their gradients."""

from collections.abc import Iterator

import numpy as np
from op_table import Case, normal, row

EPSILON = float(np.float32(1e-3))


def moments(x: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    rows = x.reshape(-1, x.shape[-1]) if mask is None else x[mask]
    if not len(rows):
        return np.zeros(x.shape[-1]), np.zeros(x.shape[-1])
    return rows.mean(0), rows.var(0)


def batch_norm(x, gamma, beta, mask=None):
    mean, var = moments(x, mask)
    return (x - mean) / np.sqrt(var + EPSILON) * gamma + beta, mean, var


def layer_norm(x, gamma, beta):
    mean = x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt(x.var(-1, keepdims=True) + EPSILON)
    return (x - mean) * rstd * gamma + beta, mean[..., 0], rstd[..., 0]


def batch_norm_grad(x, gamma, mean, var, dy, mask=None):
    """Masked rows do not enter the statistics; their own dx is dy * gamma * rstd."""
    rstd = 1 / np.sqrt(var + EPSILON)
    normed = (x - mean) * rstd
    rows = np.ones(x.shape[:-1], bool) if mask is None else mask
    count, axes = max(1, rows.sum()), tuple(range(x.ndim - 1))
    dgamma, dbeta = (dy * normed).sum(axes), dy.sum(axes)
    inside = dy - np.where(rows[..., None], (dbeta + normed * dgamma) / count, 0)
    return inside * gamma * rstd, dgamma, dbeta


def layer_norm_grad(x, gamma, mean, rstd, dy):
    normed = (x - mean[..., None]) * rstd[..., None]
    scaled = dy * gamma
    inner = scaled - scaled.mean(-1, keepdims=True)
    inner -= normed * (scaled * normed).mean(-1, keepdims=True)
    axes = tuple(range(x.ndim - 1))
    return inner * rstd[..., None], (dy * normed).sum(axes), dy.sum(axes)


SHAPES = [(4, 3), (17, 16), (2, 1), (130, 33), (2, 3, 5), (2, 5, 4, 17)]


def affine(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [normal(rng, n) + np.float32(1.5), normal(rng, n)]


@row("batch_norm")
def batch_norm_row(rng: np.random.Generator) -> Iterator[Case]:
    attrs = {"epsilon": EPSILON}
    for shape in SHAPES:
        inputs = [2 * normal(rng, *shape) + 3, *affine(rng, shape[-1])]
        mask = rng.random(shape[:-1]) < 0.7
        mask.flat[:2] = True
        yield Case("batch_norm", inputs, batch_norm, attrs, wrt=[0, 1, 2], atol=3e-6)
        yield Case("batch_norm", [*inputs, mask], batch_norm, attrs, wrt=[0, 1, 2], atol=3e-6)
    far = [normal(rng, 70, 5) + 1000, *affine(rng, 5)]  # the mean is far from zero
    yield Case("batch_norm", far, batch_norm, attrs, rtol=1e-5, atol=1e-4)
    none = np.zeros(70, bool)
    yield Case("batch_norm", [*far, none], batch_norm, attrs)


@row("layer_norm")
def layer_norm_row(rng: np.random.Generator) -> Iterator[Case]:
    attrs = {"epsilon": EPSILON}
    for shape in [*SHAPES, (5, 15), (3, 200), (0, 4)]:
        inputs = [2 * normal(rng, *shape) + 3, *affine(rng, shape[-1])]
        yield Case("layer_norm", inputs, layer_norm, attrs, wrt=[0, 1, 2], atol=3e-6)


@row("batch_norm_grad")
def batch_norm_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        x, gamma = 2 * normal(rng, *shape) + 3, affine(rng, shape[-1])[0]
        mask = rng.random(shape[:-1]) < 0.7
        mask.flat[:2] = True
        for masks in ([], [mask]):
            mean, var = (v.astype(np.float32) for v in moments(x.astype(float), *(masks or [None])))
            yield Case(
                "batch_norm_grad",
                [x, gamma, mean, var, normal(rng, *shape), *masks],
                batch_norm_grad,
                {"epsilon": EPSILON},
                atol=3e-6,
            )


@row("layer_norm_grad")
def layer_norm_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        x, (gamma, beta) = 2 * normal(rng, *shape) + 3, affine(rng, shape[-1])
        mean, rstd = (v.astype(np.float32) for v in layer_norm(x.astype(float), gamma, beta)[1:])
        yield Case(
            "layer_norm_grad",
            [x, gamma, mean, rstd, normal(rng, *shape)],
            layer_norm_grad,
            {"epsilon": EPSILON},
            atol=3e-6,
        )
