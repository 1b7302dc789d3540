"""Dataset: batches made when they are asked for, pass after pass; and what makes one of arrays."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from nnseq.engine.nest import map_structure
from nnseq.engine.random_state import make_seed

_END = object()


class Dataset:
    """Batches, or samples, that can be gone through any number of times; `fit`, `evaluate`,
    `predict` and `adapt` take it. It has the methods of tf.data that programs for Keras use most.

    Args:
        start: starts a pass: returns an iterator.
        length: the number of elements of a pass.
        class_names, file_paths: of `*_dataset_from_directory`.

    >>> [int(x) for x in Dataset(lambda: iter(range(4)), 4).map(lambda x: x * x).skip(1)]
    [1, 4, 9]
    """

    def __init__(
        self,
        start: Callable[[], Iterator[Any]],
        length: int,
        class_names: list[str] | None = None,
        file_paths: list[str] | None = None,
    ) -> None:
        self._start = start
        self._length = length
        self.class_names = class_names
        self.file_paths = file_paths

    def __iter__(self) -> Iterator[Any]:
        return self._start()

    def __len__(self) -> int:
        return self._length

    def cardinality(self) -> int:
        """The number of elements of a pass."""
        return self._length

    def _with(self, start: Callable[[], Iterator[Any]], length: int) -> Dataset:
        return Dataset(start, length, self.class_names, self.file_paths)

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """Elements map_func(x), map_func(x, y) for tuples; it is called in each pass."""

        def mapped(element: Any) -> Any:
            return map_func(*element) if isinstance(element, tuple) else map_func(element)

        return self._with(lambda: (mapped(element) for element in self), self._length)

    def take(self, count: int) -> Dataset:
        """The first elements of each pass; -1 is all."""
        length = self._length if count < 0 else min(count, self._length)
        return self._with(lambda: islice(iter(self), length), length)

    def skip(self, count: int) -> Dataset:
        """Each pass without its first elements."""
        length = max(self._length - count, 0)
        return self._with(lambda: islice(iter(self), count, None), length)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Samples stacked to batches."""

        def batches() -> Iterator[Any]:
            samples = iter(self)
            for _ in range(length):
                rows = list(islice(samples, batch_size))
                yield map_structure(lambda *leaves: np.stack(leaves), *rows)

        length = self._length // batch_size if drop_remainder else -(-self._length // batch_size)
        return self._with(batches, length)

    def prefetch(self, buffer_size: Any = None) -> Dataset:
        """The elements, made in advance by a thread: at most `buffer_size` wait, 2 by default."""
        size = buffer_size if isinstance(buffer_size, int) and buffer_size > 0 else 2
        return self._with(lambda: _ahead(iter(self), size), self._length)

    def cache(self) -> Dataset:
        """The elements of the first pass, kept in memory."""
        kept: list[Any] = []

        def again() -> Iterator[Any]:
            if not kept:
                kept.extend(self)
            return iter(kept)

        return self._with(again, self._length)


def _ahead(elements: Iterator[Any], size: int) -> Iterator[Any]:
    """The elements, one thread ahead of who takes them; the thread ends when nobody does."""
    from concurrent.futures import ThreadPoolExecutor  # seldom needed

    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, elements, _END) for _ in range(size))
        try:
            while (element := waiting.popleft().result()) is not _END:
                waiting.append(pool.submit(next, elements, _END))
                yield element
        finally:
            for future in waiting:
                future.cancel()


