"""Seeds and names of the whole process."""

import random

import numpy as np

from nnseq.engine import naming
from nnseq.engine.random_state import reset_default_generator


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy and nnseq, so that what follows can be repeated exactly.

    >>> set_random_seed(1); first = random.random()
    >>> set_random_seed(1); random.random() == first
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(
            f"Argument `seed` must be a non-negative int. Received: seed={seed!r} "
            f"(of type {type(seed).__name__})"
        )
    random.seed(int(seed))
    np.random.seed(int(seed) % 2**32)  # noqa: NPY002 (the generator the user may draw from)
    reset_default_generator()


def clear_session(free_memory: bool = True) -> None:
    """Starts automatic names from the beginning: the next Dense layer is `dense` again.

    free_memory: also drops the default random generator.
    """
    naming.clear_session()
    if free_memory:
        reset_default_generator()
