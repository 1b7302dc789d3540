"""get_file: files from the net, kept in the cache that Keras uses too.

What it needs is imported when it is used: it would be a fifth of the import of nnseq.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from nnseq.utils.messages import print_msg
from nnseq.utils.progbar import Progbar

_BLOCK = 1 << 16


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The path of a file that is fetched from a URL unless the cache has it.

    Args:
        fname: its name in the cache; by default the last part of the URL. With `extract` the name
            of the folder it is unpacked into.
        origin: the URL.
        untar: the same as `extract` of a tar file.
        md5_hash: the same as `file_hash` of MD5.
        file_hash: what the file must hash to, in hexadecimal; a file in the cache that does not
            is fetched again.
        cache_subdir: the folder in the cache, or an absolute path.
        hash_algorithm: "sha256", "md5", or "auto": told by the length.
        extract: whether to unpack it; the path of the folder is returned.
        archive_format: "tar", "zip", several of them, or "auto".
        cache_dir: `$KERAS_HOME` or `~/.keras` by default.
        force_download: whether to fetch it in any case.

    Raises:
        ValueError: if the file fetched has another hash; nothing is kept.
        OSError: if it cannot be fetched.

    >>> get_file(origin="https://example.org/a/")
    Traceback (most recent call last):
    ValueError: Can't parse the file name from the origin 'https://example.org/a/'. Please specify
    the `fname` argument.
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    if hash_algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(
            f"`hash_algorithm` must be 'auto', 'md5' or 'sha256'. Received: {hash_algorithm!r}"
        )
    folder = _cache_folder(cache_dir, cache_subdir)
    name = _checked_name(fname, origin)
    target, unpacked = os.path.join(folder, name), ""
    if extract or untar:
        if fname and "." in name:
            unpacked = os.path.join(folder, f"{name[: name.find('.')]}_extracted")
        else:
            unpacked, target = target, f"{target}_archive"
    if force_download or not _is_cached(target, file_hash, hash_algorithm):
        _download(origin, target, file_hash, hash_algorithm)
    if not unpacked:
        return target
    from nnseq.utils.archives import extract_archive

    if not extract_archive(target, unpacked, "tar" if untar else archive_format):
        warnings.warn("Could not extract archive.", stacklevel=2)
    return unpacked


def _cache_folder(cache_dir: Any, subdir: str) -> str:
    if cache_dir is None:
        cache_dir = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    folder = os.path.join(os.path.expanduser(cache_dir), subdir)
    try:
        os.makedirs(folder, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    import tempfile

    folder = os.path.join(tempfile.gettempdir(), ".keras", subdir)
    os.makedirs(folder, exist_ok=True)
    return folder


def _checked_name(fname: Any, origin: str) -> str:
    from urllib.parse import urlsplit

    name = os.fspath(fname) if fname else os.path.basename(urlsplit(origin).path)
    if fname and os.sep in name:
        raise ValueError(
            "Paths are no longer accepted as the `fname` argument. To specify the file's parent "
            f"directory, use the `cache_dir` argument. Received: fname={name}"
        )
    if name in ("", ".", ".."):
        raise ValueError(
            f"Can't parse the file name from the origin '{origin}'. Please specify the `fname` "
            "argument."
        )
    return name


def _is_cached(path: str, file_hash: str | None, algorithm: str) -> bool:
    if not os.path.exists(path):
        return False
    if file_hash is None or _has_hash(path, file_hash, algorithm):
        return True
    print_msg(
        "A local file was found, but it seems to be incomplete or outdated because the "
        f"{algorithm} file hash does not match the original value of {file_hash} so we will "
        "re-download the data."
    )
    return False


def _has_hash(path: str, file_hash: str, algorithm: str) -> bool:
    import hashlib

    is_sha = algorithm == "sha256" or (algorithm == "auto" and len(file_hash) == 64)
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256" if is_sha else "md5")
    return found.hexdigest() == file_hash.lower()


def _download(origin: str, target: str, file_hash: str | None, algorithm: str) -> None:
    """Fetches into a file beside the target, which is replaced when all of it is right."""
    import tempfile

    print_msg(f"Downloading data from {origin}")
    handle, part = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            _fetch(origin, file)
        if file_hash is not None and not _has_hash(part, file_hash, algorithm):
            raise ValueError(
                f"Incomplete or corrupted file detected. The {algorithm} file hash does not match "
                f"the provided value of {file_hash}."
            )
        os.chmod(part, 0o644)
        os.replace(part, target)
    except BaseException:
        os.unlink(part)
        raise


def _fetch(origin: str, file: Any) -> None:
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        with urlopen(origin) as response:
            length = response.headers.get("Content-Length")
            size = None if length is None else int(length)
            bar, done = Progbar(size, unit_name="byte"), 0
            while block := response.read(_BLOCK):
                file.write(block)
                done += len(block)
                bar.update(done, finalize=False)
            bar.update(done, finalize=True)
    except HTTPError as error:
        raise OSError(f"URL fetch failure on {origin}: {error.code} -- {error.msg}") from None
    except URLError as error:
        raise OSError(f"URL fetch failure on {origin}: {error.reason}") from None
    if size is not None and done < size:
        raise OSError(f"URL fetch failure on {origin}: {done} of {size} bytes came")
