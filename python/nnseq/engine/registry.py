"""Finding objects by name, and their configuration as Keras writes it.

No name in a configuration is ever imported: classes and functions are those of a Registry, or of
the user (`nnseq.engine.custom_objects`).
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import numpy as np

from nnseq.engine.custom_objects import (
    custom_object_scope,
    get_registered_name,
    get_registered_object,
)
from nnseq.engine.naming import to_snake_case

_registries: dict[str, Registry] = {}  # by the plural of their kind
# Of files by other versions: keys that change nothing here with any value that Keras writes.
_WITHOUT_EFFECT = frozenset({"implementation", "renorm_momentum", "time_major", "unroll"})
_ONLY_DEFAULT = {"groups": 1}


def did_you_mean(name: str, choices: Iterable[str], tell_all: bool = True) -> str:
    """Returns " Did you mean 'relu'?" for the nearest of `choices`, else what there is."""
    import difflib  # not needed until something is misspelt

    choices = sorted(choices)  # of `MAE` and `mae` the lower case one comes last and stays
    by_lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {by_lower[near[0]]!r}?"
    return f" Known are: {', '.join(choices)}." if tell_all else ""


class Registry:
    """The named objects of one kind, e.g. all initializers.

    `classes` are found by class name and by snake case name; `aliases` gives further names, and
    for kinds with functions (losses, activations) the functions by name. `module` is what Keras
    writes as the module of the classes, `modules` that of single ones.
    """

    def __init__(
        self,
        kind: str,
        classes: Iterable[type] = (),
        aliases: Mapping[str, Any] | None = None,
        module: str | None = None,
        modules: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        plural = kind + ("es" if kind.endswith("s") else "s")
        self.module = module or f"keras.{plural}"
        self.modules = dict(modules or {})
        self.classes = {cls.__name__: cls for cls in classes}
        self.table: dict[str, Any] = {**self.classes, **(aliases or {})}
        for name, cls in self.classes.items():
            self.table.setdefault(to_snake_case(name), cls)
        _registries[plural] = self

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Returns the object called `name`; a ValueError suggests the nearest name."""
        found = get_registered_object(name, custom_objects, self.table)
        if found is None:
            raise ValueError(f"Unknown {self.kind}: {name!r}.{did_you_mean(name, self.table)}")
        return found

    def get(self, identifier: Any) -> Any:
        """Resolves a name, a configuration, a class or an object; classes are instantiated."""
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        found = self.find(identifier) if isinstance(identifier, str) else identifier
        if isinstance(found, type):
            return found()
        if not callable(found):
            raise ValueError(
                f"Expected the name, the configuration or an instance of a {self.kind}. "
                f"Received: {identifier!r} (of type {type(identifier).__name__})"
            )
        return found

    def serialize(self, obj: Any) -> Any:
        """Returns the configuration Keras would write for `obj` (a name for a function)."""
        if isinstance(obj, types.FunctionType):
            return _function_config(obj)["config"]
        return serialize_keras_object(obj)

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The inverse of `serialize`; classes of the user are looked up in `custom_objects`."""
        if isinstance(config, str):
            found = self.find(config, custom_objects)
            return found() if isinstance(found, type) else found
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError(f"Not a configuration of a {self.kind}: {config!r}")
        with custom_object_scope(custom_objects):
            return _object_of(config, self)


# --- writing -------------------------------------------------------------------------------------
# Objects met twice inside `sharing_objects` are written, and made, as one.
_written: ContextVar[dict[int, dict[str, Any]] | None] = ContextVar("written", default=None)
_made: ContextVar[dict[Any, Any] | None] = ContextVar("made", default=None)


@contextmanager
def sharing_objects() -> Iterator[None]:
    """Inside, a layer that is part of a configuration twice stays one layer."""
    written, made = _written.set({}), _made.set({})
    try:
        yield
    finally:
        _written.reset(written)
        _made.reset(made)


def serialize_keras_object(obj: Any) -> Any:
    """The configuration of an object, of a structure of them, or of a value that JSON can hold.

    Raises:
        TypeError: for an object that has no `get_config()`, and for a lambda.

    >>> serialize_keras_object({"a": (1, np.float32(2))})
    {'a': (1, 2.0)}
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, (list, tuple)):
        return type(obj)(serialize_keras_object(x) for x in obj)
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return _special("__numpy__", value=obj.tolist(), dtype=obj.dtype.name)
    if isinstance(obj, bytes):
        return _special("__bytes__", value=obj.decode("utf-8"))
    if isinstance(obj, slice):
        return _special("__slice__", start=obj.start, stop=obj.stop, step=obj.step)
    if obj is Ellipsis:
        return _special("__ellipsis__")
    if isinstance(obj, types.FunctionType):
        return _function_config(obj)
    if hasattr(obj, "get_config"):
        return _config_of(obj)
    raise TypeError(
        f"Cannot serialize {obj!r} of type {type(obj).__name__}: give its class a `get_config()` "
        "method that returns the arguments it was made with."
    )


