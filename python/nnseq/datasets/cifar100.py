"""CIFAR-100: small colour images of 100 classes in 20 groups."""

import os
from typing import Any

from nnseq.datasets.cifar import load_batches
from nnseq.datasets.origins import fetch


def load_data(label_mode: str = "fine") -> Any:
    """50,000 colour images to train with and 10,000 to test with.

    Args:
        label_mode: "fine" for the 100 classes, "coarse" for the 20 groups.

    Returns:
        (x_train, y_train), (x_test, y_test): uint8 images (N, 32, 32, 3), int64 classes (N, 1).
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(
            f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.'
        )
    folder = os.path.join(fetch("cifar-100-python-target", extract=True), "cifar-100-python")
    train, test = (
        load_batches([os.path.join(folder, name)], f"{label_mode}_labels")
        for name in ("train", "test")
    )
    return train, test
