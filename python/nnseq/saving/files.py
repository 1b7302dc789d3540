"""Files that are opened to be read: regular ones, whole or a part of them."""

from __future__ import annotations

import io
import os
import stat
from typing import IO, TYPE_CHECKING

from nnseq.saving.errors import ModelFileError

if TYPE_CHECKING:
    from pathlib import Path


def open_regular(path: Path, follow: bool = True) -> IO[bytes]:
    """Opens what has bytes of its own: no folder, device or pipe, for which it does not wait.

    Raises:
        ModelFileError: if there is no such file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        handle = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` "
            f"zip file. ({getattr(error, 'strerror', None) or error})"
        ) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ModelFileError(f"{path} is not a regular file.")
    return os.fdopen(handle, "rb")


def size_of(file: IO[bytes]) -> int:
    """The number of bytes of a file."""
    return file.seek(0, os.SEEK_END)


class Window(io.RawIOBase):
    """The bytes [start, start + size) of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        view = view[: max(0, min(len(view), self._size - self._at))]
        self._file.seek(self._start + self._at)
        done = self._file.readinto(view)  # type: ignore[attr-defined]
        self._at += done
        return int(done)
