"""Output in notebooks."""

import importlib
import sys


def is_shown() -> bool:
    """Whether what is printed now goes to a notebook: not to a terminal, a file or a string."""
    return type(sys.stdout).__module__.startswith("ipykernel")


def show(html: str, text: str) -> None:
    """Shows HTML; front ends without HTML show the text."""
    display = importlib.import_module("IPython.display").display

    sys.stdout.flush()
    display({"text/html": html, "text/plain": text}, raw=True)
