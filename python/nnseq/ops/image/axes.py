"""What functions of images check: their rank, their axes, their choices."""

from __future__ import annotations

from typing import Any

from nnseq.engine.operators import UnknownDimError


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected of one {choices}. Received: "
            f"{name}={value}"
        )


def image_axes(x: Any, data_format: str | None) -> tuple[int, int]:
    """The axes of height and width, counted from the start.

    Raises:
        ValueError: if x is neither an image nor a batch of images, or the format is unknown.
    """
    rank = len(x.shape)
    if rank not in (3, 4):
        raise ValueError(
            "Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). "
            f"Received input with shape: images.shape={x.shape}"
        )
    check_choice("data_format", data_format, (None, "channels_last", "channels_first"))  # type: ignore[arg-type]
    first = rank - 2 if data_format == "channels_first" else rank - 3
    return first, first + 1


def known_size(x: Any, axis: int) -> int:
    """The size of an axis, which has to be known: the trace is then made for known shapes."""
    size = x.shape[axis]
    if size is None:
        raise UnknownDimError(f"the sizes of images must be known; got shape {x.shape}")
    return size
