"""nnseq: Keras-compatible neural networks, traced once into a small C++ graph and run there.

`import nnseq` alone costs next to nothing: what is in `nnseq.api` is imported when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nnseq._core import __version__ as __version__
from nnseq.unserved import explain, reason

if TYPE_CHECKING:
    from nnseq.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module 'nnseq' has no attribute {name!r}")
    full = f"{__name__}.{name}"
    try:
        module = import_module(full)
        explain(module)
        return module
    except ImportError as error:
        if error.name != full:
            raise
    try:
        value = getattr(import_module("nnseq.api"), name)
    except AttributeError:
        raise AttributeError(reason(name, __dir__()), name=name) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*import_module("nnseq.api").__all__, "__version__"]
