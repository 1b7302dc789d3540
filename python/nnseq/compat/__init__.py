"""Unchanged programs on nnseq: `install_as("keras")`, `install_as("tensorflow.keras")`."""

from nnseq.compat.install import install_as

__all__ = ["install_as"]
