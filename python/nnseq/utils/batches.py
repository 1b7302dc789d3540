"""Batches: how steps take them apart, and data sets that make them."""

from typing import Any


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Returns (x, y, sample_weight) of what a step is given; what is missing is None.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`. "
            f"Received a tuple of length {len(data)}."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Returns (x, y, sample_weight) without what is None; x alone unless it is a structure.

    >>> pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if y is None:
        return (x,) if isinstance(x, list | tuple) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


class PyDataset:
    """A data set by batches: subclasses implement `__len__` (batches) and `__getitem__(index)`,
    which returns (x,), (x, y) or (x, y, sample_weight) of one batch.

    workers: with more than one, so many threads make batches in advance, at most `max_queue_size`
        of them; the order stays. Then `__getitem__` must allow for being called by several threads.
    use_multiprocessing: accepted; the workers are threads, since the core runs without the GIL.
    """

    workers = 1
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Returns batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must implement __getitem__(index)")

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        raise NotImplementedError(f"{type(self).__name__} must implement __len__()")

    @property
    def num_batches(self) -> int | None:
        """The number of batches of an epoch; a subclass may say None: there is no end."""
        return len(self)

    def on_epoch_begin(self) -> None:
        """Called before each pass through the data."""

    def on_epoch_end(self) -> None:
        """Called after each pass, also one that ends early."""
