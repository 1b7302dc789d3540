"""What several data sets share: rows in the random order of Keras, the last ones to test with."""

from __future__ import annotations

from typing import Any

import numpy as np


def shuffled_together(random: Any, x: np.ndarray, y: np.ndarray) -> Any:
    """The rows of both in one new order, drawn from a RandomState."""
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def split_housing(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> Any:
    """(x_train, y_train), (x_test, y_test) of shuffled rows."""
    random = np.random.RandomState(seed)
    x, y = shuffled_together(random, x, y)
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])


def check_test_split(test_split: float) -> None:
    if not 0 <= test_split < 1:
        raise ValueError(
            f"Invalid `test_split` argument: {test_split}. It must be between 0 and 1 (exclusive "
            "of 1)."
        )
