"""Equalization and its adaptive form: images whose values are used equally often."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnseq import ops
from nnseq.layers.images import ImageLayer
from nnseq.layers.random_tones import Range, checked_range, in_range
from nnseq.layers.serialized import is_number, positive, positives
from nnseq.ops.image.axes import known_size


class Equalization(ImageLayer):
    """Maps the values of each channel so that all of them are about equally frequent.

    It counts the values of a whole batch, as Keras does, and leaves images alone where it does not
    train.

    Args:
        value_range: of the numbers of the images.
        bins: how many different values are told apart.

    >>> Equalization()(ops.convert_to_tensor([[[[7.0], [8.0], [9.0]]]])).reshape(-1).tolist()
    [0.0, 128.0, 255.0]
    """

    def __init__(
        self,
        value_range: Range = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range = checked_range(value_range)
        self.bins = positive("bins", bins)

    def transform(self, images: Any, training: bool) -> Any:
        x = ops.cast(images, self.dtype)
        return self.changed(x) if training else x

    def changed(self, images: Any) -> Any:
        """The images in training."""
        axis = self.channels
        parts = ops.unstack(in_range(images, self.value_range, (0, 255)), images.shape[axis], axis)
        x = ops.stack([self._equalized(part) for part in parts], axis)
        return in_range(x, (0, 255), self.value_range)

    def _equalized(self, x: Any) -> Any:
        """One channel, (N, H, W)."""
        places = ops.cast(ops.clip(x * (self.bins - 1) / 255, 0, self.bins - 1), "int32")
        flat = ops.reshape(places, (-1,))
        counts = ops.segment_sum(ops.ones_like(flat), flat, self.bins)
        below = ops.cumsum(counts)
        first = ops.min(ops.where(below > 0, below, below[-1]))  # as many as the least value has
        span = below[-1] - first
        table = (below - first) * 255 / ops.where(ops.equal(span, 0), 1, span)
        table = ops.cast(ops.clip(ops.round(table), 0, 255), x.dtype)
        return ops.where(ops.equal(span, 0), x, ops.take(table, places))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bins": self.bins, "value_range": self.value_range}


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Equalizes each part of an image by what is frequent around it (CLAHE), also in `predict`.

    Counting takes 1 KB of memory per pixel and channel: 64 MB for an image of 256 x 256.

    Args:
        value_range: of the numbers of the images, whose type the result has.
        clip_limit: how many times the mean frequency a value counts at most; 0 is no limit.
        tile_grid_size: how many parts there are down and across.

    >>> ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(1, 1))(
    ...     ops.ones((1, 2, 2, 1))).shape
    (1, 2, 2, 1)

    See K. Zuiderveld, Contrast Limited Adaptive Histogram Equalization, 1994.
    """

    def __init__(
        self,
        value_range: Range = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Sequence[int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range = checked_range(value_range)
        if not is_number(clip_limit) or clip_limit < 0:
            raise ValueError(
                f"`clip_limit` must be a number of at least 0. Received: clip_limit={clip_limit!r}"
            )
        self.clip_limit = clip_limit
        self.tile_grid_size = positives("tile_grid_size", tile_grid_size, 2)

    def transform(self, images: Any, training: bool) -> Any:
        last = self.channels == 3
        x = images if last else ops.transpose(images, (0, 2, 3, 1))
        x = in_range(ops.cast(x, "float32"), self.value_range, (0, 255))
        x = in_range(self._equalized(x), (0, 255), self.value_range)
        return ops.cast(x if last else ops.transpose(x, (0, 3, 1, 2)), images.dtype)

    def _equalized(self, x: Any) -> Any:
        """(N, H, W, C) of 0 to 255."""
        size, channels = (known_size(x, 1), known_size(x, 2)), int(x.shape[3])
        grid = self.tile_grid_size
        tile = [-(-n // parts) for n, parts in zip(size, grid, strict=True)]
        # The last pixels again in reverse order, up to whole tiles.
        for axis, whole in ((1, tile[0] * grid[0]), (2, tile[1] * grid[1])):
            n = size[axis - 1]
            turn = np.arange(whole) % (2 * n)
            x = ops.take(x, np.minimum(turn, 2 * n - 1 - turn).astype(np.int32), axis)
        values = ops.cast(ops.clip(x, 0, 255), "int32")
        tables = self._tables(values, tile, channels)
        down, across = (_between(*pair) for pair in zip(tile, grid, strict=True))
        batch = ops.reshape(ops.arange(ops.shape(x)[0]), (-1, 1, 1, 1)) * (grid[0] * grid[1])
        result: Any = 0.0
        for row, row_weight in down:
            for column, column_weight in across:
                part = row.reshape(-1, 1, 1) * grid[1] + column.reshape(-1, 1) + batch
                place = (part * channels + np.arange(channels)) * 256 + values
                weight = row_weight.reshape(-1, 1, 1) * column_weight.reshape(-1, 1)
                result = result + ops.take(tables, place) * weight
        return result[:, : size[0], : size[1]]

    def _tables(self, values: Any, tile: list[int], channels: int) -> Any:
        """What becomes of each of 256 values: flat (N, rows, columns, C, 256)."""
        (rows, columns), (height, width) = self.tile_grid_size, tile
        x = ops.reshape(values, (-1, rows, height, columns, width, channels))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 5, 2, 4)), (-1, height * width))
        counts = ops.sum(ops.one_hot(x, 256), 1)
        if self.clip_limit:
            least = ops.minimum(counts, self.clip_limit * height * width / 256)
            counts = least + ops.sum(counts - least, 1, keepdims=True) / 256
        below = ops.cumsum(counts, 1)
        first = below[:, :1]
        rest = height * width - first
        table = (below - first) * 255 / ops.where(ops.equal(rest, 0), 1.0, rest)
        return ops.reshape(ops.clip(table, 0, 255), (-1,))

    def get_config(self) -> dict[str, Any]:
        names = ("value_range", "clip_limit", "tile_grid_size")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _between(tile: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each pixel of an axis the tiles whose middles it lies between, and their weights."""
    place = (np.arange(tile * count, dtype=np.float32) - tile / 2) / tile
    before = np.floor(place)
    after_weight = (place - before).astype(np.float32)
    numbers = [np.clip(before + k, 0, count - 1).astype(np.int32) for k in (0, 1)]
    return list(zip(numbers, (1 - after_weight, after_weight), strict=True))
