"""The model in a file that a command is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MODELS = ".keras, .h5, .hdf5 or .nnseq"
_READ = (".keras", ".h5", ".hdf5", ".nnseq")


def open_model(name: str, compile: bool = True) -> tuple[Any, list[str]]:
    """The model of a file, and the labels of its classes if the file has some.

    Args:
        compile: whether it can be trained, if the file says how.

    Raises:
        ValueError: of one line, if it holds no model that can be loaded.
    """
    path = Path(name)
    if path.name.endswith(".weights.h5"):
        raise ValueError(
            f"{path} holds weights and not the model that they belong to; make the model in Python "
            "and call its `load_weights`."
        )
    if path.suffix == ".onnx":
        raise ValueError(f"{path}: ONNX files are written by `nnseq convert`, none is read.")
    if path.suffix not in _READ:
        raise ValueError(f"{path}: a model is a {MODELS} file, by the ending of its name.")
    if not path.exists():
        raise ValueError(f"{path}: there is no such file.")
    from nnseq import _core
    from nnseq.saving.errors import naming
    from nnseq.saving.model_io import load_model
    from nnseq.saving.native import model_of

    if path.suffix != ".nnseq":
        return load_model(path, compile=compile), []
    with naming(path):
        file = _core.ModelFile.load(str(path))
        return model_of(file, None, compile, True), list(file.classes)


def size_text(path: Path) -> str:
    """The size of a file, or of those in a folder."""
    from nnseq.utils.sizes import readable

    parts = [path] if path.is_file() else [part for part in path.rglob("*") if part.is_file()]
    return readable(sum(part.stat().st_size for part in parts))
