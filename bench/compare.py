"""Training steps and single predictions of nnseq beside PyTorch eager, in alternated processes.

    python bench/compare.py [--rounds 5] [--json FILE] [--models tiny,mlp128]

Each round runs every engine in a process of its own, one after the other, so that neither spins on
the other's cores; a figure is the median over the rounds. PyTorch is written as users write it
well: fused Adam, batches gathered by index, no per-step `.item()`. Needs `pip install torch`.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import time

import numpy as np

MODELS = {
    "tiny": {"layers": [8, 16, 1], "batch": 32, "steps": 2000},
    "mlp32": {"layers": [784, 512, 512, 10], "batch": 32, "steps": 400},
    "mlp128": {"layers": [784, 512, 512, 10], "batch": 128, "steps": 150},
}


def data(spec):
    """Inputs and labels for one pass of the model's steps."""
    rng = np.random.default_rng(0)
    rows = spec["batch"] * spec["steps"]
    x = rng.normal(size=(rows, spec["layers"][0])).astype("float32")
    classes = spec["layers"][-1]
    y = rng.integers(0, max(2, classes), rows)
    return x, y.astype("float32") if classes == 1 else y.astype("int64")


def median_us(call, repeats):
    """Microseconds of one call: the median over blocks of ten."""
    times = []
    for _ in range(repeats // 10):
        start = time.perf_counter()
        for _ in range(10):
            call()
        times.append((time.perf_counter() - start) / 10)
    return statistics.median(times) * 1e6


def run_nnseq(spec):
    """(step, predict) in microseconds, through compile, fit and a call of the model."""
    import nnseq as keras
    from nnseq import layers

    x, y = data(spec)
    sizes = spec["layers"]
    binary = sizes[-1] == 1
    model = keras.Sequential(
        [keras.Input((sizes[0],))]
        + [layers.Dense(n, activation="relu") for n in sizes[1:-1]]
        + [layers.Dense(sizes[-1], activation="sigmoid" if binary else "softmax")]
    )
    loss = "binary_crossentropy" if binary else "sparse_categorical_crossentropy"
    model.compile(optimizer="adam", loss=loss)
    model.fit(x, y, batch_size=spec["batch"], epochs=1, verbose=0)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        model.fit(x, y, batch_size=spec["batch"], epochs=1, verbose=0)
        times.append((time.perf_counter() - start) / spec["steps"])
    one = x[:1]
    model(one)
    return min(times) * 1e6, median_us(lambda: model(one), 500)


def run_torch(spec):
    """The same with torch.nn, eager."""
    import torch
    from torch import nn

    torch.set_num_threads(2)
    x, y = (torch.from_numpy(a) for a in data(spec))
    sizes = spec["layers"]
    binary = sizes[-1] == 1
    parts = []
    for n, m in itertools.pairwise(sizes):
        parts += [nn.Linear(n, m), nn.ReLU()]
    model = nn.Sequential(*parts[:-1])
    loss_of = nn.BCEWithLogitsLoss() if binary else nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    y = y[:, None] if binary else y

    def epoch():
        order = torch.randperm(len(x))
        for i in range(spec["steps"]):
            rows = order[i * spec["batch"] : (i + 1) * spec["batch"]]
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(x[rows]), y[rows]).backward()
            optimizer.step()

    epoch()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        epoch()
        times.append((time.perf_counter() - start) / spec["steps"])
    one = x[:1]
    with torch.inference_mode():
        predict = median_us(lambda: model(one), 500)
    return min(times) * 1e6, predict


ENGINES = {"nnseq": run_nnseq, "torch": run_torch}


def measure(engine, model):
    """Runs one engine on one model in a fresh process."""
    out = subprocess.run(
        [sys.executable, __file__, "--one", engine, model],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(out.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", default="tiny,mlp32,mlp128")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "MODEL"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        engine, model = args.one
        print(json.dumps(ENGINES[engine](MODELS[model])))
        return
    figures = {}
    print(f"{'model':8} {'engine':6} {'step us':>10} {'predict us':>11}  step, torch / nnseq")
    for model in args.models.split(","):
        rounds = [{e: measure(e, model) for e in ENGINES} for _ in range(args.rounds)]
        ratio = statistics.median(r["torch"][0] / r["nnseq"][0] for r in rounds)
        figures[model] = {"ratio": ratio}
        for engine in ENGINES:
            step, predict = (statistics.median(r[engine][k] for r in rounds) for k in (0, 1))
            figures[model][engine] = {"step_us": step, "predict_us": predict}
            shown = f"  {ratio:.2f}" if engine == "nnseq" else ""
            print(f"{model:8} {engine:6} {step:10.1f} {predict:11.1f}{shown}", flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
