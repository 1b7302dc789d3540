"""What a zip archive must be like before any of its members is read (APPNOTE.TXT of PKWARE).

The central directory is read by zipfile; here the bytes must agree with it: one member after the
other from the first byte on, each with a local header that says the same, and nothing behind.
"""

from __future__ import annotations

import struct
import zipfile
from typing import IO

from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.files import size_of
from nnseq.saving.limits import limits

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_END = struct.Struct("<4s4H2LH")
_FLAG_ENCRYPTED = 0x2041  # also strongly, or with a masked header
_FLAG_SIZES_FOLLOW = 0x8  # behind the data; the local header says 0
_MANY = 0xFFFFFFFF  # a size that stands in the zip64 field
_ZIP64 = 1


def open_zip(file: IO[bytes]) -> tuple[zipfile.ZipFile, dict[str, int]]:
    """The archive in a file, and where the bytes of each of its members begin.

    Raises:
        ModelFileError: if it is no archive, is cut short, or says two things about one member.
    """
    size = size_of(file)
    count = _check_end(file, size)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise ModelFileError(f"it is not a `.keras` zip archive: {one_line(error)}") from None
    members = archive.infolist()
    if len(members) != count:
        raise ModelFileError(
            f"the archive says that it has {count} members, but lists {len(members)}."
        )
    if len({info.filename for info in members}) != count:
        raise ModelFileError("the archive holds two members of one name.")
    starts = {}
    at = 0
    for info in sorted(members, key=lambda info: info.header_offset):
        _check_name(info)
        if info.header_offset < at or (at == 0 and info.header_offset):
            raise ModelFileError(
                f"member {info.filename!r} begins amid other bytes of the archive."
            )
        starts[info.filename] = _start_of(file, info)
        at = starts[info.filename] + info.compress_size
        if at > archive.start_dir:
            raise ModelFileError(
                f"member {info.filename!r} ends at byte {at}, behind the {archive.start_dir} bytes "
                "of all members."
            )
    return archive, starts


def _check_end(file: IO[bytes], size: int) -> int:
    """How many members the record at the end promises, behind which nothing may be."""
    file.seek(max(0, size - _END.size))
    tail = file.read(_END.size)
    if len(tail) == _END.size and tail[:4] == b"PK\5\6" and tail[-2:] == b"\0\0":
        _, disk, first, here, count, *_ = _END.unpack(tail)
        if disk or first or here != count or count > limits.entries:
            raise ModelFileError(
                f"the archive has {count} members on {disk + 1} disks; the limit is "
                f"{limits.entries} on one."
            )
        return int(count)
    file.seek(0)
    start = file.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        raise ModelFileError(
            "it is an HDF5 file, not a `.keras` zip archive; name it `.h5`, or `.weights.h5` if it "
            "holds weights alone."
        )
    if start[:4] == b"PK\3\4" and (why := _where_it_is_cut(file, size)):
        raise ModelFileError(f"it is truncated: {why} ({size} bytes).")
    raise ModelFileError(f"it is not a `.keras` zip archive ({size} bytes).")


def _where_it_is_cut(file: IO[bytes], size: int) -> str | None:
    """Where an archive ends too early, found by going from member to member; None if it does
    not."""
    at = 0
    while True:
        file.seek(at)
        header = file.read(_LOCAL.size)
        if header[:4] in (b"PK\1\2", b"PK\6\6", b"PK\5\6"):
            file.seek(at)
            if b"PK\5\6" in (rest := file.read(1 << 20)) and len(rest) - rest.find(b"PK\5\6") >= 22:
                return None  # there is an end, with a comment or more behind it
            return f"at least {size + _END.size} bytes expected, found {size}, amid the directory"
        if len(header) < _LOCAL.size:
            return f"at least {at + _LOCAL.size + _END.size} bytes expected, found {size}"
        if header[:4] != b"PK\3\4":
            return None
        fields = _LOCAL.unpack(header)
        name = file.read(fields[9])
        extra = file.read(fields[10])
        stored = _sizes(fields, extra)[0]
        at += _LOCAL.size + fields[9] + fields[10] + stored
        if at > size or len(extra) < fields[10]:
            what = name.decode("utf-8", "replace")
            return f"at least {at} bytes expected up to the end of {what!r}, found {size}"


def _check_name(info: zipfile.ZipInfo) -> None:
    """A relative path with "/" that stays below its folder."""
    name = info.orig_filename
    is_bad = (
        not name
        or name != info.filename
        or name.startswith("/")
        or "\\" in name
        or ":" in name.split("/")[0]
        or ".." in name.split("/")
        or any(not c.isprintable() for c in name)
    )
    if is_bad:
        raise ModelFileError(f"a member has the name {name[:80]!r}, which is no path inside it.")
    if info.comment:
        raise ModelFileError(f"member {name!r} has a comment.")
    if info.flag_bits & _FLAG_ENCRYPTED:
        raise ModelFileError(f"member {name!r} is encrypted.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(
            f"member {name!r} is compressed by method {info.compress_type}; expected 0 or 8."
        )
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        raise ModelFileError(
            f"member {name!r} is stored as it is, but has {info.file_size} bytes in "
            f"{info.compress_size}."
        )


def _start_of(file: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin, if its local header agrees with the directory."""
    name = info.filename
    file.seek(info.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
        raise ModelFileError(f"there is no local header of member {name!r}.")
    fields = _LOCAL.unpack(header)
    _, _, flags, method, _, _, crc, _, _, name_size, extra_size = fields
    local_name = file.read(name_size)
    stored, size = _sizes(fields, file.read(extra_size))
    expected: tuple[int, int, int] = (info.CRC, info.compress_size, info.file_size)
    if flags & _FLAG_SIZES_FOLLOW and (crc, stored, size) == (0, 0, 0):
        expected = (0, 0, 0)
    is_same_name = local_name == name.encode("utf-8" if flags & 0x800 else "cp437")
    if not is_same_name or method != info.compress_type or flags != info.flag_bits:
        raise ModelFileError(f"the local header of member {name!r} names another one.")
    if (crc, stored, size) != expected:
        raise ModelFileError(
            f"the local header of member {name!r} says {size} bytes in {stored}, the directory "
            f"{info.file_size} in {info.compress_size}, or their checksums differ."
        )
    return info.header_offset + _LOCAL.size + name_size + extra_size


def _sizes(fields: tuple[int, ...], extra: bytes) -> tuple[int, int]:
    """(stored, uncompressed) of a local header, also those in its zip64 field."""
    stored, size = fields[7], fields[8]
    if stored != _MANY and size != _MANY:
        return stored, size
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _ZIP64 and len(field) >= 16:  # uncompressed, stored
            big, small = struct.unpack_from("<QQ", field)
            return (small if stored == _MANY else stored), (big if size == _MANY else size)
    return stored, size
