"""Data sets of files, of which each folder is a class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnseq import ops
from nnseq.ops.image.axes import check_choice
from nnseq.ops.image.resizing import RESIZE_INTERPOLATIONS
from nnseq.utils.datasets import Dataset, batched, seed_of
from nnseq.utils.images import img_to_array, load_img
from nnseq.utils.messages import print_msg

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_COLORS = {"rgb": 3, "rgba": 4, "grayscale": 1}


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of images of one size, or (images, labels).

    Args:
        directory: holds a folder of images for each class; any folders without inferred labels.
        labels: "inferred" from the folders, None, or a class for each file in order of the paths.
        label_mode: "int": int32 (N,); "binary": float32 (N, 1); "categorical": one-hot (N, C);
            None for no labels.
        class_names: the folders in the order of their classes; by default that of the alphabet.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: None for single images.
        image_size: (height, width) to which images are resized.
        shuffle: whether the files are shuffled, and each pass is in another order.
        seed: decides these orders.
        validation_split: this part of the files, the last ones, is for validation.
        subset: "training", "validation", or "both" for a list of the two.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio, pad_to_aspect_ratio, data_format: see `ops.image.resize`.
        format: accepted; a Dataset is returned in any case.
        verbose: whether the number of files is printed.

    Returns:
        A Dataset with `class_names` and `file_paths`.

    Raises:
        ValueError: for arguments that do not fit, and if there is no image.
    """
    if color_mode not in _COLORS:
        raise ValueError(
            f"`color_mode` must be one of {set(_COLORS)}. Received: color_mode={color_mode}"
        )
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise ValueError(
            "Invalid `image_size` value. Expected a tuple of 2 integers. "
            f"Received: image_size={image_size}"
        )
    interpolation = interpolation.lower()
    check_choice("interpolation", interpolation, RESIZE_INTERPOLATIONS)

    def load(path: str) -> np.ndarray:
        image = img_to_array(load_img(path, color_mode), data_format, "uint8")
        return ops.image.resize(
            image,
            size,
            interpolation,
            crop_to_aspect_ratio=crop_to_aspect_ratio,
            pad_to_aspect_ratio=pad_to_aspect_ratio,
            data_format=data_format,
        ).numpy()

    return _from_directory(
        load, "images", _IMAGES, directory, labels, label_mode, class_names, batch_size, shuffle,
        seed, validation_split, subset, follow_links, format, verbose,
    )  # fmt: skip


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the texts in `.txt` files, object arrays (N,) of str, or (texts, labels).

    Args:
        max_length: of a text, in characters; the rest is cut off.

    The others are those of `image_dataset_from_directory`.
    """

    def load(path: str) -> np.ndarray:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return np.array(file.read(max_length), object)

    return _from_directory(
        load, "text files", (".txt",), directory, labels, label_mode, class_names, batch_size,
        shuffle, seed, validation_split, subset, follow_links, format, verbose,
    )  # fmt: skip


def _from_directory(
    load: Callable[[str], np.ndarray],
    what: str,
    endings: tuple[str, ...],
    directory: Any,
    labels: Any,
    label_mode: str | None,
    class_names: Sequence[str] | None,
    batch_size: int | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    follow_links: bool,
    format: str,
    verbose: bool,
) -> Any:
    _check_labels(labels, label_mode, class_names)
    _check_split(validation_split, subset, shuffle, seed)
    if format not in ("tf", "grain"):
        raise ValueError(f'`format` should be either "tf" or "grain". Received: format={format}')
    if labels is None or label_mode is None:
        labels = label_mode = None
    paths, classes, names = _indexed(os.fspath(directory), labels, endings, class_names,
                                     follow_links)  # fmt: skip
    if verbose:
        kinds = "" if names is None else f" belonging to {len(names)} classes"
        print_msg(f"Found {len(paths)} files{kinds}.")
    if label_mode == "binary" and len(names or ()) != 2:
        raise ValueError(
            'When passing `label_mode="binary"`, there must be exactly 2 class_names. '
            f"Received: class_names={names}"
        )
    seed = seed_of(True, seed)
    if shuffle:
        order = np.arange(len(paths))
        np.random.RandomState(seed).shuffle(order)
        paths, classes = [paths[i] for i in order], classes[order]

    def dataset(rows: slice, shuffled: bool) -> Dataset:
        chosen, targets = paths[rows], _encoded(classes[rows], label_mode, len(names or ()))
        if not chosen:
            raise ValueError(f"No {what} found in directory {directory}. Allowed: {endings}")

        def make(numbers: np.ndarray) -> Any:
            x = np.stack([load(chosen[i]) for i in numbers])
            return x if label_mode is None else (x, targets[numbers])

        return batched(
            make, len(chosen), batch_size, seed if shuffled else None,
            class_names=names, file_paths=chosen,
        )  # fmt: skip

    at = len(paths) - int((validation_split or 0) * len(paths))
    parts = {"training": slice(0, at), "validation": slice(at, None)}
    if verbose and subset is not None:
        for part in parts if subset == "both" else (subset,):
            print_msg(f"Using {len(paths[parts[part]])} files for {part}.")
    if subset == "both":
        return [dataset(parts["training"], shuffle), dataset(parts["validation"], False)]
    return dataset(slice(None) if subset is None else parts[subset], shuffle)


def _indexed(
    directory: str,
    labels: Any,
    endings: tuple[str, ...],
    class_names: Sequence[str] | None,
    follow_links: bool,
) -> tuple[list[str], np.ndarray, list[str] | None]:
    """The paths, the class of each, and the names of the classes."""
    inferred = isinstance(labels, str)
    folders = [""]
    if inferred:
        folders = [
            name
            for name in sorted(os.listdir(directory))
            if not name.startswith(".") and os.path.isdir(os.path.join(directory, name))
        ]
        if class_names is not None:
            if not set(class_names) <= set(folders):
                raise ValueError(
                    "The `class_names` passed did not match the names of the subdirectories of "
                    f"the target directory. Expected: {folders} (or a subset of it), but "
                    f"received: class_names={class_names}"
                )
            folders = list(class_names)
    paths: list[str] = []
    classes: list[int] = []
    for number, folder in enumerate(folders):
        walk = os.walk(os.path.join(directory, folder), followlinks=follow_links)
        for root, _, files in sorted(walk, key=lambda entry: entry[0]):
            found = [name for name in sorted(files) if name.lower().endswith(endings)]
            paths += [os.path.join(root, name) for name in found]
            classes += [number] * len(found)
    if labels is None:
        return paths, np.zeros(len(paths), "int32"), None
    if inferred:
        return paths, np.array(classes, "int32"), folders
    if len(labels) != len(paths):
        raise ValueError(
            "Expected the lengths of `labels` to match the number of files in the target "
            f"directory. len(labels) is {len(labels)} while we found {len(paths)} files in "
            f"directory {directory}."
        )
    return paths, np.array(labels, "int32"), [str(label) for label in sorted(set(labels))]


def _encoded(classes: np.ndarray, label_mode: str | None, count: int) -> np.ndarray:
    if label_mode == "binary":
        return classes.astype("float32")[:, np.newaxis]
    if label_mode == "categorical":
        return (classes[:, np.newaxis] == np.arange(count)).astype("float32")
    return classes


def _check_labels(labels: Any, label_mode: Any, class_names: Any) -> None:
    if labels is not None and not isinstance(labels, list | tuple) and labels != "inferred":
        raise ValueError(
            "`labels` argument should be a list/tuple of integer labels, of the same size as the "
            f"number of files in the target directory, 'inferred' or None. Received: {labels}"
        )
    if class_names and labels != "inferred":
        raise ValueError(
            'You can only pass `class_names` if `labels="inferred"`. Received: '
            f"labels={labels}, and class_names={class_names}"
        )
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(
            '`label_mode` argument must be one of "int", "categorical", "binary", or None. '
            f"Received: label_mode={label_mode}"
        )


def _check_split(split: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    if split and not 0 < split < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, received: {split}")
    if bool(split) != bool(subset):
        raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(
            f'`subset` must be either "training", "validation" or "both", received: {subset}'
        )
    if split and shuffle and seed is None:
        raise ValueError(
            "If using `validation_split` and shuffling the data, you must provide a `seed` "
            "argument, to make sure that there is no overlap between the training and validation "
            "subset."
        )
