"""Names of Keras that nnseq does not serve: what to say when a program asks for one."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

# The reasons for dotted names below `keras`, which may end in *; a name stands for what is below
# it, too.
_REASONS: dict[str, str] = {
    name: reason
    for reason, names in {
        "pretrained models are not available; build the model with nnseq.layers and load its "
        "weights with load_weights": "applications",
        "a name of Keras 2 that Keras 3 keeps for old files; use today's": "legacy utils.legacy "
        "optimizers.legacy saving.legacy",
        "a private module of Keras; use the public name": "src",
        "training on several devices is not available yet; train on one machine": "distribution "
        "device optimizers.MultiOptimizer",
        "not available; write the loss of student and teacher in a train_step": "distillation",
        "quantised models are not available yet; use float32": "quantizers Quantizer",
        "all layers compute in float32": "dtype_policies mixed_precision DTypePolicy "
        "FloatDTypePolicy "
        "config.dtype_policy config.set_dtype_policy",
        "export to TensorFlow is not available; model.export writes .nnseq and ONNX": "export",
        "not available; draw with matplotlib": "visualization",
        "not available; call fit and predict directly": "wrappers",
        "the version is nnseq.__version__": "version",
        "nnseq is its own backend": "config.set_backend",
        "attention is computed in one way": "config.*flash_attention*",
        "errors are one line as they are": "config.*traceback_filtering*",
        "files never run code": "config.enable_unsafe_deserialization",
        "made for Flax": "config.is_nnx_enabled",
        "it wraps another library's model, which nnseq does not run": "layers.TFSMLayer "
        "layers.JaxLayer layers.FlaxLayer layers.TorchModuleWrapper callbacks.OrbaxCheckpoint",
        "read the weights with load_model and get_weights": "saving.KerasFileEditor",
        "state is a Variable, which needs no scope": "StatelessScope SymbolicScope RematScope "
        "remat name_scope",
        "write a Layer, or call functions of nnseq.ops on the output of another": "Function "
        "Operation",
        "write it with stop_gradient: stop_gradient(f - g) + g has the values of f and the "
        "gradient of g": "ops.custom_gradient",
        "derivatives along a direction are not available; use GradientTape": "ops.*jvp",
        "functions of nnseq.ops take whole Tensors; call it on them, or use vectorized_map": ""
        "ops.vectorize",
        "use the layers of one change each, such as RandomColorJitter and RandomShear, in a row": ""
        "layers.AugMix layers.RandAugment",
        "bounding boxes are not available": "layers.MaxNumBoundingBoxes utils.bounding_boxes",
        "use Hashing of the joined strings": "layers.HashedCrossing",
        "give one optimizer": "optimizers.OptimizerMap",
        "there are no complex numbers": "ops.view_as_* ops.polar",
        "there are no operations on bits": "ops.bitwise_* ops.left_shift ops.right_shift ops.view "
        "ops.nextafter",
        "it draws numbers; use the layer RandomElasticTransform": "ops.image.elastic_transform",
        "its names are in nnseq.ops itself": "ops.numpy",
        "there are no complex numbers; use eigh of symmetric matrices": "ops.*eig",
        "use an Embedding or preprocessing layers for each feature": "utils.FeatureSpace",
        "read the files with NumPy or soundfile": "utils.audio_dataset_from_directory",
        "settings are in nnseq.config": "utils.Config",
        "use model.inputs": "utils.get_source_inputs",
    }.items()
    for name in names.split()
}


def reason_of(name: str) -> str | None:
    """Why nnseq has no `name` (dotted, as below `keras`), None if there is no reason on record."""
    while name:
        for pattern, why in _REASONS.items():
            if fnmatchcase(name, pattern):
                return why
        name = name.rpartition(".")[0]
    return None


def reason(name: str, served: Iterable[str] = ()) -> str:
    """One line for a name that nnseq does not have; `served` are those beside it."""
    why = reason_of(name) or _nearest(name.rpartition(".")[2], served)
    return f"nnseq has no {name}: {why}"


def _nearest(name: str, served: Iterable[str]) -> str:
    import difflib  # not needed until something is misspelt

    if near := difflib.get_close_matches(name, served, n=1):
        return f"did you mean {near[0]}?"
    return "docs/keras_surface.md lists what it has and what it refuses"


def explain(module: ModuleType) -> None:
    """Makes the AttributeError of a public module of nnseq say why the name is not there."""
    area = module.__name__.removeprefix("nnseq.")

    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        raise AttributeError(reason(f"{area}.{name}", dir(module)), name=name)

    vars(module).setdefault("__getattr__", missing)
