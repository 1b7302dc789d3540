"""What the example programs share: their options, handwritten digits, and pictures of images."""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def run(main, doc):
    """Calls main(output, seed) with the options of the command line; the folder is made."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder of the pictures")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    main(options.output, options.seed)


def handwritten_digits(seed):
    """Returns x_train (1347, 8, 8, 1) in [0, 1], x_test (450, ...), y_train in 0..9, y_test."""
    digits = load_digits()
    images = (digits.images[..., np.newaxis] / 16.0).astype("float32")
    return train_test_split(
        images, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )


def draw_images(rows, path, titles=()):
    """Draws rows of images (8, 8) or (8, 8, 1) in [0, 1].

    `titles` has a list for each row: titles of its first images. A single one may be long.
    """
    rows = [np.reshape(row, (-1, 8, 8)) for row in rows]
    columns = max(map(len, rows))
    figure = Figure(figsize=(0.7 * columns, len(rows) * (0.9 if titles else 0.7)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(len(rows), squeeze=False).flat
    for row, axis in enumerate(axes):
        strip = np.full((8, 10 * columns - 2), np.nan)  # which stays white
        for column, image in enumerate(rows[row]):
            strip[:, 10 * column : 10 * column + 8] = image
        axis.imshow(strip, cmap="gray_r", vmin=0, vmax=1)
        axis.axis("off")
        for column, title in enumerate(titles[row] if titles else ()):
            axis.text(10 * column - 0.5, -1, title, fontsize=9)
    figure.savefig(path, dpi=100)
