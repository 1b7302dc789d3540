"""What counts as equal."""

from typing import Any

import numpy as np

# Bounds of `assert_near`.
FORWARD = 1e-5
EVALUATE = 1e-5
GRADIENTS = 1e-4
TRAINED = 1e-4  # the issue asks for 1e-3


class Difference(AssertionError):
    """Two values that should be near are not."""


def assert_near(got: Any, want: Any, bound: float, what: str, slack: Any = 0.0) -> None:
    """|got - want| <= bound * max(1, largest |want|) + slack, and finite."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        raise Difference(f"{what}: shape {got.shape}, Keras {want.shape}")
    if not want.size:
        return
    got, want = got.astype(np.float64), want.astype(np.float64)
    if not np.isfinite(want).all():
        raise Difference(f"{what}: Keras has values that are not finite, which compare nothing")
    scale = max(1.0, np.abs(want).max())
    off = np.abs(got - want).max()
    if not off <= bound * scale + slack:
        raise Difference(f"{what}: off by {off:.3g} (scale {scale:.3g})\n{got}\nKeras:\n{want}")


def assert_equal(got: Any, want: Any, what: str) -> None:
    if got != want:
        raise Difference(f"{what}: {got}\nKeras: {want}")
