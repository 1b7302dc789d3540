"""Turns what the user passes as x, y and sample_weight into NumPy arrays, without copying them."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from nnseq.engine.nest import flatten, map_structure

_REFUSED = {
    "c": "complex numbers",
    "O": "Python objects",
    "U": "strings",
    "S": "strings",
    "M": "dates",
    "m": "time differences",
    "V": "records",
}


def is_array(value: Any) -> bool:
    """Whether this is one array: of NumPy, nnseq, pandas, torch and so on."""
    return isinstance(value, np.ndarray | np.generic) or (
        hasattr(value, "__array__") and hasattr(value, "shape")
    )


def _is_numbers(value: Any) -> bool:
    """Whether this is a (nested) list of numbers rather than a list of arrays."""
    if isinstance(value, list | tuple):
        return len(value) == 0 or all(_is_numbers(element) for element in value)
    return isinstance(value, bool | int | float | np.number | np.bool_)


def is_data(value: Any) -> bool:
    """Whether this is an array, a list of numbers, or a structure of those (not a generator)."""
    if isinstance(value, list | tuple | Mapping):
        return all(leaf is None or is_array(leaf) or _is_numbers(leaf) for leaf in flatten(value))
    return is_array(value)


def as_numpy(value: Any) -> np.ndarray:
    """`np.asarray`, but columns of different types of numbers, as in pandas, are float64; of a
    tensor of PyTorch the values, wherever they are."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        if str(getattr(value, "dtype", "")) == "torch.bfloat16":  # which NumPy does not have
            value = value.float()
    array = np.asarray(value)
    if array.dtype.kind == "O" and hasattr(value, "to_numpy") and hasattr(value, "dtypes"):
        kinds = {dtype.kind for dtype in np.ravel(np.asarray(value.dtypes, dtype=object))}
        if kinds <= set("biuf"):
            return value.to_numpy(dtype="float64", na_value=np.nan)
    return array


def to_array(name: str, value: Any) -> np.ndarray:
    """Returns `value` as an array of numbers with a first axis of samples.

    Raises:
        TypeError: complex numbers, objects, strings, masked arrays; names the argument.
        ValueError: a ragged list, or an array without an axis.
    """
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise TypeError(
                f"{name} is a masked array with masked elements, which would be used as if they "
                "were not masked; fill them in with .filled(value)."
            )
        value = value.data
    try:
        array = as_numpy(value)
    except ValueError as error:
        raise ValueError(f"{name} cannot become an array: {error}") from None
    if array.dtype.kind in _REFUSED or array.dtype.itemsize > 8:
        what = _REFUSED.get(array.dtype.kind, "numbers")
        raise TypeError(
            f"{name} of dtype {array.dtype} and shape {array.shape} holds {what}; convert it to "
            "float32 or int32 first."
        )
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; expected an array with one row per sample.")
    return array


def to_arrays(name: str, data: Any) -> Any:
    """`to_array` of everything in a structure; a list of numbers is one array, None stays."""
    if data is None:
        return None
    if is_array(data) or (isinstance(data, list | tuple) and _is_numbers(data)):
        return to_array(name, data)
    if isinstance(data, Mapping):
        return {key: to_arrays(f"{name}[{key!r}]", value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        rows = [to_arrays(f"{name}[{i}]", value) for i, value in enumerate(data)]
        return tuple(rows) if isinstance(data, tuple) else rows
    raise TypeError(
        f"{name} has the type {type(data).__name__}, which is not data. Expected arrays, lists of "
        "numbers, (lists or dicts of) these, a PyDataset, or something that yields batches."
    )


def check_same_length(**data: Any) -> int:
    """Returns the number of rows of all arrays, which must be the same."""
    sizes = {
        name: [array.shape[0] for array in flatten(value) if array is not None]
        for name, value in data.items()
    }
    found = {size for group in sizes.values() for size in group}
    if len(found) > 1:
        text = "\n".join(
            f"'{name}' sizes: {', '.join(map(str, group))}"
            for name, group in sizes.items()
            if group
        )
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of "
            f"samples.{text}"
        )
    if not found:
        raise ValueError("There are no arrays in the data.")
    return found.pop()


def class_weights(y: Any, class_weight: Mapping[int, float]) -> np.ndarray:
    """The weight of the class of each target: of integer classes (N, ...) or (N, ..., 1), or of
    one-hot rows (N, ..., C). Classes that are not named count 1.

    >>> class_weights(np.array([0, 1, 2]), {1: 5.0})
    array([1., 5., 1.], dtype=float32)
    """
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            "`class_weight` must be a dict of class numbers and weights. Received: "
            f"{class_weight!r} (of type {type(class_weight).__name__})"
        )
    if not isinstance(y, np.ndarray):
        raise ValueError("`class_weight` is only supported for models with a single output.")
    if y.ndim > 1 and y.shape[-1] > 1:
        classes = np.argmax(y, axis=-1)
    else:
        classes = np.round(y[..., 0] if y.ndim > 1 else y).astype("int64")
    weights = np.ones(classes.shape, np.float32)
    for name, weight in class_weight.items():
        if isinstance(name, str):
            raise ValueError(f"`class_weight` is given by class number; received the key {name!r}.")
        weights[classes == int(name)] = weight
    return weights


def split_validation(split: float, **data: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns (training, validation): validation takes the last rows, before any shuffling."""
    if not isinstance(split, Real) or not 0 < split < 1:
        raise ValueError(
            f"`validation_split` must be strictly between 0 and 1. Received: {split!r}"
        )
    for name, value in data.items():
        if value is not None and not is_data(value):
            raise ValueError(
                "Argument `validation_split` is only supported for arrays. Found incompatible "
                f"type of {name}: {type(value).__name__}"
            )
    arrays = {name: to_arrays(name, value) for name, value in data.items()}
    rows = check_same_length(**arrays)
    at = math.floor(rows * (1.0 - split))
    if at in (0, rows):
        raise ValueError(
            f"Training data contains {rows} samples, which is not sufficient to split it into a "
            f"validation and training set as specified by `validation_split={split}`. Either "
            "provide more data, or a different value for the `validation_split` argument."
        )

    def rows_of(value: Any, rows: slice) -> Any:
        return map_structure(lambda a: None if a is None else a[rows], value)

    return (
        {name: rows_of(value, slice(0, at)) for name, value in arrays.items()},
        {name: rows_of(value, slice(at, None)) for name, value in arrays.items()},
    )
