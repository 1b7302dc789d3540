"""Predicts for the samples in a .npy file, or, for a model of several inputs, in a .npz file whose
arrays have the names of the inputs. Without OUTPUT each sample is a line on standard output: its
number and the outputs, or, if the file knows the labels of the classes, the best and its score."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnseq.command_line.files import open_model
from nnseq.command_line.shapes import positive

if TYPE_CHECKING:
    import numpy as np

HELP = "predict for the samples in a .npy or .npz file"
EPILOG = """\
examples:
  nnseq predict digits.nnseq images.npy
  nnseq predict prices.keras houses.npz prices.npy
  nnseq predict digits.keras images.npy | cut -d ' ' -f 2 | sort | uniq -c
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="MODEL", help="a .keras, .h5, .hdf5 or .nnseq file")
    parser.add_argument("input", metavar="INPUT", help="a .npy or .npz file; axis 0: the samples")
    parser.add_argument(
        "output", metavar="OUTPUT", nargs="?",
        help="a .npy file, or a .npz file with an array for each output",
    )  # fmt: skip
    parser.add_argument(
        "--batch-size", type=positive, default=32, metavar="N",
        help="samples that are computed together (default: 32)",
    )  # fmt: skip
    parser.add_argument("--threads", type=positive, metavar="N", help="threads to use")


def run(args: argparse.Namespace) -> None:
    target = None if args.output is None else Path(args.output)
    if target is not None and target.suffix not in (".npy", ".npz"):
        raise ValueError(f"{target}: predictions are written into a .npy or .npz file.")
    arrays = _read(Path(args.input))
    model, classes = open_model(args.file, compile=False)
    from nnseq import _core

    if args.threads is not None:
        _core.set_num_threads(args.threads)
    outputs = _named(model, _predict(model, _inputs(model, arrays, args.input), args.batch_size))
    if target is None:
        _print(outputs, classes)
    else:
        _write(target, outputs)
        shapes = ", ".join(f"{name} {array.shape}" for name, array in outputs.items())
        print(f"{target}: {shapes}")


# --- files of arrays ------------------------------------------------------------------------------
def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name; that of a .npy file is called ""."""
    import numpy as np

    if path.suffix not in (".npy", ".npz"):
        raise ValueError(f"{path}: inputs are read from a .npy or .npz file.")
    try:
        if path.suffix == ".npy":
            return {"": np.load(path, mmap_mode="r", allow_pickle=False)}
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except OSError:
        raise
    except Exception as error:  # what a damaged file leads to
        raise ValueError(f"{path}: is no {path.suffix} file of numbers or strings.") from error


def _write(path: Path, outputs: dict[str, np.ndarray]) -> None:
    import numpy as np

    from nnseq.saving.atomic import atomic_file

    if path.suffix == ".npy" and len(outputs) > 1:
        raise ValueError(
            f"{path}: holds one array, and the model has the outputs {', '.join(outputs)}; write a "
            ".npz file."
        )
    with atomic_file(path) as file:
        if path.suffix == ".npy":
            np.save(file, next(iter(outputs.values())))
        else:
            np.savez(file, allow_pickle=False, **outputs)


# --- inputs and outputs ---------------------------------------------------------------------------
def _inputs(model: Any, arrays: dict[str, np.ndarray], source: str) -> Any:
    """What `predict` takes: the arrays in the order, or by the names, of the model's inputs."""
    names = list(getattr(model, "input_names", None) or [""])
    if len(arrays) == len(names) == 1:
        return next(iter(arrays.values()))
    if set(arrays) == set(names):
        chosen = [arrays[name] for name in names]
    elif list(arrays) == [f"arr_{i}" for i in range(len(names))]:  # np.savez(path, a, b)
        chosen = list(arrays.values())
    else:
        found = ", ".join(arrays) or "none" if source.endswith(".npz") else "one array"
        raise ValueError(
            f"{source}: the model takes the inputs {', '.join(names)} (arrays of a .npz file); "
            f"found: {found}."
        )
    structure = getattr(model, "input", None)
    return dict(zip(names, chosen, strict=True)) if isinstance(structure, dict) else chosen


def _predict(model: Any, x: Any, batch_size: int) -> Any:
    """The outputs; a long run shows a progress line on a terminal's stderr."""
    shows = sys.stderr.isatty()
    with contextlib.redirect_stdout(sys.stderr):
        return model.predict(x, batch_size=batch_size, verbose=1 if shows else 0)


def _named(model: Any, outputs: Any) -> dict[str, np.ndarray]:
    """The outputs by name."""
    from nnseq.training.outputs import output_names, outputs_list

    names = output_names(outputs, getattr(model, "output_names", None))
    arrays = outputs_list(outputs, names)
    return {
        name or f"output_{i}": array
        for i, (name, array) in enumerate(zip(names, arrays, strict=True))
    }


def _print(outputs: dict[str, np.ndarray], classes: list[str]) -> None:
    first = next(iter(outputs.values()))
    if len(outputs) == 1 and classes and first.ndim == 2 and first.shape[1] == len(classes):
        for index, row in enumerate(first):
            best = int(row.argmax())
            print(f"{index} {classes[best]} {row[best]:.6g}")
        return
    for index in range(len(first)):
        values = (
            f"{value:.9g}" for array in outputs.values() for value in array[index].reshape(-1)
        )
        print(index, *values)
