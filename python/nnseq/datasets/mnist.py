"""MNIST: handwritten digits."""

from typing import Any

from nnseq.datasets.origins import fetch, read_npz


def load_data(path: str = "mnist.npz") -> Any:
    """60,000 images of digits to train with and 10,000 to test with.

    Returns:
        (x_train, y_train), (x_test, y_test): uint8 images (N, 28, 28), uint8 classes (N,).
    """
    arrays = read_npz(fetch("mnist.npz", path))
    train, test = ((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))
    return train, test
