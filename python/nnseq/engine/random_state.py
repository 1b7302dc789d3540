"""SeedGenerator: where random numbers come from, and the generator used when none is given."""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.naming import auto_name, name_scope
from nnseq.engine.state import eager_scope, state
from nnseq.engine.tensor import Tensor, concrete, to_core
from nnseq.engine.variable import Variable

_STEP = np.array([0, 1], np.int64)


class SeedGenerator:
    """A stream of random numbers: a seed and a step count, kept in an int64 Variable of shape (2,).

    An eager random call moves the step by one; a traced function that draws from it moves it by
    one at the end of each run.

    Args:
        seed: an int, or None for a random one (see `nnseq.utils.set_random_seed`).

    >>> SeedGenerator(7).state.numpy().tolist()
    [7, 0]
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is None:
            seed = make_seed()
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed!r}")
        self.name = name or auto_name("seed_generator")
        self.seed = int(seed)
        with name_scope(self.name):
            self.state = Variable(
                np.array([self.seed, 0], np.int64), trainable=False, name="seed_generator_state"
            )

    def advanced(self, start: Tensor) -> Tensor:
        """The state one step after `start`."""
        return apply("binary", [start, concrete(to_core(_STEP))], {"fn": "add"})

    def next(self) -> Tensor:
        """The present state; the generator moves one step."""
        return draw(self)[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this generator again."""
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """Makes a generator from `get_config()`."""
        return cls(**config)


_default: SeedGenerator | None = None


def make_seed() -> int:
    """A seed for a generator that was given none, from Python's `random`."""
    return python_random.randint(1, 10**9)


def default_generator() -> SeedGenerator:
    """The generator of random calls without a seed."""
    global _default
    if _default is None:
        with eager_scope():
            _default = SeedGenerator(name="default_seed_generator")
    return _default


def reset_default_generator() -> None:
    """The next random call without a seed starts a new default generator."""
    global _default
    _default = None


def draw(seed: SeedGenerator | int | None) -> tuple[Tensor, int]:
    """The state tensor and the stream number of one random call.

    An int gives the same numbers at every call; a generator, or None for the default one, moves.
    """
    if seed is None:
        seed = default_generator()
    if not isinstance(seed, SeedGenerator):
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ValueError(
                f"Argument `seed` must be an int, a SeedGenerator or None. Received: {seed!r}"
            )
        return to_tensor(np.array([int(seed), 0], np.int64)), 0
    if state.trace is not None:
        return state.trace.random_state(seed)
    start = concrete(seed.state.handle.value())
    seed.state.handle.assign(start.numpy() + _STEP)
    return start, 0
