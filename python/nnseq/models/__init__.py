"""Model, functional models and Sequential."""

from nnseq.models.model import Functional, Model
from nnseq.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
