"""Shapes for steps of a model whose sizes are open."""

from __future__ import annotations

import argparse
from typing import Any


def positive(text: str) -> int:
    """An int of at least 1, as a type of arguments."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def add_dims(parser: argparse.ArgumentParser) -> None:
    """The option --dims."""
    parser.add_argument(
        "--dims", type=positive, default=32, metavar="N",
        help="size of dims that the model leaves open, as steps of a sequence (default: 32)",
    )  # fmt: skip


def concrete(function: Any, batch_size: int, dims: int) -> list[tuple[int, ...]]:
    """The shapes of the inputs of a step: the first dim counts samples."""
    return [
        tuple(
            (dims if axis else batch_size) if size is None else size
            for axis, size in enumerate(shape)
        )
        for _, _, shape in function.inputs
    ]
