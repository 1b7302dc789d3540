"""Unpacks tar and zip files; nothing is written outside of the given folder."""

from __future__ import annotations

import os
import shutil
import tarfile
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any


def extract_archive(
    file: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    archive_format: str | Sequence[str] | None = "auto",
) -> bool:
    """Unpacks a file of one of the formats "tar" (also compressed) and "zip".

    Links to files of the archive become copies. Members whose place is outside of `folder`, other
    links, and devices are left out with a warning.

    Returns:
        Whether the file was of one of the formats.
    """
    formats = ("tar", "zip") if archive_format == "auto" else archive_format or ()
    for kind in (formats,) if isinstance(formats, str) else formats:
        if kind not in _OPENERS:
            raise NotImplementedError(f"archive format {kind!r}; known are 'tar' and 'zip'")
        is_match, unpack = _OPENERS[kind]
        if is_match(file):
            existed = os.path.exists(folder)
            try:
                unpack(file, folder)
            except BaseException:  # no half of it stays, also after Ctrl-C
                if not existed:
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            return True
    return False


def _skip(name: str) -> None:
    warnings.warn(
        f"Skipping invalid path during archive extraction: '{name}'.", UserWarning, stacklevel=5
    )


def _unpack_tar(file: Any, folder: Any) -> None:
    base = Path(folder).resolve()
    with tarfile.open(file) as archive:
        for member in archive:
            path = (base / member.name).resolve()
            if os.path.isabs(member.name) or not path.is_relative_to(base):
                _skip(member.name)
            elif member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif (content := _content(archive, member)) is None:
                _skip(member.name)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                with content, open(path, "wb") as out:
                    shutil.copyfileobj(content, out)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    """The bytes of a file, or of the file of the archive that a link leads to."""
    try:
        return archive.extractfile(member)
    except (KeyError, RecursionError):  # a link to nothing, or to itself
        return None


def _unpack_zip(file: Any, folder: Any) -> None:
    base = Path(folder).resolve()
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if (base / member.filename).resolve().is_relative_to(base):
                archive.extract(member, base)
            else:
                _skip(member.filename)


_OPENERS = {"tar": (tarfile.is_tarfile, _unpack_tar), "zip": (zipfile.is_zipfile, _unpack_zip)}
