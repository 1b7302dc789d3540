"""California housing: prices of houses in 1990."""

from typing import Any

from nnseq.datasets.origins import fetch, read_npz
from nnseq.datasets.shuffled import check_test_split, split_housing


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Any:
    """20,640 districts with 8 attributes, and the median price of a house there in $.

    Args:
        version: "large", or "small" for 600 of the districts.

    Returns:
        (x_train, y_train), (x_test, y_test): float32 (N, 8) and (N,).
    """
    check_test_split(test_split)
    if version not in ("small", "large"):
        raise ValueError(
            f"Argument `version` must be one of 'small', 'large'. Received: version={version}"
        )
    arrays = read_npz(fetch("california_housing.npz", path))
    count = 600 if version == "small" else None
    return split_housing(arrays["x"][:count], arrays["y"][:count], test_split, seed)
