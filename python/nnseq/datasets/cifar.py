"""What CIFAR-10 and CIFAR-100 share: the files of the University of Toronto."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnseq.datasets.origins import ArrayUnpickler


def load_batches(paths: Sequence[str], label_key: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images (N, 32, 32, 3) and classes (N, 1) of pickled batches of Python 2."""
    images, labels = [], []
    for path in paths:
        with open(path, "rb") as file:
            batch = ArrayUnpickler(file, encoding="bytes").load()
        images.append(np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32))
        labels.append(np.asarray(batch[label_key.encode()]))
    return np.concatenate(images).transpose(0, 2, 3, 1), np.concatenate(labels)[:, np.newaxis]
