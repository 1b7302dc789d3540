"""A training step written by hand: op by op, under nnseq.function, and by fit. `loops.py [MODEL]`

Microseconds of CPU time per step, which is that of the clock on one quiet core: medians over
alternated rounds on batches that are in memory.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import models
import numpy as np

import nnseq


def built(description: models.Model) -> Any:
    """The model with its weights, compiled for `fit`."""
    made = [nnseq.Input(description.input_shape)]
    made += [getattr(nnseq.layers, kind)(**config) for kind, config in description.layers]
    model = nnseq.Sequential(made)
    model.compile("adam", description.loss)
    return model


def step_of(model: Any) -> Callable[[np.ndarray, np.ndarray], Any]:
    """What `fit` does with a batch, written out."""
    optimizer, mean = nnseq.optimizers.Adam(), nnseq.metrics.Mean()
    loss_of = nnseq.losses.get(model.loss)

    def step(x: np.ndarray, y: np.ndarray) -> Any:
        with nnseq.GradientTape() as tape:
            loss = nnseq.ops.mean(loss_of(y, model(x, training=True)))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        mean.update_state(loss)
        return loss

    return step


def measure(name: str, rounds: int, steps: int) -> dict[str, float]:
    """Microseconds of CPU time of one step, by the kind of loop."""
    description = models.find(name)
    batch, (x, y) = description.batch, description.data(steps)
    batches = [(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)]
    eager, traced = step_of(built(description)), nnseq.function(step_of(built(description)))
    fitted = built(description)

    def of(step: Callable[..., Any], count: int) -> Callable[[], int]:
        def run() -> int:
            for x, y in batches[:count]:
                step(x, y)
            return count

        return run

    def fit() -> int:
        fitted.fit(x, y, batch_size=batch, verbose=0)
        return steps

    loops = {"eager": of(eager, 5), "function": of(traced, steps), "fit": fit}
    times: dict[str, list[float]] = {kind: [] for kind in loops}
    for number in range(1 + rounds):  # the first one traces
        for kind, run in loops.items():
            start = time.process_time()
            count = run()
            if number:
                times[kind].append((time.process_time() - start) / count * 1e6)
    return {kind: statistics.median(found) for kind, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["tiny", "mlp32"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=100)
    args = parser.parse_args()
    for name in args.models:
        figures = measure(name, args.rounds, args.steps)
        cells = ", ".join(f"{kind} {us:.0f} us" for kind, us in figures.items())
        print(f"{name}: {cells}", flush=True)


if __name__ == "__main__":
    main()
