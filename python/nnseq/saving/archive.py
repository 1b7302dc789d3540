"""The members of a `.keras` file: a zip archive, or a folder with the same members."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from nnseq.saving.errors import ModelFileError, one_line

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
_LARGEST_CONFIG = 64 << 20
_LARGEST_RATIO = 100  # of the size of a member to its compressed size
_FREE_BYTES = 1 << 20
_DEEPEST = 64
_ENTRIES = 10_000


def check_regular(path: Path) -> None:
    """Refuses what is not a file with bytes of its own.

    Raises:
        ValueError: if there is no such file, or it is a folder, a device or a pipe.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ModelFileError(
            f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` "
            f"zip file. ({error.strerror})"
        ) from None
    if not stat.S_ISREG(mode):
        raise ModelFileError(f"{path} is not a regular file.")


def write_archive(file: IO[bytes], texts: dict[str, str], weights: Callable[[Any], None]) -> None:
    """Writes texts and, by `weights(file)`, the weights as stored (not compressed) members."""
    import shutil
    import tempfile

    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
        # HDF5 is not written in one go, so it cannot be written into the archive at once.
        with tempfile.TemporaryFile() as scratch:
            weights(scratch)
            scratch.seek(0)
            with archive.open(WEIGHTS, "w", force_zip64=True) as member:
                shutil.copyfileobj(scratch, member, 1 << 20)


class Archive:
    """The members of an archive or folder that are read, and no others.

    Raises:
        ModelFileError: if it is neither, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path if path.is_dir() else None
        if self._folder is not None:
            return
        check_regular(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ModelFileError(_why_no_zip(path, error)) from None
        names = self._zip.namelist()
        if len(names) > _ENTRIES or len(set(names)) != len(names):
            self._zip.close()
            raise ModelFileError(
                f"{path} has {len(names)} entries, some of them twice or too many."
            )

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is None:
            self._zip.close()

    def has(self, name: str) -> bool:
        """Whether there is a member of this name."""
        if self._folder is not None:
            return (self._folder / name).is_file()
        return name in self._zip.namelist()

    def config(self) -> Any:
        """The parsed configuration."""
        if not self.has(CONFIG):
            raise ModelFileError(f"there is no {CONFIG} in it: not a Keras model.")
        try:
            return json.loads(
                self._read(CONFIG, _LARGEST_CONFIG).decode("utf-8"), object_pairs_hook=_unique
            )
        except (ValueError, RecursionError) as error:
            raise ModelFileError(f"{CONFIG} is not valid JSON: {one_line(error)}") from None

    def weights(self) -> IO[bytes]:
        """The bytes of the weights, checked against their checksum."""
        return io.BytesIO(self._read(WEIGHTS, None))

    def text(self, name: str) -> str:
        """A text among the assets."""
        return self._read(name, _LARGEST_CONFIG).decode("utf-8")

    def _read(self, name: str, limit: int | None) -> bytes:
        if self._folder is not None:
            path = self._folder / name
            check_regular(path)
            _check_size(name, path.stat().st_size, path.stat().st_size, limit)
            return path.read_bytes()
        info = self._zip.getinfo(name)
        _check_size(name, info.file_size, info.compress_size, limit)
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError) as error:
            raise ModelFileError(f"{name} is damaged: {one_line(error)}") from None
        if len(data) != info.file_size:
            raise ModelFileError(f"{name} has not the {info.file_size} bytes that the file says.")
        return data


def _check_size(name: str, size: int, stored: int, limit: int | None) -> None:
    if (limit is not None and size > limit) or size > _LARGEST_RATIO * stored + _FREE_BYTES:
        raise ModelFileError(f"{name} would take {size} bytes from {stored}, which is refused.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _why_no_zip(path: Path, error: Exception) -> str:
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(8)
    if start[:4] == b"PK\x03\x04":
        return (
            f"{path} is truncated or damaged: the end of the zip archive is missing ({size} bytes)."
        )
    if start == b"\x89HDF\r\n\x1a\n":
        return (
            f"{path} is an HDF5 file, not a `.keras` zip archive. Models in the old `.h5` format "
            "are not read; for weights use `model.load_weights()`."
        )
    return f"{path} is not a `.keras` zip archive ({size} bytes): {one_line(error)}"
