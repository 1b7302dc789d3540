"""Classes and functions of users, found by name when a configuration is read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scope: ContextVar[Mapping[str, Any]] = ContextVar("custom_objects", default={})  # noqa: B039


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Makes a class or function known as `package>name`, so that files that name it can be read.

    Raises:
        ValueError: for a class without `get_config()`.

    >>> @register_keras_serializable("demo")
    ... def halved(x):
    ...     return x / 2
    >>> get_registered_name(halved)
    'demo>halved'
    """

    def register(obj: T) -> T:
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(
                f"Cannot register the class {obj.__name__}: it does not have a get_config() method."
            )
        full = f"{package}>{name or obj.__name__}"  # type: ignore[attr-defined]
        _registered[full] = obj
        _names[obj] = full
        return obj

    return register


def get_custom_objects() -> dict[str, Any]:
    """All registered objects by name; what is put into it is known too."""
    return _registered


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered, or its own name."""
    return _names.get(obj) or obj.__name__


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The object of a name: of a scope, registered, or in one of the dicts; else None."""
    for known in (_scope.get(), _registered, custom_objects or {}, module_objects or {}):
        if name in known:
            return known[name]
    return None


@contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Inside, these names of classes and functions are known, besides those of outer scopes.

    >>> with custom_object_scope({"twice": lambda x: 2 * x}):
    ...     get_registered_object("twice")(3)
    6
    """
    token = _scope.set({**_scope.get(), **(custom_objects or {})})
    try:
        yield
    finally:
        _scope.reset(token)


CustomObjectScope = custom_object_scope