def _special(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


def _function_config(function: types.FunctionType) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        raise TypeError(
            "Cannot serialize a lambda: files hold no code. Use a function with a name and "
            "register it with @nnseq.saving.register_keras_serializable()."
        )
    name = function.__name__
    is_ours = any(registry.table.get(name) is function for registry in _registries.values())
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name if is_ours else get_registered_name(function),
        "registered_name": "function",
    }


def _config_of(obj: Any) -> dict[str, Any]:
    written = _written.get()
    if written is not None and id(obj) in written:
        config = written[id(obj)]
        config["shared_object_id"] = id(obj)
        return dict(config)
    cls = type(obj)
    registry = _home(cls)
    config = {
        "module": _module_of(cls)
        if registry is None
        else registry.modules.get(cls.__name__, registry.module),
        "class_name": cls.__name__,
        "config": serialize_keras_object(obj.get_config()),
        "registered_name": None if registry is not None else get_registered_name(cls),
    }
    for extra in ("build_config", "compile_config"):
        if (get := getattr(obj, f"get_{extra}", None)) and (value := get()):
            config[extra] = serialize_keras_object(value)
    if written is not None and hasattr(obj, "_inbound_nodes"):  # layers; others are as good twice
        written[id(obj)] = config
    return config


def home_of(config: Mapping[str, Any]) -> Registry | None:
    """The Registry whose class a serialised configuration is of; None for what is of the user."""
    name, module = config.get("class_name"), config.get("module")
    if not isinstance(config.get("config"), dict) or config.get("registered_name") is not None:
        return None
    for registry in _registries.values():
        if name in registry.classes and registry.modules.get(name, registry.module) == module:
            return registry
    return None


def _module_of(obj: Any) -> str | None:
    return None if obj.__module__ == "__main__" else obj.__module__


def _home(cls: type) -> Registry | None:
    """The Registry of a class of this package, None for classes of users."""
    for registry in _registries.values():
        if registry.classes.get(cls.__name__) is cls:
            return registry
    return None


# --- reading -------------------------------------------------------------------------------------
def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """What `serialize_keras_object` was given.

    Args:
        custom_objects: classes and functions of the user by name.
        safe_mode: files hold no code for nnseq: lambdas are refused with either value.

    Raises:
        TypeError: for a class or function that is not known.
        ValueError: for a lambda, or arguments that do not fit.
    """
    import_module("nnseq.api")  # a configuration may name any class: all Registries must be there
    with custom_object_scope(custom_objects):
        return _value_of(config)


def _value_of(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return [_value_of(x) for x in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: _value_of(value) for key, value in config.items()}
    return _object_of(config, None)


_SPECIAL: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__numpy__": lambda c: np.array(c["value"], dtype=c["dtype"]),
    "__tensor__": lambda c: np.array(c["value"], dtype=c["dtype"]),
    "__bytes__": lambda c: c["value"].encode("utf-8"),
    "__slice__": lambda c: slice(*(_value_of(c[key]) for key in ("start", "stop", "step"))),
    "__ellipsis__": lambda c: Ellipsis,
    "DTypePolicy": lambda c: c["name"],  # as Keras writes the dtype of a layer of the user's class
}


