"""Hashes of bytes to 64 bits, the same as TensorFlow's, with which Keras' layers put words in bins.

FarmHash Fingerprint64 (github.com/google/farmhash) and SipHash-2-4 (Aumasson and Bernstein 2012).
"""

from __future__ import annotations

_MASK = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _right(x: int, by: int) -> int:
    """The low 64 bits of x turned right."""
    x &= _MASK
    return (x >> by | x << 64 - by) & _MASK


def _word(data: bytes, at: int, size: int = 8) -> int:
    """A little-endian word; counted from the end if `at` is negative."""
    at = at if at >= 0 else len(data) + at
    return int.from_bytes(data[at : at + size], "little")


def _mixed(x: int) -> int:
    x &= _MASK
    return x ^ x >> 47


def _joined(u: int, v: int, factor: int) -> int:
    a = _mixed((u ^ v) * factor)
    b = _mixed((v ^ a) * factor)
    return b * factor & _MASK


def fingerprint64(data: bytes) -> int:
    """FarmHash's Fingerprint64.

    >>> hex(fingerprint64(b"test"))
    '0x7717383daa85b5b2'
    """
    length = len(data)
    if length <= 16:
        return _up_to_16(data, length)
    if length <= 64:
        return _up_to_64(data, length)
    return _longer(data, length)


def _up_to_16(data: bytes, length: int) -> int:
    factor = _K2 + 2 * length
    if length >= 8:
        a, b = _word(data, 0) + _K2, _word(data, -8)
        c, d = _right(b, 37) * factor + a, (_right(a, 25) + b) * factor
        return _joined(c & _MASK, d & _MASK, factor)
    if length >= 4:
        return _joined(length + (_word(data, 0, 4) << 3), _word(data, -4, 4), factor)
    if length == 0:
        return _K2
    y = data[0] + (data[length >> 1] << 8)
    z = length + (data[-1] << 2)
    return _mixed(y * _K2 ^ z * _K0) * _K2 & _MASK


def _up_to_64(data: bytes, length: int) -> int:
    factor = _K2 + 2 * length
    a, b = _word(data, 0) * (_K1 if length <= 32 else _K2), _word(data, 8)
    c, d = _word(data, -8) * factor, _word(data, -16) * _K2
    y = _right(a + b, 43) + _right(c, 30) + d & _MASK
    z = a + _right(b + _K2, 18) + c & _MASK
    if length <= 32:
        return _joined(y, z, factor)
    z = _joined(y, z, factor)
    e, f = _word(data, 16) * factor, _word(data, 24)
    g, h = (y + _word(data, -32)) * factor, (z + _word(data, -24)) * factor
    low, high = _right(e + f, 43) + _right(g, 30) + h, e + _right(f + a, 18) + g
    return _joined(low & _MASK, high & _MASK, factor)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(data, at + 8 * k) for k in range(4))
    a += w
    b = _right(b + a + z, 21)
    c = a
    a += x + y
    b += _right(a, 44)
    return a + z & _MASK, b + c & _MASK


def _longer(data: bytes, length: int) -> int:
    x, y = 81, 81 * _K1 + 113
    z = _mixed(y * _K2 + 113) * _K2
    v, w = (0, 0), (0, 0)
    x = x * _K2 + _word(data, 0)
    for at in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = _block(data, at, x, y, z, v, w, _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    w = w[0] + (length - 1 & 63), w[1]
    v = v[0] + w[0], v[1]
    w = w[0] + v[0], w[1]
    x, y, z, v, w = _block(data, length - 64, x, y, z, v, w, factor, 9)
    return _joined(
        _joined(v[0], w[0], factor) + _mixed(y) * _K0 + z & _MASK,
        _joined(v[1], w[1], factor) + x & _MASK,
        factor,
    )


def _block(
    data: bytes, at: int, x: int, y: int, z: int, v: tuple[int, int], w: tuple[int, int],
    factor: int, weight: int,
) -> tuple[int, int, int, tuple[int, int], tuple[int, int]]:  # fmt: skip
    x = _right(x + y + v[0] + _word(data, at + 8), 37) * factor
    y = _right(y + v[1] + _word(data, at + 48), 42) * factor
    x = (x ^ w[1] * weight) & _MASK
    y = y + v[0] * weight + _word(data, at + 40) & _MASK
    z = _right(z + w[0], 33) * factor & _MASK
    v = _weak(data, at, v[1] * factor, x + w[0])
    w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w


def siphash(data: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 with a key of two words.

    >>> hex(siphash(bytes(range(15)), (0x0706050403020100, 0x0F0E0D0C0B0A0908)))
    '0xa129ca6149be45e5'
    """
    k0, k1 = (k & _MASK for k in key)
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for at in range(0, len(padded), 8):
        word = _word(padded, at)
        v0, v1, v2, v3 = _round(*_round(v0, v1, v2, v3 ^ word))
        v0 ^= word
    v2 ^= 0xFF
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


def _round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0, v2 = v0 + v1 & _MASK, v2 + v3 & _MASK
    v1, v3 = _right(v1, 64 - 13) ^ v0, _right(v3, 64 - 16) ^ v2
    v0, v2 = _right(v0, 32) + v3 & _MASK, v2 + v1 & _MASK
    v3, v1 = _right(v3, 64 - 21) ^ v0, _right(v1, 64 - 17) ^ v2
    return v0, v1, _right(v2, 32), v3
