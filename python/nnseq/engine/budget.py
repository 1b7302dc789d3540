"""How many bytes of Variables a file may ask for, counted while a model is made from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from nnseq._core import ModelFileError

_LARGEST_RANK = 32
_left: ContextVar[list[int] | None] = ContextVar("left", default=None)


@contextmanager
def budget(size: int) -> Iterator[None]:
    """Inside, Variables that are made may take so many bytes in all."""
    token = _left.set([size])
    try:
        yield
    finally:
        _left.reset(token)


def charge(shape: tuple[int, ...], dtype: str, what: str) -> None:
    """Counts a Variable of this shape, before it is made; free outside of `budget`.

    Raises:
        ModelFileError: if the bytes that are left do not suffice.
    """
    left = _left.get()
    if left is None:
        return
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > left[0] or len(shape) > _LARGEST_RANK:
        raise ModelFileError(
            f"the configuration asks for {what} of shape {shape}, {size} bytes, but the file "
            f"holds no weights of that size ({max(left[0], 0)} bytes are left for it)."
        )
    left[0] -= size