def _object_of(config: dict[str, Any], registry: Registry | None) -> Any:
    """The object of a configuration; `registry` is where its class is, unless the module says
    otherwise."""
    name, inner = config["class_name"], config.get("config")
    if name in _SPECIAL:
        return _SPECIAL[name](inner or {})
    if name == "__lambda__":
        raise ValueError(
            "Requested the deserialization of a `Lambda` layer (or another object) whose "
            "`function` is a Python lambda, which is code and is never run, with safe_mode=False "
            "neither. Make the model again with a registered function instead of the lambda."
        )
    if name == "function":
        return _find(config, inner, registry)
    shared, made = config.get("shared_object_id"), _made.get()
    if shared is not None and made is not None and shared in made:
        return made[shared]
    cls = _find(config, name, registry)
    obj = _made_from(cls, {} if inner is None else inner, config)
    if shared is not None and made is not None:
        made[shared] = obj
    return obj


def _find(config: dict[str, Any], name: Any, registry: Registry | None) -> Any:
    """The class or function that a configuration names."""
    if not isinstance(name, str):
        raise TypeError(f"The name of a class or function must be a string. Received: {name!r}")
    for key in (config.get("registered_name"), name):
        found = get_registered_object(key) if isinstance(key, str) else None
        if found is not None:
            return found
    module = config.get("module") or ""
    homes = [_registries[part] for part in reversed(module.split(".")) if part in _registries]
    if registry is not None and not homes:
        homes = [registry]
    is_function = config["class_name"] == "function"
    for home in [*homes, *_registries.values()]:
        found = home.table.get(name) if home in homes or is_function else home.classes.get(name)
        if found is not None and isinstance(found, types.FunctionType) == is_function:
            return found
    kind = "function" if is_function else "class"
    near = "".join(did_you_mean(name, home.classes, tell_all=False) for home in homes)
    raise TypeError(
        f"Could not locate the {kind} {name!r} (of module {config.get('module')!r}).{near} If it "
        "is yours, decorate it with @nnseq.saving.register_keras_serializable() and import it "
        "first, or pass custom_objects."
    )


def _made_from(cls: Any, inner: Any, config: dict[str, Any]) -> Any:
    if isinstance(cls, types.FunctionType):
        return cls
    if not isinstance(inner, dict):
        raise TypeError(f"{cls.__name__}: the config must be a dict. Received: {inner!r}")
    home = _home(cls)
    if home is not None and home.kind != "model":
        inner = known_arguments(cls, inner)
    elif home is None and not _overrides_from_config(cls):
        inner = {key: _value_of(value) for key, value in inner.items()}
    try:
        obj = cls.from_config(inner) if hasattr(cls, "from_config") else cls(**inner)
    except TypeError as error:
        if "__init__()" not in str(error):
            raise
        raise TypeError(f"{cls.__name__} cannot be made from its configuration: {error}") from error
    build_config = config.get("build_config")
    if build_config and not getattr(obj, "built", True):
        obj.build_from_config(build_config)
    if config.get("compile_config"):
        obj.compile_from_config(config["compile_config"])
    return obj


def _overrides_from_config(cls: type) -> bool:
    defining = next((c for c in cls.__mro__ if "from_config" in vars(c)), None)
    return defining is not None and not defining.__module__.startswith("nnseq.")


@functools.cache
def init_parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class by name, also those it passes on to its base as **kwargs."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = list(inspect.signature(base.__init__).parameters.values())[1:]  # type: ignore[misc]
            for p in parameters:
                if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                    found.setdefault(p.name, p)
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return found


def known_arguments(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without the keys of other versions of Keras that change nothing; other
    unknown keys are for the class to refuse."""
    parameters = init_parameters(cls)
    return {
        key: value
        for key, value in config.items()
        if key in parameters
        or (value and key not in _WITHOUT_EFFECT and _ONLY_DEFAULT.get(key) != value)
    }
