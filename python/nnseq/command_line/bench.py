"""Measures one step of the model in a file: predict and, if the file says how it is trained, a
training step. The inputs are random numbers (ones, where the model takes whole numbers). A line
tells the median and the 90th percentile of the times of a step, and the samples per second."""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

from nnseq.command_line.files import open_model
from nnseq.command_line.shapes import add_dims, concrete, positive

HELP = "measure predict and a training step"
EPILOG = """\
examples:
  nnseq bench digits.keras
  nnseq bench digits.nnseq --batch-size 1 8 64 --threads 1 2
  nnseq bench digits.nnseq --seconds 10 --predict-only
"""
_LEAST, _MOST = 5, 100_000  # runs of a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .keras, .h5, .hdf5 or .nnseq file")
    parser.add_argument(
        "--batch-size", type=positive, nargs="+", default=[1, 32], metavar="N",
        help="samples of a step (default: 1 32)",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=positive, nargs="+", metavar="N",
        help="threads (default: as every program, by NNSEQ_NUM_THREADS)",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="how long each line is measured (default: 1)"
    )
    parser.add_argument("--predict-only", action="store_true", help="without the training step")
    add_dims(parser)


def run(args: argparse.Namespace) -> None:
    model, _ = open_model(args.file, compile=not args.predict_only)
    from nnseq import _core
    from nnseq.saving.native import model_file

    # Its steps are traced on a copy, so that training them changes no model and no file.
    functions = dict(model_file(model).functions)
    steps = ["predict"] if args.predict_only else ["predict", "train"]
    before = _core.num_threads()
    print(f"{args.file}: {_core.isa()} on {before} threads, unless the line says otherwise")
    print(f"{'step':<8} {'batch':>6} {'threads':>7} {'median':>11} {'p90':>11} {'samples/s':>12}")
    try:
        for name, batch_size, threads in itertools.product(
            (name for name in steps if name in functions),
            args.batch_size,
            args.threads or [before],
        ):
            _core.set_num_threads(threads)
            times = _measure(functions[name], batch_size, args.dims, args.seconds)
            median, p90 = times[len(times) // 2], times[len(times) * 9 // 10]
            print(
                f"{name:<8} {batch_size:>6} {threads:>7} {_milliseconds(median):>11} "
                f"{_milliseconds(p90):>11} {batch_size / median:>12,.0f}",
                flush=True,
            )
    finally:
        _core.set_num_threads(before)


def _measure(function: Any, batch_size: int, dims: int, seconds: float) -> list[float]:
    """The seconds of each run, sorted. The runs of the first tenth are not counted."""
    arrays = _arrays(function, concrete(function, batch_size, dims))
    clock = time.perf_counter
    start = clock()
    function(*arrays)
    while clock() - start < seconds / 10:
        function(*arrays)
    times: list[float] = []
    start = now = clock()
    while len(times) < _LEAST or (now - start < seconds and len(times) < _MOST):
        began = clock()
        function(*arrays)
        now = clock()
        times.append(now - began)
    return sorted(times)


def _arrays(function: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    """Data for a step: index 1 is in every vocabulary and is no padding, class 0 always there."""
    import numpy as np

    random = np.random.default_rng(0)
    found = []
    for (name, dtype, _), shape in zip(function.inputs, shapes, strict=True):
        if dtype.startswith("float"):
            found.append(random.random(shape, np.float32))
        else:
            found.append(np.full(shape, not name.startswith("target"), dtype))
    return found


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3f} ms"
