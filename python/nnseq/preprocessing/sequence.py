"""Sequences of different lengths."""

from nnseq.utils import pad_sequences

__all__ = ["pad_sequences"]
