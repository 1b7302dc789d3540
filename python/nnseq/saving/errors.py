"""The error of every file that cannot be read."""

from nnseq._core import ModelFileError

__all__ = ["ModelFileError", "one_line"]


def one_line(error: BaseException, limit: int = 300) -> str:
    """The message of an error without line breaks, shortened in the middle."""
    text = " ".join(str(error.args[0] if isinstance(error, KeyError) else error).split())
    if len(text) > limit:
        text = f"{text[: limit // 2]} ... {text[-limit // 2 :]}"
    return text or type(error).__name__
