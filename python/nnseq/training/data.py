"""Where batches come from: arrays in memory, or something that yields batches."""

import math
import random
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from itertools import count as count_from_0
from typing import Any

import numpy as np

from nnseq import _core
from nnseq.engine.nest import flatten, map_structure
from nnseq.training.arrays import check_same_length, class_weights, is_data, to_arrays
from nnseq.utils.batches import PyDataset, unpack_x_y_sample_weight

DEFAULT_BATCH_SIZE = 32


def check_batch_size(batch_size: Any, name: str = "batch_size") -> int | None:
    """Returns a positive int, or None."""
    if batch_size is None:
        return None
    if (
        isinstance(batch_size, bool)
        or not isinstance(batch_size, int | np.integer)
        or batch_size <= 0
    ):
        raise ValueError(f"`{name}` must be a positive int. Received: {name}={batch_size!r}")
    return int(batch_size)


class Source:
    """Batches for one or several epochs.

    num_batches: of one pass through the data, None if unknown. `take(steps)` gives the batches of
    one epoch; with a given number of steps the next epoch goes on where this one ended.
    """

    num_batches: int | None = None

    def take(self, steps: int | None) -> Iterator[Any]:
        raise NotImplementedError

    def rewind(self) -> None:
        """The next `take` starts at the first batch, where that is possible."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        """Where it is, and the order of its batches: for another process with the same data."""
        raise NotImplementedError

    def set_state(self, state: dict[str, Any]) -> None:
        """The next `take` goes on where `get_state` was asked.

        Raises:
            ValueError: if it has other batches.
        """
        raise NotImplementedError

    def ahead(self) -> Any:
        """A batch like the next one, which `take` gives nevertheless; None if there is none."""
        raise NotImplementedError


class ArraySource(Source):
    """Arrays of equal length n, in a structure (x,), (x, y) or (x, y, sample_weight)."""

    def __init__(self, data: tuple[Any, ...], batch_size: int, shuffle: bool) -> None:
        self.data = data
        self.arrays = [array for array in flatten(data) if array is not None]
        self.rows = self.arrays[0].shape[0]
        self.batch_size = batch_size
        self.per_pass = math.ceil(self.rows / batch_size)
        self.num_batches = self.per_pass
        self.position = 0  # batches taken so far, over all passes
        self.checked = False  # whether the targets were looked at
        self._seed = random.getrandbits(62) if shuffle else None
        self._order: tuple[Any, np.ndarray] | None = None

    def shuffle_of(self, number: int) -> tuple[int, int] | None:
        """What decides the order of the rows in this pass: (seed, epoch), None for no shuffle."""
        return None if self._seed is None else (self._seed, number)

    def rewind(self) -> None:
        self.position = 0

    def get_state(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "seed": self._seed,
            "rows": self.rows,
            "batch_size": self.batch_size,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        for name in ("rows", "batch_size"):
            if state.get(name) != getattr(self, name):
                raise ValueError(
                    f"the data have {name}={getattr(self, name)}, before they had {state.get(name)}"
                )
        self.position = state["position"]
        self._seed = state["seed"]

    def first_batch(self) -> tuple[Any, ...]:
        """The first rows, views: what a batch looks like."""
        return self._rows(slice(0, self.batch_size))

    def ahead(self) -> Any:
        return self.first_batch()

    def _rows(self, rows: Any) -> tuple[Any, ...]:
        return map_structure(lambda a: None if a is None else a[rows], self.data)

    def take(self, steps: int | None) -> Iterator[Any]:
        for _ in range(self.per_pass if steps is None else steps):
            number, batch = divmod(self.position, self.per_pass)
            start = batch * self.batch_size
            rows: Any = slice(start, start + self.batch_size)
            shuffle = self.shuffle_of(number)
            if shuffle is not None:
                if self._order is None or self._order[0] != shuffle:
                    self._order = (shuffle, _core.shuffle_order(*shuffle, self.rows))
                rows = self._order[1][rows]
            self.position += 1
            yield self._rows(rows)


class BatchSource(Source):
    """Batches from an iterable or a PyDataset; `prepare` is called on each x."""

    def __init__(
        self, batches: Any, shuffle: bool, class_weight: Any = None, prepare: Any = None
    ) -> None:
        self._batches = batches
        self._prepare = prepare
        self._class_weight = class_weight
        self._is_dataset = isinstance(batches, PyDataset)
        self._one_shot = not self._is_dataset and iter(batches) is batches
        self._iterator: Iterator[Any] | None = None
        self._seed = random.getrandbits(62) if shuffle and self._is_dataset else None
        self._pass = 0
        self._taken = 0  # batches of this pass; of all passes, if there is but one iterator
        self._skip = 0
        self._at_end = False  # whether the batch just made is the last of its pass
        if isinstance(batches, PyDataset):
            self.num_batches = batches.num_batches
        elif hasattr(batches, "__len__"):
            with suppress(TypeError):  # a DataLoader of PyTorch may find that it has no length
                self.num_batches = len(batches)

    def _one_pass(self, skip: int) -> Iterator[Any]:
        """The batches of a pass after the first `skip`."""
        if not self._is_dataset:
            yield from islice(self._batches, skip, None)
            return
        count = self._batches.num_batches
        order: Iterable[int] = range(count) if count is not None else count_from_0()
        if self._seed is not None and count is not None:
            order = _core.shuffle_order(self._seed, self._pass, count).tolist()
        self._batches.on_epoch_begin()
        try:
            order = islice(order, skip, None)
            for number, batch in enumerate(made_ahead(self._batches, order), skip + 1):
                self._at_end = number == count
                yield batch
        finally:
            self._batches.on_epoch_end()

    def rewind(self) -> None:
        if not self._one_shot:
            self._end_pass()

    def _end_pass(self) -> None:
        if isinstance(self._iterator, Generator):
            self._iterator.close()
        self._iterator = None
        if not self._one_shot:
            self._taken = 0

    def _next_pass(self) -> Iterator[Any]:
        skip, self._skip = self._skip, 0
        iterator = islice(self._batches, skip, None) if self._one_shot else self._one_pass(skip)
        self._taken = skip if not self._one_shot else max(self._taken, skip)
        self._pass += 1
        return iter(iterator)

    def get_state(self) -> dict[str, Any]:
        is_amid = self._taken > 0 and not self._one_shot
        return {"seed": self._seed, "pass": self._pass - is_amid, "taken": self._taken}

    def set_state(self, state: dict[str, Any]) -> None:
        self._seed = state["seed"]
        self._pass = state["pass"]
        self._taken = self._skip = state["taken"]
        if self._taken:
            self._iterator = self._next_pass()

    def ahead(self) -> Any:
        iterator = self._iterator or self._next_pass()
        taken = self._taken
        batch = next(iterator, None)
        self._iterator = iterator if batch is None else chain([batch], iterator)
        found = None if batch is None else self._standardized(batch)
        self._taken = taken
        return found

    def take(self, steps: int | None) -> Iterator[Any]:
        if steps is None:
            iterator, self._iterator = self._iterator or self._next_pass(), None
            for batch in iterator:
                yield self._standardized(batch)
            self._end_pass()
            return
        done = 0
        while done < steps:
            fresh = self._iterator is None
            if self._iterator is None:
                self._iterator = self._next_pass()
            before = done
            for batch in islice(self._iterator, steps - done):
                done += 1
                yield self._standardized(batch)
            if self._at_end:  # so that a data set is told at once
                self._end_pass()
                self._at_end = False
            elif done < steps:
                self._iterator = None
                self._taken = 0 if not self._one_shot else self._taken
                if self._one_shot or (fresh and done == before):
                    warnings.warn(
                        "Your input ran out of data; interrupting training. Make sure that your "
                        "dataset or generator can generate at least `steps_per_epoch * epochs` "
                        "batches.",
                        stacklevel=4,
                    )
                    return

    def _standardized(self, batch: Any) -> tuple[Any, ...]:
        self._taken += 1
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        if self._prepare is not None:
            x = self._prepare(x)
        x, y = to_arrays("x", x), to_arrays("y", y)
        sample_weight = to_arrays("sample_weight", sample_weight)
        check_same_length(x=x, y=y, sample_weight=sample_weight)
        if self._class_weight is not None:
            sample_weight = _weights_of_classes(y, sample_weight, self._class_weight)
        return _packed(x, y, sample_weight)


def made_ahead(dataset: PyDataset, order: Iterable[int]) -> Iterator[Any]:
    """The batches of a data set in order; with several workers, threads make some in advance."""
    if dataset.workers <= 1:
        yield from (dataset[index] for index in order)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # seldom needed

    indices = iter(order)
    pool = ThreadPoolExecutor(dataset.workers)
    waiting: deque[Future[Any]] = deque()
    try:
        while True:
            room = max(dataset.max_queue_size, 1) - len(waiting)
            waiting.extend(pool.submit(dataset.__getitem__, i) for i in islice(indices, room))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _packed(x: Any, y: Any, sample_weight: Any) -> tuple[Any, ...]:
    if sample_weight is not None:
        return (x, y, sample_weight)
    return (x, y) if y is not None else (x,)


def _weights_of_classes(y: Any, sample_weight: Any, class_weight: Mapping[int, float]) -> Any:
    if sample_weight is not None:
        raise ValueError("You cannot `class_weight` and `sample_weight` at the same time.")
    if y is None:
        raise ValueError("`class_weight` needs targets `y`.")
    return class_weights(y, class_weight)


def make_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: Any = False,
    class_weight: Mapping[int, float] | None = None,
    prepare: Any = None,
) -> Source:
    """The batches of arrays, or of what yields batches, whose x `prepare` changes.

    batch_size: default 32; with `steps` and arrays so large that they are one pass.
    Raises: TypeError or ValueError that names the argument.
    """
    batch_size = check_batch_size(batch_size)
    if shuffle not in (True, False, "batch"):
        raise ValueError(f"`shuffle` must be True, False or 'batch'. Received: shuffle={shuffle!r}")
    if x is None:
        raise ValueError(
            "`x` is missing: pass arrays, a PyDataset or something that yields batches."
        )
    if not is_data(x) and (isinstance(x, PyDataset) or hasattr(x, "__iter__")):
        if isinstance(x, str | bytes | Mapping | list | tuple):
            to_arrays("x", x)  # raises: names what is wrong
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"When `x` yields batches, `{name}` should not be passed: let the batches be "
                    "(x, y) or (x, y, sample_weight)."
                )
        return BatchSource(x, bool(shuffle), class_weight, prepare)
    x, y = to_arrays("x", x), to_arrays("y", y)
    if all(array is None for array in flatten(x)):
        raise ValueError("`x` holds no arrays.")
    sample_weight = to_arrays("sample_weight", sample_weight)
    rows = check_same_length(x=x, y=y, sample_weight=sample_weight)
    if class_weight is not None:
        sample_weight = _weights_of_classes(y, sample_weight, class_weight)
    if batch_size is None:
        batch_size = math.ceil(rows / steps) if steps and rows else DEFAULT_BATCH_SIZE
    # "batch" would only reorder the rows inside a batch, on which a step does not depend.
    is_shuffled = bool(shuffle) and shuffle != "batch"
    return ArraySource(_packed(x, y, sample_weight), batch_size, is_shuffled)
