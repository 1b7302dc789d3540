"""The error of every file that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nnseq._core import ModelFileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ModelFileError", "naming", "one_line"]

# What a configuration that was not made by Keras may lead to.
_BAD = (
    TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError, MemoryError,
    OverflowError, NotImplementedError, ZeroDivisionError, AssertionError,
)  # fmt: skip
_LONGEST = 390


def one_line(error: BaseException | str, limit: int = 300) -> str:
    """The message of an error without line breaks, shortened in the middle."""
    if isinstance(error, BaseException):
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        text = text or type(error).__name__
    else:
        text = error
    text = " ".join(text.split())
    # What a file holds may be no text that can be printed.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = "".join(c if c.isprintable() else "?" for c in text)
    if len(text) > limit:
        text = f"{text[: limit // 2 - 3]} ... {text[3 - limit // 2 :]}"
    return text


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors in a file are ModelFileErrors of one line that name the file."""
    try:
        yield
    except _BAD as error:
        text, name = one_line(error), one_line(str(path), 200)
        if name in text:
            raise ModelFileError(text) from error
        raise ModelFileError(f"{name}: {one_line(text, _LONGEST - 2 - len(name))}") from error
