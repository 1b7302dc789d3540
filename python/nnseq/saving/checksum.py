"""A checksum of a whole file that lies inside it, in an attribute that Keras does not look at.

It is found by its mark and is of the file with zeros in its place, so that it also guards what
libhdf5 itself goes by, and is checked before libhdf5 sees the file.
"""

from __future__ import annotations

from typing import IO, Any

from nnseq.saving.files import size_of

ATTRIBUTE = "nnseq_checksum"
_MARK = b"nnseq-blake2b-128:"
_DIGITS = 32
_WITHIN = 1 << 16  # of the start of the file
_CHUNK = 1 << 20


def reserve(h5: Any) -> None:
    """Makes place for the checksum, before anything else is written."""
    import numpy as np

    h5.attrs[ATTRIBUTE] = np.bytes_(_MARK + b"0" * _DIGITS)


def seal(file: IO[bytes]) -> None:
    """Writes the checksum into the place that was reserved."""
    at = _place(file)
    assert at is not None
    digest = _digest(file, at)
    file.seek(at)
    file.write(digest)


def damage(file: IO[bytes]) -> str | None:
    """What is wrong with a file that was changed since it got a checksum; None if nothing is.

    The bytes of a checksum also stay where somebody deleted the attribute to change the file.
    """
    at = _place(file)
    if at is None:
        return None
    file.seek(at)
    expected, found = file.read(_DIGITS), _digest(file, at)
    if expected == found:
        return None
    return (
        f"it is damaged: its checksum is {found.decode()}, expected "
        f"{expected.decode('ascii', 'replace')}. (If it was changed on purpose, delete its "
        f"attribute {ATTRIBUTE}.)"
    )


def _place(file: IO[bytes]) -> int | None:
    file.seek(0)
    at = file.read(_WITHIN).find(_MARK)
    return None if at < 0 else at + len(_MARK)


def _digest(file: IO[bytes], at: int) -> bytes:
    import hashlib  # not needed until a file is read

    size = size_of(file)
    digest = hashlib.blake2b(digest_size=_DIGITS // 2)
    file.seek(0)
    digest.update(file.read(at))
    digest.update(b"0" * len(file.read(_DIGITS)))
    while file.tell() < size and (chunk := file.read(_CHUNK)):
        digest.update(chunk)
    return digest.hexdigest().encode()
