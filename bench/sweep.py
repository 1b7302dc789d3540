"""The cost of a training step of the MLP 784-width-width-10 against batch, width and threads."""

import argparse
import os
import statistics
from typing import Any

import measure

BATCHES = (1, 8, 32, 128, 512)
WIDTHS = (32, 128, 512, 2048)


def points() -> dict[str, list[tuple[int, str, int | None]]]:
    """For each axis its points: (value, model, threads; None: as the command line says)."""
    cores = len(os.sched_getaffinity(0))
    counts = sorted({1, 2, 4, cores} & set(range(1, cores + 1)))
    return {
        "batch": [(b, f"mlp_w512_b{b}", None) for b in BATCHES],
        "width": [(w, f"mlp_w{w}_b32", None) for w in WIDTHS],
        "threads": [(t, "mlp_w512_b128", t) for t in counts],
    }


def run(chosen: list[str], args: argparse.Namespace) -> dict[str, Any]:
    """axis -> value -> engine -> microseconds of a step: the median over the rounds."""
    print(f"\n{'axis':8} {'value':>6}" + "".join(f" {engine:>16}" for engine in chosen))
    figures: dict[str, Any] = {}
    for axis, along in points().items():
        figures[axis] = {}
        for value, name, threads in along:
            times: dict[str, list[float]] = {engine: [] for engine in chosen}
            for _ in range(args.rounds):
                for engine in chosen:
                    found = measure.in_process(
                        engine, name, threads or args.threads, args.epochs, args.steps, 0.1
                    )
                    if "missing" not in found:
                        times[engine].append(found["step_us"])
            medians = {e: statistics.median(t) for e, t in times.items() if t}
            figures[axis][value] = medians
            cells = (f" {medians[e]:16.1f}" if e in medians else f" {'-':>16}" for e in chosen)
            print(f"{axis:8} {value:6}" + "".join(cells), flush=True)
    return figures
