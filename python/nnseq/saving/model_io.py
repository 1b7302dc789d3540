"""Saving and loading models and weights.

What only files need (json, zipfile, pathlib, h5py) is imported when a file is touched.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

from nnseq.engine.budget import budget
from nnseq.engine.registry import (
    deserialize_keras_object,
    serialize_keras_object,
    sharing_objects,
)
from nnseq.saving.errors import ModelFileError, naming
from nnseq.saving.files import open_regular
from nnseq.saving.h5 import read_state, write_state
from nnseq.saving.h5_checks import Contents, open_h5
from nnseq.saving.limits import limits
from nnseq.saving.minimal import minimal
from nnseq.saving.state_tree import walk

if TYPE_CHECKING:
    from pathlib import Path

KERAS_VERSION = "3.15.1"  # whose format is written
_HDF5 = (".h5", ".hdf5")


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
        archive.write_archive(file, path.parent, texts, lambda weights: write_state(weights, model))


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
    """The model of a `.keras` file, written by nnseq or by Keras 3, of an older `.h5` file, or of a
    `.nnseq` file (`model.export`); one of those without a Keras configuration is a GraphModel.

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
    from nnseq.saving import archive, legacy

    path = _path(filepath)
    if path.suffix == ".nnseq":
        from nnseq.saving.native import load_native

        with naming(path):
            return load_native(path, custom_objects, compile, safe_mode)
    if path.suffix in _HDF5:
        with naming(path), ExitStack() as opened:
            older = _contents(opened, opened.enter_context(open_regular(path)))
            with budget(_budget(older)):
                return legacy.model_from(older, custom_objects, compile)
    with naming(path), archive.Archive(path) as members, ExitStack() as opened:
        config = members.config()
        if not isinstance(config, dict) or "class_name" not in config:
            raise ModelFileError(f"{archive.CONFIG} is not the configuration of a model.")
        if not compile:
            config.pop("compile_config", None)
        contents = _contents(opened, members.weights())
        with budget(_budget(contents)), sharing_objects():
            model = deserialize_keras_object(config, custom_objects, safe_mode)
        if not hasattr(model, "load_weights"):
            raise ModelFileError(f"it holds a {type(model).__name__}, which is not a model.")
        read_state(contents, model)
        for place, part in walk(model):
            name = f"assets/{place}/vocabulary.txt"
            if hasattr(part, "load_vocabulary") and members.has(name):
                part.load_vocabulary(members.text(name))
    return model


def _contents(opened: ExitStack, file: IO[bytes]) -> Contents:
    """What is in an HDF5 file, which stays open as long as `opened`."""
    h5, contents = open_h5(file)
    opened.enter_context(h5)
    return contents


def _budget(contents: Contents) -> int:
    """The bytes of Variables for a file: its own, twice as many of an optimizer that it may not
    have, all of them once more if they are stored in half the width, and some of metrics."""
    return 6 * contents.size + limits.spare_bytes // 2


def export_model(
    model: Any,
    filepath: Any,
    format: str = "nnseq",
    verbose: Any = None,
    input_signature: Any = None,
    classes: Any = (),
    opset_version: int | None = None,
) -> None:
    """Writes a model into a file for other programs: a `.nnseq` file, which C++ and C programs
    load, run and train on, or an ONNX file, which many programs run. See docs/files.md.

    A `.nnseq` file holds the traced steps (predict; train and evaluate of a compiled model), all
    state, and the configuration, so that `load_model` gives the model back. An ONNX file holds what
    `predict` computes.

    Args:
        filepath: a path; that of a `.nnseq` file must end so.
        format: "nnseq" or "onnx" (which needs `pip install nnseq[onnx]`).
        verbose: accepted; nothing is printed.
        input_signature: shapes and dtypes of the inputs (KerasTensors, arrays), for a model that
            does not tell them.
        classes: labels of the classes, kept in the file.
        opset_version: of ONNX's operators, 17 by default.

    Raises:
        ValueError: for another format or ending, what cannot be traced, or, in one line that names
            the layer, what ONNX cannot express.
        ImportError: if onnx is needed and not installed.
    """
    from nnseq.saving.native import export_model as write

    if format not in ("nnseq", "onnx"):
        raise ValueError(f"`format` must be 'nnseq' or 'onnx'. Received: format={format!r}")
    path = _path(filepath)
    if format == "onnx":
        from nnseq.saving.onnx.export import export_onnx

        export_onnx(model, path, input_signature, classes, opset_version)
        return
    if opset_version is not None:
        raise ValueError('`opset_version` is for `format="onnx"` only.')
    if path.suffix != ".nnseq":
        raise ValueError(f"The filename must end in `.nnseq`. Received: filepath={filepath}")
    try:
        config = model_json(model)
    except (TypeError, NotImplementedError):  # of the user's own classes: the file opens in C++
        config = ""
    write(model, path, config, input_signature, classes)


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Writes the weights of a model into a `.weights.h5` file, which Keras 3 opens too.

    Raises:
        ValueError: for another ending.
    """
    from nnseq.saving.atomic import atomic_file

    path = _weights_path(filepath, (".weights.h5",))
    _check_overwrite(path, overwrite)
    with atomic_file(path) as file:
        write_state(file, model, is_sealed=True)


def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Reads the weights from a `.weights.h5`, `.keras` or older `.h5` file into a model: all or
    none.

    Args:
        skip_mismatch: leaves out layers whose weights do not fit, with a warning.
        by_name: of an older file the layers that have the same names; others are left alone.

    Raises:
        ValueError: if there is no such file, or its name ends otherwise.
        ModelFileError: a ValueError, if it is damaged or does not fit; the model is unchanged.
    """
    from nnseq.saving import archive, legacy

    path = _weights_path(filepath, (".weights.h5", ".keras", *_HDF5))
    with naming(path), _unchanged_on_error(model), ExitStack() as opened:
        if path.suffix == ".keras":
            members = opened.enter_context(archive.Archive(path))
            file = members.weights()
        else:
            file = opened.enter_context(open_regular(path))
        contents = _contents(opened, file)
        if legacy.is_legacy(contents):
            legacy.read_weights(contents, model, skip_mismatch, by_name)
        elif by_name:
            raise ModelFileError("`by_name=True` is for older files; this one has no names.")
        else:
            read_state(contents, model, skip_mismatch)


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
