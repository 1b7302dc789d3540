"""The public names of nnseq, which `nnseq` itself gives when they are asked for."""

from types import ModuleType

from nnseq import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    tree,
    utils,
)
from nnseq._core import __version__
from nnseq.compat import install_as
from nnseq.engine.dtypes import epsilon, floatx
from nnseq.engine.tape import GradientTape
from nnseq.engine.tensor import KerasTensor, Tensor
from nnseq.engine.variable import Variable
from nnseq.initializers import Initializer
from nnseq.layers import Input, InputSpec, Layer
from nnseq.losses import Loss
from nnseq.metrics import Metric
from nnseq.models import Functional, Model, Sequential
from nnseq.optimizers import Optimizer
from nnseq.regularizers import Regularizer
from nnseq.training.function import function
from nnseq.unserved import explain

__all__ = [
    "Functional",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "epsilon",
    "floatx",
    "function",
    "initializers",
    "install_as",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
]

_modules = [m for m in vars().values() if isinstance(m, ModuleType)]
for _module in [*_modules, optimizers.schedules, ops.image, ops.linalg, ops.nn]:
    explain(_module)
