"""Unpacks tar and zip files; nothing is written outside of the given folder."""

from __future__ import annotations

import os
import shutil
import tarfile
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def extract_archive(
    file: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    archive_format: str | Sequence[str] | None = "auto",
) -> bool:
    """Unpacks a file of one of the formats "tar" (also compressed) and "zip".

    Members whose place is outside of `folder`, links that lead out of it, and devices are left
    out with a warning.

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
    def safe(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        try:
            kept = tarfile.data_filter(member, path)
        except tarfile.FilterError:
            kept = None
        # An absolute name is no mistake that could be mended, even where its rest would fit.
        if kept is None or os.path.isabs(member.name):
            _skip(member.name)
            return None
        return kept

    if not hasattr(tarfile, "data_filter"):
        raise RuntimeError("this Python (before 3.11.4) cannot unpack tar files safely")
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter=safe)


def _unpack_zip(file: Any, folder: Any) -> None:
    base = Path(folder).resolve()
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if (base / member.filename).resolve().is_relative_to(base):
                archive.extract(member, base)
            else:
                _skip(member.filename)


_OPENERS = {"tar": (tarfile.is_tarfile, _unpack_tar), "zip": (zipfile.is_zipfile, _unpack_zip)}
