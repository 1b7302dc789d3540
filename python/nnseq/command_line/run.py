"""Runs a command: its arguments, its errors in one line, and the status of the process."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from nnseq import __version__
from nnseq.command_line import bench, convert, info, predict

PACKAGE = Path(__file__).parents[1]
COMMANDS = (info, convert, predict, bench)
EPILOG = """\
examples:
  nnseq info digits.keras                      what is in a file
  nnseq convert digits.keras digits.nnseq      for programs in C++ and C
  nnseq predict digits.nnseq images.npy        a line for each sample
  nnseq bench digits.nnseq --batch-size 1 64   how fast it is
  cmake -Dnnseq_DIR=$(nnseq --cmake-dir) ...   build a program in C++ against this package

`nnseq COMMAND --help` tells more. The status is 0, 1 for an error, 2 for wrong arguments.
"""
_INTERRUPTED, _PIPE_CLOSED = 130, 141  # as a shell shows SIGINT and SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: without the name of the program; None: those of the process.

    Returns:
        The status of the process. What went wrong is written to stderr, in one line.
    """
    try:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning  # type: ignore[assignment]
                return _run(arguments)
        finally:
            sys.stdout.flush()
    except SystemExit as stop:  # of argparse: after --help, or for wrong arguments
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except Exception as error:
        print(f"nnseq: {_line(error)}", file=sys.stderr)
        return 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def _run(arguments: Sequence[str] | None) -> int:
    parser = _Parser(
        prog="nnseq",
        description="Models in files: what is in them, other formats, predictions, speed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nnseq {__version__}")
    folders = parser.add_mutually_exclusive_group()
    for name, what in (("cmake", "the CMake package"), ("include", "the headers")):
        folders.add_argument(
            f"--{name}-dir", action="store_const", const=name, dest="folder",
            help=f"print where {what} of this installation is",
        )  # fmt: skip
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    found = parser.parse_args(arguments)
    if found.folder is not None:
        return _print_folder(found.folder)
    if not hasattr(found, "run"):
        parser.error("a command is missing: info, convert, predict or bench")
    found.run(found)
    return 0


def _print_folder(name: str) -> int:
    folder = PACKAGE / name
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is there in an installed wheel only")
    print(folder)
    return 0


def _line(error: BaseException) -> str:
    """What is said of an error."""
    from nnseq.saving.errors import one_line

    if isinstance(error, OSError) and error.strerror:
        named = "" if error.filename is None else f"{error.filename}: "
        return one_line(f"{named}{error.strerror}", 400)
    return one_line(error, 400)


def _show_warning(message: Any, *where: Any) -> None:
    print(f"nnseq: warning: {_line(message)}", file=sys.stderr)
