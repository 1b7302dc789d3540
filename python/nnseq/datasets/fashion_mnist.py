"""Fashion-MNIST: articles of clothing."""

import gzip
import os
from typing import Any

import numpy as np

from nnseq.datasets.origins import fetch


def load_data() -> Any:
    """60,000 images of 10 kinds of clothing to train with and 10,000 to test with.

    Returns:
        (x_train, y_train), (x_test, y_test): uint8 images (N, 28, 28), uint8 classes (N,).
    """
    train, test = ((_part(part, "images-idx3"), _part(part, "labels-idx1")) for part in _PARTS)
    return train, test


_PARTS = ("train", "t10k")


def _part(part: str, kind: str) -> np.ndarray:
    folder = os.path.join("datasets", "fashion-mnist")
    return read_idx(fetch(f"{part}-{kind}-ubyte.gz", cache_subdir=folder))


def read_idx(path: str) -> np.ndarray:
    """The bytes in a gzipped IDX file: 4 bytes with the rank last, the sizes, the elements."""
    with gzip.open(path) as file:
        data = file.read()
    sizes = np.frombuffer(data, ">i4", data[3], offset=4)
    return np.frombuffer(bytearray(data), np.uint8, offset=4 + 4 * data[3]).reshape(sizes)
