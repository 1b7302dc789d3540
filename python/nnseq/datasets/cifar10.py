"""CIFAR-10: small colour images of 10 classes."""

import os
from typing import Any

import numpy as np

from nnseq.datasets.cifar import load_batches
from nnseq.datasets.origins import fetch


def load_data() -> Any:
    """50,000 colour images to train with and 10,000 to test with.

    Returns:
        (x_train, y_train), (x_test, y_test): uint8 images (N, 32, 32, 3), uint8 classes (N, 1).
    """
    folder = os.path.join(fetch("cifar-10-batches-py-target", extract=True), "cifar-10-batches-py")
    parts = [[f"data_batch_{k}" for k in range(1, 6)], ["test_batch"]]
    train, test = (
        load_batches([os.path.join(folder, name) for name in names], "labels") for names in parts
    )
    return (train[0], train[1].astype(np.uint8)), (test[0], test[1].astype(np.uint8))
