"""Model, functional models and Sequential."""

from nnseq.engine.registry import Registry
from nnseq.models.cloning import clone_model, model_from_config, model_from_json
from nnseq.models.model import Functional, Model
from nnseq.models.sequential import Sequential
from nnseq.saving import load_model, save_model

_registry = Registry(
    "model",
    [Functional, Model, Sequential],
    module="keras",
    modules={"Functional": "keras.src.models.functional"},
)

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "save_model",
]
