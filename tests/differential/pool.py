"""Cases in processes of their own, as many as there are cores: the oracle takes the time."""

import multiprocessing
import os
from multiprocessing.pool import AsyncResult

import oracle

LONGEST = 1800  # seconds without a result, after which a process must have died


def prepare() -> None:
    """Settings of a process, before it imports Keras and nnseq."""
    oracle.prepare()
    os.environ["NNSEQ_NUM_THREADS"] = "1"
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def run_case(seed: int, compiles_again: bool) -> set[str]:
    """`run.run_case`, imported in the process that runs it."""
    from differential.run import run_case

    return run_case(seed, compiles_again)


class Pool:
    """Runs cases ahead of the tests that ask for them."""

    def __init__(self) -> None:
        workers = len(os.sched_getaffinity(0))
        # A process keeps what it compiled, megabytes a case, and ends after some cases.
        self._pool = multiprocessing.get_context("spawn").Pool(workers, prepare, (), 100)
        self._results: dict[int, AsyncResult[set[str]]] = {}

    def submit(self, seed: int, compiles_again: bool) -> None:
        """Starts a case as soon as a process is free."""
        self._results[seed] = self._pool.apply_async(run_case, (seed, compiles_again))

    def result(self, seed: int) -> set[str]:
        """What `run.run_case` returns or raises."""
        return self._results[seed].get(LONGEST)

    def finished(self) -> list[set[str]]:
        """The results of all cases that ended well."""
        ended = [result for result in self._results.values() if result.ready()]
        return [result.get() for result in ended if result.successful()]

    def close(self) -> None:
        """Ends the processes."""
        self._pool.terminate()
        self._pool.join()
