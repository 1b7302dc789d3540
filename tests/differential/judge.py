"""What a difference between nnseq and Keras is worth."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from differential.near import Difference


def sensitivity(factory: Callable[[], Any], runner: Callable[[Any], Any]) -> Callable[..., float]:
    """How far the results of nnseq itself move if the weights it starts from move in the last bits.

    Where a step divides by a gradient that is 0 but for rounding (Adam, Lion) or a value sits on
    a kink, two right implementations differ by as much. The largest of several movements is
    doubled, as it is a sample.
    """

    def once(k: int) -> Any:
        rng = np.random.default_rng([2, k])
        model = factory()
        moved = [
            (w * (1 + 1e-6 * rng.uniform(-1, 1, w.shape))).astype(w.dtype) if k else w
            for w in model.get_weights()
        ]
        model.set_weights(moved)
        return runner(model)

    results = [once(k) for k in range(7)]

    def slack(*keys: Any) -> float:
        values = [functools.reduce(operator.getitem, keys, result) for result in results]
        values = [np.asarray(value, np.float64) for value in values]
        return 2 * max(float(np.abs(v - values[0]).max(initial=0)) for v in values[1:])

    return slack


def no_slack(*keys: Any) -> float:
    return 0.0


class Judge:
    """Compares results of nnseq with those of Keras, and finds out what a difference is worth.

    Keras' step is compiled without optimization, as that takes a tenth of the time; XLA sometimes
    makes infinities then, so a difference is looked at again with Keras run op by op, and then
    against the `sensitivity` of nnseq. `second_looks` says which of the two were needed.
    """

    def __init__(self) -> None:
        self.second_looks: set[str] = set()

    def compare(
        self,
        check: Callable[..., None],
        got: Any,
        want: Any,
        by_ops: Callable[[], Any],
        factory: Callable[[], Any],
        runner: Callable[[Any], Any],
    ) -> None:
        try:
            check(got, want, no_slack)
            return
        except Difference:
            self.second_looks.add("op by op")
            want = by_ops()
        try:
            check(got, want, no_slack)
        except Difference:
            self.second_looks.add("ill conditioned")
            check(got, want, sensitivity(factory, runner))
