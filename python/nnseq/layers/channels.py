"""Channels last is the core's order of axes; channels first is moved there and back."""

from collections.abc import Callable
from typing import Any

from nnseq import ops


def in_channels_last(function: Callable[[Any], Any], x: Any, data_format: str) -> Any:
    """function(x) for a function of (N, ..., C), whatever the order of x's axes."""
    if data_format == "channels_last":
        return function(x)
    return ops.moveaxis(function(ops.moveaxis(x, 1, -1)), -1, 1)


def channel_axis(data_format: str) -> int:
    """The axis of the channels."""
    return -1 if data_format == "channels_last" else 1
