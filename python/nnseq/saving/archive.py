"""The members of a `.keras` file: a zip archive, or a folder with the same members."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.files import Window, open_regular, size_of
from nnseq.saving.json_checks import parse_json
from nnseq.saving.limits import limits
from nnseq.saving.zip_checks import open_zip

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
_CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError)


def write_archive(
    file: IO[bytes], folder: Path, texts: dict[str, str], weights: Callable[[Any], None]
) -> None:
    """Writes texts and, by `weights(file)`, the weights as stored (not compressed) members.

    folder: where a nameless file may be, for HDF5 is not written in one go.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
        with tempfile.TemporaryFile(dir=folder) as scratch:
            weights(scratch)
            scratch.seek(0)
            with archive.open(WEIGHTS, "w", force_zip64=True) as member:
                shutil.copyfileobj(scratch, member, _CHUNK)


class Archive:
    """The members of an archive or folder that are read, and no others.

    Raises:
        ModelFileError: if it is neither, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path if path.is_dir() else None
        self._opened = ExitStack()
        if self._folder is not None:
            return
        with ExitStack() as opened:
            self._file = opened.enter_context(open_regular(path))
            self._zip, self._starts = open_zip(self._file)
            opened.enter_context(self._zip)
            self._opened = opened.pop_all()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def has(self, name: str) -> bool:
        """Whether there is a member of this name."""
        if self._folder is not None:
            return (self._folder / name).is_file()
        return name in self._starts

    def config(self) -> Any:
        """The parsed configuration."""
        if not self.has(CONFIG):
            raise ModelFileError(f"there is no {CONFIG} in it: not a Keras model.")
        return parse_json(self._text(CONFIG), CONFIG)

    def text(self, name: str) -> str:
        """A text among the assets."""
        try:
            return self._text(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelFileError(f"{name} is no text in UTF-8: {one_line(error)}") from None

    def weights(self) -> IO[bytes]:
        """The weights as a file, checked against their checksum; open as long as the archive."""
        if not self.has(WEIGHTS):
            raise ModelFileError(f"there are no weights ({WEIGHTS}) in it.")
        if self._folder is not None:
            return self._opened.enter_context(open_regular(self._folder / WEIGHTS, follow=False))
        info = self._zip.getinfo(WEIGHTS)
        if info.compress_type != zipfile.ZIP_STORED:
            _check_size(WEIGHTS, info, info.compress_size + limits.spare_bytes)
            return io.BytesIO(self._inflated(info))
        window = Window(self._file, self._starts[WEIGHTS], info.file_size)
        crc = 0
        while chunk := window.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
        if crc != info.CRC:
            raise ModelFileError(
                f"{WEIGHTS} is damaged: its checksum is {crc:08x}, expected {info.CRC:08x}."
            )
        return io.BufferedReader(window, 1 << 16)

    def _text(self, name: str) -> bytes:
        if self._folder is not None:
            with open_regular(self._folder / name, follow=False) as file:
                if (size := size_of(file)) > limits.config_bytes:
                    raise ModelFileError(
                        f"{name} has {size} bytes; the limit is {limits.config_bytes}."
                    )
                file.seek(0)
                return file.read()
        info = self._zip.getinfo(name)
        _check_size(name, info, min(limits.config_bytes, limits.ratio * info.compress_size + 65536))
        return self._inflated(info)

    def _inflated(self, info: zipfile.ZipInfo) -> bytes:
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except _DAMAGE as error:
            raise ModelFileError(f"{info.filename} is damaged: {one_line(error)}") from None
        if len(data) != info.file_size:
            raise ModelFileError(
                f"{info.filename} has {len(data)} bytes, expected {info.file_size}."
            )
        return data


def _check_size(name: str, info: zipfile.ZipInfo, limit: int) -> None:
    if info.file_size > limit:
        raise ModelFileError(
            f"{name} would take {info.file_size} bytes from {info.compress_size}; the limit is "
            f"{limit}."
        )
