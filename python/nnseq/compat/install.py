"""Other packages' names for nnseq's modules, through Python's own import machinery."""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

import nnseq
from nnseq.unserved import reason

_NAMES = ("keras", "tensorflow.keras")


def install_as(name: str = "keras") -> None:
    """Makes programs that import Keras by this name use nnseq, from their next import on.

    Call it before anything imports the real package. `name` is "keras", for `import keras` and
    `from keras.layers import Dense`, or "tensorflow.keras", for `from tensorflow import keras`,
    `import tensorflow as tf` with `tf.keras`, and the like; of tensorflow itself there are then
    `keras`, `GradientTape`, `Variable`, `random.set_seed` and `__version__`. A name that nnseq does
    not serve raises ImportError or AttributeError that says what to use instead.

    Raises:
        ValueError: for another name.
        ImportError: if the real package has been imported.

    >>> install_as("tensorflow.keras")  # doctest: +SKIP
    >>> from tensorflow.keras.layers import Dense  # doctest: +SKIP
    """
    if name not in _NAMES:
        raise ValueError(f"install_as takes {' or '.join(map(repr, _NAMES))}. Received: {name!r}")
    top = name.split(".")[0]
    loaded = sys.modules.get(top)
    if loaded is not None and loaded is not nnseq and not isinstance(loaded, _TensorFlow):
        raise ImportError(
            f"the real package {top} is imported already; call nnseq.install_as({name!r}) first"
        )
    finder = next((f for f in sys.meta_path if isinstance(f, _Finder)), None)
    if finder is None:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    finder.aliases.add(name)
    if top == "keras":
        sys.modules["keras"] = nnseq
    elif loaded is None:
        sys.modules["tensorflow"] = _TensorFlow()
    sys.modules[name] = nnseq


class _Finder(MetaPathFinder):
    """Finds modules below an alias, and says why a name of nnseq is not there."""

    def __init__(self) -> None:
        self.aliases: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        alias = next((a for a in self.aliases if fullname.startswith(f"{a}.")), None)
        if alias is not None:
            return ModuleSpec(fullname, _Alias(f"nnseq{fullname[len(alias) :]}"))
        if fullname.startswith("tensorflow.") and isinstance(
            sys.modules.get("tensorflow"), _TensorFlow
        ):
            raise ImportError(_no_tensorflow(fullname), name=fullname)
        if fullname.startswith("nnseq.") and PathFinder.find_spec(fullname, path) is None:
            raise ImportError(reason(fullname.removeprefix("nnseq.")), name=fullname)
        return None


class _Alias(Loader):
    """Puts a module of nnseq in the place of the one that is imported."""

    def __init__(self, target: str) -> None:
        self.target = target

    def exec_module(self, module: ModuleType) -> None:
        parent, _, name = self.target.rpartition(".")
        found = getattr(importlib.import_module(parent), name, None)
        if not isinstance(found, ModuleType):
            found = importlib.import_module(self.target)
        sys.modules[module.__name__] = found


class _TensorFlow(ModuleType):
    """The little of tensorflow that programs written for tf.keras need."""

    def __init__(self) -> None:
        super().__init__("tensorflow", "nnseq in the place of tensorflow.keras.")
        self.__path__: list[str] = []
        self.__version__ = "2.16.0+nnseq"  # Keras 3's first
        self.keras = nnseq
        self.random = ModuleType("tensorflow.random")
        vars(self.random)["set_seed"] = nnseq.utils.set_random_seed

    def __getattr__(self, name: str) -> Any:
        if name in ("GradientTape", "Variable"):
            return getattr(nnseq, name)
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(_no_tensorflow(f"tensorflow.{name}"))


def _no_tensorflow(name: str) -> str:
    return (
        f"{name}: nnseq stands in for tensorflow.keras, not for the rest of tensorflow; use NumPy "
        "for data and keras.ops inside models"
    )
