"""Writes the model of one file into another, by the endings of their names.

  from                     .keras, .h5 and .hdf5 of Keras 2 and 3, .nnseq
  to .keras                for Python: nnseq and Keras 3
  to .nnseq                for C++, C and Python: the steps as graphs, and all state
  to .onnx                 for programs that run ONNX: what predict computes

Keras' older .h5 files are read and not written."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from nnseq.command_line.files import open_model, size_text

HELP = "write the model of a file into one of another format"
EPILOG = """\
examples:
  nnseq convert model.h5 model.keras
  nnseq convert model.keras model.nnseq --classes cat dog
  nnseq convert model.keras model.nnseq --no-compile     smaller: it predicts, and no more
  nnseq convert model.keras model.onnx
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="A", help="a .keras, .h5, .hdf5 or .nnseq file")
    parser.add_argument("target", metavar="B", help="a .keras, .nnseq or .onnx file, replaced")
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME",
        help="labels of the classes, kept in a .nnseq or .onnx file (default: those of A)",
    )  # fmt: skip
    parser.add_argument(
        "--no-compile", action="store_true",
        help="leave out how the model is trained, and the state of the optimizer",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    target = Path(args.target)
    if target.suffix in (".h5", ".hdf5"):
        raise ValueError(f"{target}: .h5 files are read, not written; write a .keras file.")
    if target.suffix not in (".keras", ".nnseq", ".onnx"):
        raise ValueError(f"{target}: what is written is a .keras, .nnseq or .onnx file.")
    if target.exists() and Path(args.source).exists() and os.path.samefile(args.source, target):
        raise ValueError(f"{target}: is the file that is read; give another name.")
    model, classes = open_model(args.source, compile=not args.no_compile)
    _write(model, target, args.classes or classes, args.source)
    print(f"{target}: {size_text(target)}")


def _write(model: Any, target: Path, classes: list[str], source: str) -> None:
    from nnseq.training.graph_model import GraphModel

    has_layers = not isinstance(model, GraphModel)
    if target.suffix == ".keras" and has_layers:
        model.save(target)
    elif target.suffix == ".keras":
        raise ValueError(
            f"{source} holds graphs without the layers that they were made of: it can become an "
            ".onnx file, not a .keras file."
        )
    elif has_layers:
        model.export(target, format=target.suffix[1:], classes=classes)
    else:
        model.classes = classes
        model.export(target, format=target.suffix[1:])
