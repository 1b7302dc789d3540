"""What nnseq prints, for every kind of standard output."""

import logging
import sys

from nnseq.engine.settings import settings


def write(text: str) -> None:
    """Writes to standard output and flushes it; characters it cannot encode are replaced. Without
    interactive logging the logger "nnseq" gets the line."""
    if not settings.interactive_logging:
        if line := text.strip():
            logging.getLogger("nnseq").info(line)
        return
    out = sys.stdout
    if out is None:  # a windowed program without a console
        return
    try:
        out.write(text)
    except UnicodeEncodeError:
        encoding = out.encoding or "utf-8"
        out.write(text.replace("━", "=").encode(encoding, errors="replace").decode(encoding))
    out.flush()


def print_msg(message: str) -> None:
    """Writes one line."""
    write(f"{message}\n")
