"""The row of check_finite."""

from collections.abc import Iterator

import numpy as np
from op_table import SIZES, Case, normal, row


@row("check_finite")
def check_finite(rng: np.random.Generator) -> Iterator[Case]:
    for size in SIZES:
        values = normal(rng, size)
        values[:1] = np.finfo(np.float32).max  # the largest exponent of a number
        for inputs in ([values], [normal(rng), values, normal(rng, 2, size)]):
            yield Case("check_finite", inputs, lambda *x: np.int64(1), exact=True)
