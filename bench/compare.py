"""Training steps and single predictions of nnseq beside its peers, in alternated processes.

    python bench/compare.py [--rounds 3] [--models tiny,text] [--engines nnseq,torch]
                            [--json FILE] [--chart FILE.png] [--sweep] [--sizes]

Each round runs every engine in a process of its own, one after the other, so that none spins on
another's cores; a figure is the median over the rounds, the ratio to the best peer the median of
the rounds' ratios. On a busy machine "cpu us", the time of all cores together, still means
something; --threads 1 keeps threads from waiting for each other. Engines that are not installed,
and layers that one lacks, are left out with a line.
`pip install torch keras jax tensorflow-cpu matplotlib` gives all of them.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from typing import Any

import engines
import measure
import models
import sizes
import sweep

Rounds = list[dict[str, measure.Figures]]
# What measure gives: the name and the digits that are shown.
COLUMNS = {
    "step_us": ("step us", 1),
    "step_cpu_us": ("cpu us", 1),
    "predict_us": ("predict us", 1),
    "call_us": ("call us", 1),
    "peak_mb": ("peak MB", 0),
    "import_s": ("import s", 2),
    "first_epoch_s": ("epoch 1 s", 2),
}
TIMES = ("step_us", "step_cpu_us", "predict_us", "call_us")


def run_model(name: str, chosen: list[str], args: argparse.Namespace) -> Rounds:
    """The figures of every engine that runs this model, round by round."""
    rounds: Rounds = []
    left = list(chosen)
    for _ in range(args.rounds):
        rounds.append({})
        for engine in list(left):
            figures = measure.in_process(
                engine, name, args.threads, args.epochs, args.steps, args.seconds, args.timeout
            )
            if "missing" in figures:
                print(f"{name}: {engine} is left out: {figures['missing']}", flush=True)
                left.remove(engine)
            else:
                rounds[-1][engine] = figures
    return rounds


def summarize(rounds: Rounds) -> dict[str, Any]:
    """Medians per engine, and the ratio of the best peer's step to nnseq's."""
    names = [engine for engine in rounds[-1] if all(engine in one for one in rounds)]
    summary: dict[str, Any] = {
        engine: {c: statistics.median(one[engine][c] for one in rounds) for c in COLUMNS}
        for engine in names
    }
    peers = [engine for engine in names if engine != "nnseq"]
    if "nnseq" in names and peers:
        for what in TIMES:
            ratios = [min(one[peer][what] for peer in peers) / one["nnseq"][what] for one in rounds]
            summary.setdefault("ratio_to_best_peer", {})[what] = statistics.median(ratios)
        summary["best_peer"] = min(peers, key=lambda peer: summary[peer]["step_us"])
    return summary


def print_header() -> None:
    names = "".join(f" {name:>10}" for name, _ in COLUMNS.values())
    print(f"{'model':14} {'engine':16}{names}", flush=True)


def print_model(name: str, summary: dict[str, Any]) -> None:
    for engine in (e for e in engines.ENGINES if e in summary):
        values = summary[engine]
        shown = "".join(f" {values[c]:10.{digits}f}" for c, (_, digits) in COLUMNS.items())
        print(f"{name:14} {engine:16}{shown}")
    if ratios := summary.get("ratio_to_best_peer"):
        shown = "".join(f" {ratios[c]:10.2f}" for c in TIMES)
        print(f"{name:14} {'best peer/nnseq':16}{shown}   ({summary['best_peer']})")
    sys.stdout.flush()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":")[1].strip() for line in file if "model name" in line), "")
    load = os.getloadavg()[0]
    return {"cpu": cpu, "cores": os.cpu_count(), "load": load, "python": platform.python_version()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", default=",".join(models.MODELS))
    parser.add_argument("--engines", default=",".join(engines.ENGINES))
    parser.add_argument("--epochs", type=int, default=3, help="timed in a process; the best counts")
    parser.add_argument("--steps", type=int, help="of an epoch, instead of each model's own")
    parser.add_argument("--seconds", type=float, default=0.5, help="of single predictions")
    parser.add_argument("--timeout", type=float, default=900, help="seconds of one process")
    parser.add_argument("--sweep", action="store_true", help="cost against batch, width, threads")
    parser.add_argument("--sizes", action="store_true", help="sizes of the packages")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--chart", help="draw the figures into this file")
    args = parser.parse_args()
    chosen = args.engines.split(",")
    figures: dict[str, Any] = {"machine": machine(), "models": {}}
    print_header()
    for name in args.models.split(",") if args.models else []:
        figures["models"][name] = summarize(run_model(name, chosen, args))
        print_model(name, figures["models"][name])
    if args.sizes:
        figures["sizes"] = sizes.of_engines(chosen)
        sizes.show(figures["sizes"])
    if args.sweep:
        figures["sweep"] = sweep.run(chosen, args)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(figures, file, indent=1)
    if args.chart:
        import chart  # needs matplotlib

        chart.draw(figures, args.chart)


if __name__ == "__main__":
    main()
