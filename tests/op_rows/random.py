"""Rows of random and dropout: Philox4x32-10 written out in NumPy."""

import math
from collections.abc import Iterator

import numpy as np
from op_table import Case, normal, row

from .elementwise import erf

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


def box_muller(bits: np.ndarray) -> np.ndarray:
    """Words (a, b) -> sqrt(-2 log a) times the cosine and the sine of 2 pi b."""
    samples, elements = bits.shape
    pairs = bits.reshape(samples, elements // 2, 2)
    radius = np.sqrt(-2 * np.log(unit(pairs[..., 0]) + 2.0**-24))
    angle = 2 * np.pi * unit(pairs[..., 1])
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    return both.reshape(samples, elements)


def truncated(bits: np.ndarray) -> np.ndarray:
    """The inverse of the normal distribution between -2 and 2, by bisection."""
    p = ((bits >> np.uint64(9)) + 0.5) * 2.0**-22 - 1
    low, high = np.full(p.shape, -2.0), np.full(p.shape, 2.0)
    for _ in range(40):
        middle = (low + high) / 2
        below = erf(middle / math.sqrt(2)) < p * math.erf(math.sqrt(2))
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


# distribution -> (function of the words, whether a, b are the ends of an interval)
DISTRIBUTIONS = {
    "uniform": (unit, True),
    "normal": (box_muller, False),
    "truncated_normal": (truncated, False),
}


@row("random")
def random_row(rng: np.random.Generator) -> Iterator[Case]:
    for dist, (function, interval) in DISTRIBUTIONS.items():
        for number, shape in enumerate(SHAPES):
            for state in STATES:
                a, b = (0, 1) if number % 2 else (-2, 3)

                def reference(state, shape=shape, stream=number, a=a, b=b, f=function, i=interval):
                    samples, elements = as_rows(shape)
                    # A pair of words makes two normal numbers, so whole blocks are drawn.
                    bits = words(state, stream, samples, -(-elements // 4) * 4)
                    return (a + (b - a if i else b) * f(bits)[:, :elements]).reshape(shape)

                attrs = {"dist": dist, "sizes": list(shape), "stream": number, "a": a, "b": b}
                yield Case("random", [state], reference, attrs, atol=2e-6)


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