def batched(
    make: Callable[[np.ndarray], Any],
    count: int,
    batch_size: int | None,
    seed: int | None = None,
    **names: Any,
) -> Dataset:
    """Batches of `count` samples.

    Args:
        make: gives the batch of sample numbers (N,).
        batch_size: None for single samples.
        seed: if given, each pass is in another order, which it decides.
        names: arguments of Dataset.
    """
    passes = iter(range(2**62))
    size = 1 if batch_size is None else batch_size

    def start() -> Iterator[Any]:
        order = np.arange(count)
        if seed is not None:
            order = np.random.default_rng((seed, next(passes))).permutation(count)
        for begin in range(0, count, size):
            batch = make(order[begin : begin + size])
            yield batch if batch_size is not None else map_structure(lambda a: a[0], batch)

    return Dataset(start, -(-count // size), **names)


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Windows of a series: batches (N, sequence_length, ...), or (windows, targets).

    Args:
        data: (T, ...).
        targets: the target of the window that begins at each step, or None.
        sequence_length: steps of a window.
        sequence_stride: how far the next window begins.
        sampling_rate: how far the next step of a window is.
        batch_size: None for single windows.
        shuffle: whether the windows of each pass are in another order.
        seed: decides these orders.
        start_index, end_index: only the steps in this range are used.
        format: accepted; a Dataset is returned in any case.

    Raises:
        ValueError: for ranges and strides outside of the data.

    >>> x, y = next(iter(timeseries_dataset_from_array(np.arange(6), np.arange(2, 6), 3)))
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]], [2, 3, 4, 5])
    """
    _check_range(len(data), start_index, end_index)
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < len(data):
            raise ValueError(
                f"`{name}` must be higher than 0 and lower than the length of the data. Received: "
                f"{name}={value}, for data of length {len(data)}"
            )
    if format not in ("tf", "grain"):
        raise ValueError(f'`format` should be either "tf" or "grain". Received: format={format}')
    steps = np.asarray(data)[start_index:end_index]
    count = len(steps) - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets))
        targets = np.asarray(targets)[start_index:end_index]
    starts = np.arange(0, count, sequence_stride)
    offsets = np.arange(sequence_length) * sampling_rate

    def windows(rows: np.ndarray) -> Any:
        begins = starts[rows]
        x = steps[begins[:, np.newaxis] + offsets]
        return x if targets is None else (x, targets[begins])

    return batched(windows, len(starts), batch_size, seed_of(shuffle, seed))


def seed_of(shuffle: bool, seed: int | None) -> int | None:
    """The seed of a shuffled data set, a random one if none is given; None without shuffling."""
    if not shuffle:
        return None
    return make_seed() if seed is None else seed


def _check_range(length: int, start: int | None, end: int | None) -> None:
    if start and not 0 <= start < length:
        raise ValueError(
            "`start_index` must be 0 or greater and lower than the length of the data. Received: "
            f"start_index={start}, for data of length {length}"
        )
    if end and not (start or 0) < end < length:
        raise ValueError(
            "`end_index` must be higher than `start_index` and lower than the length of the data. "
            f"Received: start_index={start}, end_index={end}, for data of length {length}"
        )


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: Any = None,
) -> tuple[Dataset, Dataset]:
    """The samples of the left and of the right part of arrays; `.batch(32)` makes batches.

    Args:
        dataset: an array (N, ...), a list or tuple of such, or a Dataset of samples.
        left_size, right_size: a number of samples, or the part of them as a float; one may be
            None: what the other leaves.
        shuffle: whether the samples are shuffled first.
        seed: decides that order.
        preferred_backend: accepted; Datasets are returned in any case.

    Raises:
        TypeError, ValueError: for other data, arrays of different lengths, and sizes that do not
            fit or leave a part empty.

    >>> left, right = split_dataset(np.arange(10), left_size=0.8)
    >>> len(left), [int(x) for x in right]
    (8, [8, 9])
    """
    if left_size is None and right_size is None:
        raise ValueError("At least one of the `left_size` or `right_size` must be specified.")
    samples = _samples(dataset)
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(samples)
    left, right = _split_sizes(left_size, right_size, len(samples))
    parts = samples[:left], samples[-right:]
    first, second = (Dataset(part.__iter__, len(part)) for part in parts)
    return first, second


def _samples(dataset: Any) -> list[Any]:
    if isinstance(dataset, np.ndarray | Dataset):
        return list(dataset)
    if not isinstance(dataset, list | tuple):
        raise TypeError(
            "The `dataset` argument must be an array, a list or tuple of arrays, or a Dataset. "
            f"Received an object of type {type(dataset).__name__}"
        )
    if not dataset:
        raise ValueError("Received an empty list dataset. Please provide arrays.")
    for i, entry in enumerate(dataset):
        if not isinstance(entry, np.ndarray):
            raise ValueError(
                f"Expected a {type(dataset).__name__} of `numpy.ndarray` objects. Received: "
                f"{type(entry)} at index {i}."
            )
        if len(entry) != len(dataset[0]):
            raise ValueError(
                f"Received arrays of different lengths: {len(dataset[0])} and, at index {i}, "
                f"{len(entry)}."
            )
    return list(zip(*dataset, strict=True))


def _split_sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            continue
        if type(size) not in (int, float):
            raise TypeError(f"Invalid `{name}` Type. Expected: int or float or None, got {size!r}")
        if not 0 < size < (total if isinstance(size, int) else 1):
            raise ValueError(
                f"`{name}` should be either a positive integer smaller than {total}, or a float "
                f"within the range `[0, 1]`. Received: {name}={size}"
            )
    counts = [round(s * total) if isinstance(s, float) else s for s in (left, right)]
    if None in counts:
        known = counts[0] if counts[1] is None else counts[1]
        counts = [total - known if c is None else c for c in counts]
    if sum(counts) > total or 0 in counts:
        raise ValueError(
            f"`left_size` and `right_size` give {counts[0]} and {counts[1]} of {total} samples; "
            f"neither may be empty, and together they must be at most {total}."
        )
    return counts[0], counts[1]
