"""Saving and loading models and weights.

What only files need (json, zipfile, pathlib, h5py) is imported when a file is touched.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnseq.engine.registry import (
    deserialize_keras_object,
    serialize_keras_object,
    sharing_objects,
)
from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.h5 import read_state, write_state
from nnseq.saving.minimal import minimal
from nnseq.saving.state_tree import walk

if TYPE_CHECKING:
    from pathlib import Path

KERAS_VERSION = "3.15.1"  # whose format is written


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None
) -> None:
    """Writes a model into a `.keras` file: configuration, weights, and, if it is compiled, what
    compile() was given and the state of the optimizer. Keras 3 opens it too.

    The file appears whole or not at all; what was there before stays if writing fails.

    Args:
        filepath: a path that ends in ".keras".
        overwrite: False refuses to replace a file.
        zipped: True or None; folders are not written.

    Raises:
        ValueError: for another ending.
        FileExistsError: if the file is there and `overwrite` is False.
        TypeError, NotImplementedError: for a layer, loss or metric that has no configuration.

    >>> import tempfile
    >>> from nnseq import Input, Sequential, layers
    >>> model = Sequential([Input((2,)), layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, folder + "/m.keras")
    ...     again = load_model(folder + "/m.keras")
    >>> bool((again.get_weights()[0] == model.get_weights()[0]).all())
    True
    """
    import json

    from nnseq.saving import archive
    from nnseq.saving.atomic import atomic_file

    path = _path(filepath)
    if path.suffix != ".keras":
        raise ValueError(
            "Invalid filepath extension for saving. Please add the `.keras` extension of the "
            f"native Keras format. Received: filepath={filepath}."
        )
    if zipped is False:
        raise NotImplementedError("save: `zipped=False`, a folder, is not written.")
    _check_overwrite(path, overwrite)
    if not model.built:
        warnings.warn(
            "You are saving a model that has not yet been built. It might not contain any weights "
            "yet. Consider building the model first by calling it on some data.",
            stacklevel=3,
        )
    texts = {archive.METADATA: json.dumps(_metadata()), archive.CONFIG: model_json(model)}
    with atomic_file(path) as file:
        archive.write_archive(file, texts, lambda weights: write_state(weights, model))


def model_json(model: Any) -> str:
    """The configuration that is written into files: without what has its default value."""
    import json

    with sharing_objects():
        config = serialize_keras_object(model)
    try:
        return json.dumps(minimal(config))
    except TypeError as error:
        raise TypeError(
            f"The configuration of '{model.name}' cannot be written as JSON: {error}. `get_config` "
            "must return numbers, strings, lists, dicts and objects with a `get_config`."
        ) from None


def _metadata() -> dict[str, str]:
    import datetime

    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    return {"keras_version": KERAS_VERSION, "date_saved": now}


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model of a `.keras` file, written by nnseq or by Keras 3.

    Nothing in the file is ever run: classes are looked up by name among those of nnseq, the
    registered ones and `custom_objects`.

    Args:
        custom_objects: classes and functions of the user by name.
        compile: whether it is compiled as it was saved, with the state of the optimizer.
        safe_mode: accepted; lambdas in files are refused with either value.

    Raises:
        ValueError: if there is no such file.
        ModelFileError: a ValueError, if it is damaged, foreign, or names unknown classes.
    """
    from nnseq.saving import archive

    path = _path(filepath)
    if path.suffix in (".h5", ".hdf5") and path.exists():
        raise ValueError(
            f"Models in the old HDF5 format are not read: {path}. Save the model as `.keras` with "
            "Keras 3; weights alone can be read by `model.load_weights()`."
        )
    with _naming(path), archive.Archive(path) as members:
        config = members.config()
        if not isinstance(config, dict) or "class_name" not in config:
            raise ModelFileError(f"{archive.CONFIG} is not the configuration of a model.")
        if not compile:
            config.pop("compile_config", None)
        with sharing_objects():
            model = deserialize_keras_object(config, custom_objects, safe_mode)
        if not hasattr(model, "load_weights"):
            raise ModelFileError(f"it holds a {type(model).__name__}, which is not a model.")
        if members.has(archive.WEIGHTS):
            read_state(members.weights(), model)
        for place, part in walk(model):
            name = f"assets/{place}/vocabulary.txt"
            if hasattr(part, "load_vocabulary") and members.has(name):
                part.load_vocabulary(members.text(name))
    return model


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Writes the weights of a model into a `.weights.h5` file, which Keras 3 opens too.

    Raises:
        ValueError: for another ending.
    """
    from nnseq.saving.atomic import atomic_file

    path = _weights_path(filepath, (".weights.h5",))
    _check_overwrite(path, overwrite)
    with atomic_file(path) as file:
        write_state(file, model)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Reads the weights from a `.weights.h5` or `.keras` file into a model: all or none.

    Args:
        skip_mismatch: leaves out layers whose weights do not fit, with a warning.

    Raises:
        ValueError: if there is no such file, or its name ends otherwise.
        ModelFileError: a ValueError, if it is damaged or does not fit; the model is unchanged.
    """
    from nnseq.saving import archive

    path = _weights_path(filepath, (".weights.h5", ".keras"))
    with _naming(path), _unchanged_on_error(model):
        if path.suffix == ".keras":
            with archive.Archive(path) as members:
                if not members.has(archive.WEIGHTS):
                    raise ModelFileError(f"there are no weights ({archive.WEIGHTS}) in it.")
                read_state(members.weights(), model, skip_mismatch)
        else:
            archive.check_regular(path)
            read_state(path, model, skip_mismatch)


def _path(filepath: Any) -> Path:
    from pathlib import Path

    if not isinstance(filepath, (str, os.PathLike)):
        raise ValueError(
            f"`filepath` must be a path. Received: {filepath!r} (of type {type(filepath).__name__})"
        )
    return Path(filepath)


def _weights_path(filepath: Any, endings: tuple[str, ...]) -> Path:
    path = _path(filepath)
    if not path.name.endswith(endings):
        what = " or ".join(f"`{ending}`" for ending in endings)
        raise ValueError(f"The filename must end in {what}. Received: filepath={filepath}")
    return path


def _check_overwrite(path: Path, overwrite: bool) -> None:
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} exists; pass `overwrite=True` to replace it.")


# What a configuration that was not made by Keras may lead to.
_BAD = (
    TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError, MemoryError,
    OverflowError, NotImplementedError,
)  # fmt: skip


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors in a file are ModelFileErrors of one line that name the file."""
    try:
        yield
    except ModelFileError as error:
        text = str(error)
        raise ModelFileError(text if str(path) in text else f"{path}: {text}") from error
    except _BAD as error:
        raise ModelFileError(f"{path}: {one_line(error)}") from error


@contextmanager
def _unchanged_on_error(model: Any) -> Iterator[None]:
    """After an exception inside, the Variables of the model are what they were."""
    variables = list(model.variables)
    if model.optimizer is not None and model.optimizer.built:
        variables += model.optimizer.variables
    before = [variable.numpy() for variable in variables]
    try:
        yield
    except BaseException:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        raise
