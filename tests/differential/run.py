"""Runs a case in nnseq and in Keras and raises AssertionError where they differ.

python -m differential.run SEED...   from the directory tests; FIRST-END for a range
"""

import functools
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from differential.pool import prepare

if __name__ == "__main__":
    prepare()

import keras

import nnseq
from differential import quick
from differential.cases import describe
from differential.compare import build, check_run, compile_, pair, run_keras, run_nnseq
from differential.files import check_files
from differential.judge import Judge
from differential.steps import SharedStep

quick.prepare()


def run_case(seed: int, compiles_again: bool = True) -> set[str]:
    """Compares the case of a seed; returns the second looks it needed.

    compiles_again: whether Keras compiles the model that it read from a file of nnseq.
    """
    case, judge = describe(seed), Judge()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = pair(case)
        start = ours.get_weights()

        def again(library: Any) -> Any:
            model = build(library, case)
            model.set_weights(start)
            compile_(library, model, case)
            return model

        compile_(nnseq, ours, case)
        compile_(keras, theirs, case)
        step = SharedStep(theirs, case)

        def by_ops() -> Any:
            nonlocal theirs, step  # what XLA got wrong is not saved either
            theirs = again(keras)
            step = SharedStep(theirs, case, compiled=False)
            return run_keras(theirs, case, step)

        judge.compare(
            check_run,
            run_nnseq(ours, case),
            run_keras(theirs, case, step),
            by_ops,
            lambda: again(nnseq),
            functools.partial(run_nnseq, case=case),
        )
        if case.is_savable:
            with tempfile.TemporaryDirectory() as folder:
                check_files(case, judge, (ours, theirs), Path(folder), compiles_again)
    return judge.second_looks


def main(seeds: list[int]) -> None:
    """Prints what differs, and how long it took."""
    for seed in seeds:
        start = time.process_time()
        try:
            outcome: Any = run_case(seed)
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        print(f"{seed} {time.process_time() - start:.2f}s {outcome}", flush=True)


if __name__ == "__main__":
    ranges = [arg.partition("-") for arg in sys.argv[1:]]
    main([k for first, _, end in ranges for k in range(int(first), int(end or int(first) + 1))])
