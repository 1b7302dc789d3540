"""Event files as TensorBoard reads them: records with checksums around protocol buffers."""

import functools
import os
import struct
import time
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np


@functools.cache
def _checksum_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, crc = _checksum_table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Length, its checksum, data, their checksum; checksums are masked as TFRecord has it."""

    def masked(part: bytes) -> bytes:
        crc = crc32c(part)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


# --- protocol buffers: a field is its number and kind, then a varint, eight bytes, or bytes ------
def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


_TYPES = {"float32": 1, "float64": 2}
_STRING = 7


def _tensor(value: Any) -> bytes:
    """TensorProto: dtype = 1, tensor_shape = 2, tensor_content = 4, string_val = 8."""
    if isinstance(value, str):
        return _number(1, _STRING) + _bytes(2, b"") + _bytes(8, value)
    array = np.asarray(value)
    shape = b"".join(_bytes(2, _number(1, size)) for size in array.shape)
    content = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return _number(1, _TYPES[array.dtype.name]) + _bytes(2, shape) + _bytes(4, content)


def _value(tag: str, content: Any, plugin: str, data_class: int, version: bytes = b"") -> bytes:
    """Summary.Value: tag = 1, tensor = 8, metadata = 9 {plugin_data = 1, data_class = 4}."""
    data = _bytes(1, plugin) + (_bytes(2, version) if version else b"")
    metadata = _bytes(1, data) + _number(4, data_class)
    return _bytes(1, tag) + _bytes(8, _tensor(content)) + _bytes(9, metadata)


_SCALAR, _TENSOR = 1, 2  # data classes
_BUCKETS = 30


def scalar(tag: str, number: float) -> bytes:
    """A Summary.Value of one number."""
    return _value(tag, np.float32(number), "scalars", _SCALAR)


def histogram(tag: str, numbers: np.ndarray) -> bytes:
    """A Summary.Value of 30 buckets of equal width: rows (left end, right end, count)."""
    finite = numbers[np.isfinite(numbers)].astype("float64")
    counts, ends = np.histogram(finite, _BUCKETS)
    return _value(tag, np.stack([ends[:-1], ends[1:], counts], 1), "histograms", _TENSOR)


def model_graph(config: str) -> bytes:
    """A Summary.Value of the configuration of a Keras model, which the graph page shows."""
    return _value("keras", config, "graph_keras_model", 0, b"1")


class EventFile:
    """A new file of events in a directory, which is made."""

    def __init__(self, directory: str) -> None:
        from socket import gethostname  # not needed until a file is written

        os.makedirs(directory, exist_ok=True)
        stem = f"events.out.tfevents.{int(time.time()):010d}.{gethostname()}.{os.getpid()}"
        path, index = os.path.join(directory, f"{stem}.0.v2"), 0
        while os.path.exists(path):
            index += 1
            path = os.path.join(directory, f"{stem}.{index}.v2")
        self._file: BinaryIO = open(path, "xb")  # noqa: SIM115 (closed by close)
        self._write(_bytes(3, "brain.Event:2"))

    def _write(self, fields: bytes) -> None:
        """Event: wall_time = 1, step = 2, file_version = 3, summary = 5."""
        self._file.write(record(_double(1, time.time()) + fields))

    def add(self, values: Iterable[bytes], step: int) -> None:
        """One event with these values (`scalar`, `histogram`, `model_graph`)."""
        summary = b"".join(_bytes(1, entry) for entry in values)
        self._write(_number(2, step) + _bytes(5, summary))

    def flush(self) -> None:
        """Everything added so far can be read."""
        self._file.flush()

    def close(self) -> None:
        """The file is complete."""
        self._file.close()
