"""The engines. Each is a module with make(model, name), imported only in its own process.

make gives an object with epoch(x, y, batch) -> loss, predict(x) -> array and call(x) -> array.
"""

import importlib
from typing import Any

# name -> (module here, distributions of which it is made)
ENGINES = {
    "nnseq": ("keras_like", ["nnseq"]),
    "torch": ("pytorch", ["torch"]),
    "torch.compile": ("pytorch", ["torch"]),
    "keras/jax": ("keras_like", ["keras", "jax", "jaxlib"]),
    "keras/torch": ("keras_like", ["keras", "torch"]),
    "keras/tensorflow": ("keras_like", ["keras", "tensorflow", "tensorflow_cpu"]),
}


def make(engine: str, model: Any) -> Any:
    """The model in this engine, with weights, ready to train.

    Raises:
        ImportError: if the engine is not installed.
        NotImplementedError: if it has not all layers of the model.
    """
    module = importlib.import_module(f"engines.{ENGINES[engine][0]}")
    return module.make(model, engine)
