"""An HDF5 file that is walked through before a number of it is read.

What is not the plain use that Keras makes of HDF5 is refused: links, data in other files, one
object at two places, extents outside of the file or over one another, and sizes beyond the bytes
that are there. libhdf5 reads the structure itself; what it holds against is its own affair.
"""

from __future__ import annotations

import math
import struct
from typing import IO, Any

import numpy as np

from nnseq.saving.checksum import ATTRIBUTE, damage
from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.files import size_of
from nnseq.saving.limits import limits

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_END_OF_FILE = {0: 40, 1: 44, 2: 28, 3: 28}  # where it stands in each version of the superblock
_FILTERS = frozenset({1, 2, 3})  # deflate, shuffle, fletcher32
_FAULTS = (OSError, ValueError, RuntimeError, KeyError, TypeError, OverflowError)  # of libhdf5
_CHUNKS = 1_000_000


class Contents:
    """The groups and datasets of a file that passed, by path, and the bytes of all datasets."""

    def __init__(self, h5: Any, size: int) -> None:
        self.groups: dict[str, Any] = {"": h5["/"]}
        self.datasets: dict[str, Any] = {}
        self.size = 0
        self._stored = 0
        self._extents: list[tuple[int, int, str]] = []
        self._walk()
        self._check_extents(size)
        if self.size > self._stored + limits.spare_bytes:
            raise ModelFileError(
                f"its datasets claim {self.size} bytes, but {self._stored} are stored for them."
            )

    def _walk(self) -> None:
        import h5py

        seen = {h5py.h5o.get_info(self.groups[""].id).addr}
        waiting = [""]
        while waiting:
            place = waiting.pop()
            group = self.groups[place]
            for name in group:
                path = f"{place}/{name}" if place else name
                item = _linked(group, name, path)
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    raise ModelFileError(f"'{path}' is also at another place of the file.")
                seen.add(address)
                if len(seen) > limits.datasets:
                    raise ModelFileError(f"it has more than {limits.datasets} groups and datasets.")
                if isinstance(item, h5py.Group):
                    self.groups[path] = item
                    waiting.append(path)
                elif isinstance(item, h5py.Dataset):
                    self._check_dataset(item, path)
                    self.datasets[path] = item
                else:
                    raise ModelFileError(f"'{path}' is neither a group nor a dataset.")

    def _check_dataset(self, dataset: Any, path: str) -> None:
        from h5py import h5d

        shape = dataset.shape or ()
        if len(shape) > limits.rank:
            raise ModelFileError(
                f"'{path}' has {len(shape)} dimensions; the most are {limits.rank}."
            )
        width = dataset.id.get_type().get_size()
        size = math.prod(shape) * width
        plist = dataset.id.get_create_plist()
        layout = plist.get_layout()
        if layout == h5d.VIRTUAL or plist.get_external_count():
            raise ModelFileError(f"'{path}' takes its data from another file, which is refused.")
        if layout == h5d.COMPACT:
            self._stored += size
        elif layout == h5d.CONTIGUOUS:
            if (offset := dataset.id.get_offset()) is not None:
                self._add_extent(offset, dataset.id.get_storage_size(), path)
        else:
            used = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
            if not _FILTERS.issuperset(used):
                raise ModelFileError(f"'{path}' is compressed in a way that is not read: {used}.")
            size = max(size, math.prod(plist.get_chunk()) * width)
            self._add_chunks(dataset, path)
        self.size += size

    def _add_chunks(self, dataset: Any, path: str) -> None:
        if dataset.id.get_num_chunks() > _CHUNKS:
            raise ModelFileError(f"'{path}' is in more than {_CHUNKS} pieces.")
        dataset.id.chunk_iter(lambda chunk: self._add_extent(chunk.byte_offset, chunk.size, path))

    def _add_extent(self, start: int, size: int, path: str) -> None:
        if size:
            self._stored += size
            self._extents.append((start, start + size, path))

    def _check_extents(self, size: int) -> None:
        last, other = 0, ""
        for start, end, path in sorted(self._extents):
            if start < last:
                raise ModelFileError(f"the bytes of '{path}' are also those of '{other}'.")
            if end > size:
                raise ModelFileError(
                    f"the bytes of '{path}' end at {end}, behind the end of the file at {size}."
                )
            last, other = end, path


def _linked(group: Any, name: str, path: str) -> Any:
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ModelFileError(f"'{path}' is a link to another place, which is not followed.")
    try:
        return group[name]
    except _FAULTS as error:
        raise ModelFileError(f"'{path}' cannot be opened: {one_line(error, 200)}") from None


def open_h5(file: IO[bytes]) -> tuple[Any, Contents]:
    """The h5py.File in a file, to be closed, and its contents.

    Raises:
        ModelFileError: if it is no HDF5 file, is cut short, or is not plain.
    """
    import h5py

    size = size_of(file)
    _check_start(file, size)
    what = damage(file)
    try:
        h5 = h5py.File(file, "r")
    except _FAULTS as error:
        what = what or f"not a readable HDF5 file: {one_line(error, 200)}"
        raise ModelFileError(what) from None
    try:
        if what is not None and ATTRIBUTE in h5.attrs:
            raise ModelFileError(what)
        return h5, Contents(h5, size)
    except _FAULTS as error:
        h5.close()
        raise ModelFileError(one_line(error)) from None


def _check_start(file: IO[bytes], size: int) -> None:
    file.seek(0)
    start = file.read(64)
    if not start.startswith(_SIGNATURE):
        raise ModelFileError(
            f"not a readable HDF5 file: it does not begin like one ({size} bytes)."
        )
    version = start[8] if len(start) > 8 else -1
    where = _END_OF_FILE.get(version)
    if len(start) < 64:
        raise ModelFileError(f"it is truncated: at least 64 bytes expected, found {size}.")
    if where is None:
        raise ModelFileError(f"its HDF5 superblock has version {version}; expected 0 to 3.")
    [end] = struct.unpack_from("<Q", start, where)
    if end > size:
        raise ModelFileError(f"it is truncated: {end} bytes expected, found {size}.")


def numbers(dataset: Any, path: str) -> Any:
    """A dataset of numbers that can be read, or the array of it where h5py has no such type.

    Raises:
        ModelFileError: for another type.
    """
    from h5py import h5t

    kind = dataset.id.get_type()
    dtype = dataset.dtype
    if dtype == np.dtype("V2") and _is_bfloat16(dataset):
        return (dataset[()].view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    is_plain = (
        dataset.shape is not None
        and kind.get_class() in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM)
        and dtype.kind in "fiub"
        and dtype.itemsize <= 8
        and (dtype.kind == "b" or kind.equal(h5t.py_create(dtype)))
    )
    if not is_plain:
        raise ModelFileError(f"'{path}' has the type {dtype}, which is not of numbers.")
    if limits.round_float64 and dtype.kind == "f" and dtype.itemsize == 8:
        return dataset[()].astype(np.float32)
    return dataset


def _is_bfloat16(dataset: Any) -> bool:
    said = dataset.attrs.get("dtype", "")
    return (said.decode() if isinstance(said, bytes) else said) == "bfloat16"
