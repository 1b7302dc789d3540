"""Names of Keras that nnseq does not serve: what to say when a program asks for one."""

from types import ModuleType
from typing import Any

# A name stands for what is below it, too.
_REASONS = {
    "applications": "pretrained models are not available; build the model with nnseq.layers and "
    "load its weights with load_weights",
    "legacy": "code of Keras 2 that Keras 3 has left; use today's name of it",
    "src": "a private module of Keras; use the public name",
    "distribution": "training on several devices is not available yet; train on one machine",
    "distillation": "not available; write the loss of student and teacher in a train_step",
    "quantizers": "quantised models are not available yet; use float32",
    "dtype_policies": "all layers compute in float32",
    "mixed_precision": "all layers compute in float32",
    "export": "export to TensorFlow is not available; use model.save and nnseq.load_model",
    "visualization": "not available; draw with matplotlib",
    "wrappers": "not available; call fit and predict directly",
    "config.dtype_policy": "all layers compute in float32",
    "config.set_dtype_policy": "all layers compute in float32",
    "config.set_backend": "nnseq is its own backend",
    "layers.TFSMLayer": "needs TensorFlow",
    "layers.JaxLayer": "needs JAX",
    "layers.FlaxLayer": "needs Flax",
    "layers.TorchModuleWrapper": "needs PyTorch",
    "saving.KerasFileEditor": "not available; read the weights with load_model and get_weights",
}


def reason(name: str) -> str:
    """Why nnseq has no `name` (dotted, as below `keras`), and what to do instead, in one line."""
    for prefix in sorted(_REASONS, key=len, reverse=True):
        if name == prefix or name.startswith(f"{prefix}."):
            return f"nnseq has no {name}: {_REASONS[prefix]}"
    return f"nnseq has no {name}; docs/keras_surface.md lists what it has and what to use instead"


def explain(module: ModuleType) -> None:
    """Makes the AttributeError of a public module of nnseq say why the name is not there."""
    area = module.__name__.removeprefix("nnseq.")

    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        raise AttributeError(reason(f"{area}.{name}"), name=name)

    vars(module).setdefault("__getattr__", missing)
