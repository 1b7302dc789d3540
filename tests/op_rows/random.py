"""Rows of random and dropout: Philox4x32-10 written out in NumPy."""

from collections.abc import Iterator

import numpy as np
from op_table import Case, normal, row

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox(counter: list[np.ndarray], seed: int) -> np.ndarray:
    """counter: four uint32-valued arrays of one shape -> (4, *shape) uint32-valued words."""
    c = [np.asarray(x, np.uint64) for x in counter]
    keys = [np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)]
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> SHIFT) ^ c[1] ^ keys[0], p1 & MASK, (p0 >> SHIFT) ^ c[3] ^ keys[1], p0 & MASK]
        keys = [(keys[0] + np.uint64(0x9E3779B9)) & MASK, (keys[1] + np.uint64(0xBB67AE85)) & MASK]
    return np.stack(c)


def words(state: np.ndarray, stream: int, samples: int, elements: int) -> np.ndarray:
    """The words of (samples, elements): counter (element / 4, sample, step, stream)."""
    seed, step = (int(v) for v in state)
    blocks = -(-elements // 4)
    block, sample = np.meshgrid(np.arange(blocks), np.arange(samples))
    shape = block.shape
    result = philox(
        [block, sample, np.full(shape, step & 0xFFFFFFFF), np.full(shape, stream)], seed
    )
    return np.moveaxis(result, 0, -1).reshape(samples, blocks * 4)[:, :elements]


def unit(bits: np.ndarray) -> np.ndarray:
    """[0, 1) in 24 bits."""
    return (bits >> np.uint64(8)).astype(np.float64) * 2.0**-24


def as_rows(shape: tuple[int, ...]) -> tuple[int, int]:
    """(samples, elements per sample)."""
    samples = shape[0] if shape else 1
    return samples, int(np.prod(shape[1:]))


STATES = [np.array([0, 0]), np.array([1337, 1]), np.array([2**40 + 5, 2**31 + 3])]
SHAPES = [(1,), (17,), (3, 1), (4, 16), (5, 33), (2, 3, 7), (0, 3)]


@row("random")
def random_row(rng: np.random.Generator) -> Iterator[Case]:
    for number, shape in enumerate(SHAPES):
        for state in STATES:
            low, high = (0, 1) if number % 2 else (-2, 3)
            attrs = {"sizes": list(shape), "stream": number, "a": low, "b": high}

            def uniform(state, shape=shape, stream=number, low=low, high=high):
                bits = words(state, stream, *as_rows(shape)).reshape(shape)
                return low + (high - low) * unit(bits)

            yield Case("random", [state], uniform, attrs | {"dist": "uniform"})


@row("dropout")
def dropout(rng: np.random.Generator) -> Iterator[Case]:
    for number, shape in enumerate(SHAPES):
        for state in STATES:
            for rate in (0.0, 0.25, 0.5, 1.0):

                def reference(x, state, shape=shape, stream=number, rate=rate):
                    kept = unit(words(state, stream, *as_rows(shape)).reshape(shape)) >= rate
                    return np.where(kept, x / (1 - rate) if rate < 1 else 0, 0)

                yield Case(
                    "dropout",
                    [normal(rng, *shape), state],
                    reference,
                    {"rate": rate, "stream": number},
                    wrt=[0],
                    second=rate == 0.25 and shape == (5, 33),
                )
