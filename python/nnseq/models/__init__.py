"""Model, functional models and Sequential."""

from nnseq.models.functional import Functional
from nnseq.models.model import Model
from nnseq.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
