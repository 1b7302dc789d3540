"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


class Disk:
    """What writing asks of the system; a test may put a worse one in its place."""

    def create(self, prefix: str, folder: Path) -> tuple[IO[bytes], str]:
        """A new file for this process alone, and its path."""
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=_SUFFIX, dir=folder)
        return os.fdopen(handle, "w+b"), name

    def sync(self, file: IO[bytes]) -> None:
        """Has all that was written on the disk."""
        file.flush()
        os.fsync(file.fileno())

    def replace(self, name: str, target: Path) -> None:
        """Gives a file the name of another, which is gone then."""
        os.replace(name, target)

    def sync_folder(self, folder: Path) -> None:
        """Makes the renaming itself permanent, where the system can."""
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


disk = Disk()
_SUFFIX = ".tmp"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` when the block ends without an exception.

    It is written beside `path` (beside its target, for a link), flushed to the disk and renamed,
    so that a crash leaves the old file or the new one. Owner and permissions of an old file are
    kept. What a process that was killed left beside it is removed.

    Raises:
        OSError: naming `path`, if it cannot be written; the old file is untouched then.
    """
    target = Path(os.path.realpath(path))
    prefix = f".{target.name[:200]}."
    try:
        _remove_left_over(prefix, target.parent)
        file, name = _created(prefix, target.parent)
        try:
            with file:
                yield file
                _keep_mode(file, target)
                disk.sync(file)
            disk.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        disk.sync_folder(target.parent)
    except OSError as error:
        if error.errno is None:
            raise OSError(f"{path} was not written: {error}") from error
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def _created(prefix: str, folder: Path) -> tuple[IO[bytes], str]:
    """A new file that is locked as long as this process lives and has it open."""
    while True:
        file, name = disk.create(prefix, folder)
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_nlink:  # else another process took it for a left over one
            return file, name
        file.close()


def _remove_left_over(prefix: str, folder: Path) -> None:
    """Removes the files of earlier saves that nobody is writing any more."""
    try:
        import fcntl
    except ImportError:  # a system without locks
        return
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if not (entry.name.startswith(prefix) and entry.name.endswith(_SUFFIX)):
                continue
            with contextlib.suppress(OSError), open(entry.path, "rb") as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(entry.path)


def _keep_mode(file: IO[bytes], target: Path) -> None:
    """Owner and permissions of an existing file, else those a new file gets."""
    try:
        old = target.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(file.fileno(), 0o666 & ~mask)
        return
    with contextlib.suppress(PermissionError):
        os.fchown(file.fileno(), old.st_uid, old.st_gid)
    os.fchmod(file.fileno(), old.st_mode & 0o777)
