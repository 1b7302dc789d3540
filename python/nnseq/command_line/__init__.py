"""The command line: `nnseq COMMAND ...` and `python -m nnseq COMMAND ...`.

A module for each command, which imports what it needs when it is run: `nnseq --version` and
`nnseq --help` load neither the layers nor NumPy.
"""

from nnseq.command_line.run import main

__all__ = ["main"]
