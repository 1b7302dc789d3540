"""Shows what is in a model file: the layers, inputs and outputs, and for each step of the model
(predict; train and evaluate, if the file says how) the memory that a run takes beside the
parameters, planned for each batch size without running anything."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nnseq.command_line.files import open_model, size_text
from nnseq.command_line.shapes import add_dims, concrete, positive

HELP = "show layers, sizes, memory plan and graph of a file"
EPILOG = """\
examples:
  nnseq info digits.keras
  nnseq info digits.keras --batch-size 1 256
  nnseq info digits.nnseq --step train --graph     the graph as it was traced
  nnseq info digits.nnseq --plan --batch-size 8    what is run, and where its results are
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .keras, .h5, .hdf5 or .nnseq file")
    parser.add_argument(
        "--batch-size", type=positive, nargs="+", default=[1, 32], metavar="N",
        help="samples of a run (default: 1 32)",
    )  # fmt: skip
    add_dims(parser)
    parser.add_argument("--graph", action="store_true", help="print the graph of a step too")
    parser.add_argument("--plan", action="store_true", help="print what is run and where it writes")
    parser.add_argument(
        "--step", choices=("predict", "train", "evaluate"), default="predict",
        help="the step for --graph and --plan (default: predict)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    model, classes = open_model(args.file)
    functions, problem = _functions(model)
    if (args.graph or args.plan) and args.step not in functions:
        found = ", ".join(functions) or f"none: {problem}"
        raise ValueError(f"{args.file} has no step to {args.step}; it has {found}.")
    print(f"{args.file}: {size_text(Path(args.file))}")
    if model.built:
        model.summary()
    else:
        print(f'Model: "{model.name}", which has no weights yet: its input is not known')
    if classes:
        print(f" Classes: {', '.join(classes)}")
    if not functions:
        print(f" No graph: {problem}")
        return
    _print_tensors(functions["predict"])
    _print_memory(functions, args.batch_size, args.dims)
    step = functions.get(args.step, functions["predict"])
    if args.graph:
        print(f"\nGraph of {args.step}:\n{step.graph}", end="")
    if args.plan:
        for batch_size in args.batch_size:
            program = step.program(concrete(step, batch_size, args.dims))
            print(f"\nPlan of {args.step}, batch size {batch_size}:\n{program}", end="")


def _functions(model: Any) -> tuple[dict[str, Any], str]:
    """The steps of the model by name; or none, and why."""
    from nnseq.saving.errors import one_line
    from nnseq.saving.native import model_file

    try:
        return dict(model_file(model).functions), ""
    except (ValueError, TypeError, NotImplementedError) as error:
        return {}, one_line(error)


def _print_tensors(predict: Any) -> None:
    for what, tensors in (("Input", predict.inputs), ("Output", predict.outputs)):
        for name, dtype, shape in tensors:
            print(f" {what}: {name}, {dtype} {shape}")


def _print_memory(functions: dict[str, Any], batch_sizes: list[int], dims: int) -> None:
    from nnseq.utils.sizes import readable

    print("\nMemory of a run, beside the parameters:")
    head = "".join(f"{f'batch {n}':>14}" for n in batch_sizes)
    print(f" {'step':<10}{'nodes':>7}{'kernels':>9}{head}")
    for name, step in functions.items():
        programs = [step.program(concrete(step, n, dims)) for n in batch_sizes]
        sizes = "".join(f"{readable(p.arena_bytes + p.scratch_bytes):>14}" for p in programs)
        print(f" {name:<10}{step.graph.num_nodes:>7}{programs[0].num_steps:>9}{sizes}")
