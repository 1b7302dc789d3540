"""One engine on one model, in a process of its own: `measure.py ENGINE MODEL`, JSON on stdout."""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import engines
import models

Figures = dict[str, Any]


def median_us(call: Callable[[], Any], seconds: float) -> float:
    """Microseconds of one call: the median over blocks that take about `seconds` together."""
    start = time.perf_counter()
    call()
    block = max(1, int(seconds / 20 / max(time.perf_counter() - start, 1e-6)))
    times = []
    until = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(block):
            call()
        times.append((time.perf_counter() - start) / block)
    return statistics.median(times) * 1e6


def measure(engine: str, name: str, epochs: int, steps: int | None, seconds: float) -> Figures:
    """The figures of one engine, or {"missing": why it has none}."""
    model = models.find(name)
    steps = steps or model.steps
    x, y = model.data(steps)
    started = time.perf_counter()
    try:
        made = engines.make(engine, model)
    except (ImportError, NotImplementedError) as error:
        return {"missing": str(error)}
    figures = {"import_s": time.perf_counter() - started}
    times, of_cores = [], []
    for _ in range(1 + epochs):  # the first one traces, compiles and touches memory
        start, cpu = time.perf_counter(), time.process_time()
        loss = made.epoch(x, y, model.batch)
        times.append(time.perf_counter() - start)
        of_cores.append(time.process_time() - cpu)
    figures["first_epoch_s"] = times[0]
    figures["step_us"] = min(times[1:]) / steps * 1e6
    figures["step_cpu_us"] = min(of_cores[1:]) / steps * 1e6  # means something on a busy machine
    figures["loss"] = loss
    one = x[:1]
    made.predict(one)
    made.call(one)
    figures["predict_us"] = median_us(lambda: made.predict(one), seconds)
    figures["call_us"] = median_us(lambda: made.call(one), seconds)
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def in_process(
    engine: str,
    name: str,
    threads: int,
    epochs: int = 3,
    steps: int | None = None,
    seconds: float = 0.5,
    timeout: float = 900,
) -> Figures:
    """`measure` in a fresh process on `threads` cores."""
    counts = {f"{what}_NUM_THREADS": str(threads) for what in ("OMP", "MKL", "NNSEQ")}
    command = [sys.executable, __file__, engine, name, "--threads", str(threads)]
    command += ["--epochs", str(epochs), "--seconds", str(seconds)]
    if steps is not None:
        command += ["--steps", str(steps)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **counts, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"took more than {timeout:.0f} s"}
    if done.returncode:
        return {"missing": (done.stderr.strip().splitlines() or ["it failed"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=engines.ENGINES)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seconds", type=float, default=0.5)
    args = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: args.threads]
    os.sched_setaffinity(0, cores)  # what every engine's pool is made for
    print(json.dumps(measure(args.engine, args.model, args.epochs, args.steps, args.seconds)))


if __name__ == "__main__":
    main()
