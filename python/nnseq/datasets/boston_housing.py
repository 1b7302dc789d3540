"""Boston housing: prices of houses in the 1970s."""

from typing import Any

from nnseq.datasets.origins import fetch, read_npz
from nnseq.datasets.shuffled import check_test_split, split_housing


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Any:
    """506 places in Boston with 13 attributes, and the median price of a house there in k$.

    One attribute assumes that prices depend on the races of the neighbours; use
    `california_housing` for anything but the discussion of that.

    Returns:
        (x_train, y_train), (x_test, y_test): float64 (N, 13) and (N,).
    """
    check_test_split(test_split)
    arrays = read_npz(fetch("boston_housing.npz", path))
    return split_housing(arrays["x"], arrays["y"], test_split, seed)
