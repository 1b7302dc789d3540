"""The configuration of a layer of the user that does not define get_config()."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from nnseq.engine.registry import serialize_keras_object


def remembers_arguments(init: Callable[..., None]) -> Callable[..., None]:
    """`init` that keeps what it was called with; the outermost call of a layer counts.

    Not `Layer.__new__`: before Python 3.11.4 `inspect` takes that for the signature of all layers
    that inherit their `__init__`.
    """

    @functools.wraps(init)
    def remembering(layer: Any, *args: Any, **kwargs: Any) -> None:
        layer.__dict__.setdefault("_init_arguments", (args, kwargs))
        init(layer, *args, **kwargs)

    return remembering


def recorded_arguments(layer: Any) -> dict[str, Any]:
    """The arguments that a layer of the user was made with, by name.

    Empty for layers of this package, and for classes that define `get_config()`.
    """
    given = layer.__dict__.get("_init_arguments")
    if given is None or _defines_config(type(layer)):
        return {}
    args, kwargs = given
    bound = inspect.signature(type(layer).__init__).bind(layer, *args, **kwargs)
    found: dict[str, Any] = {}
    for name, parameter in list(bound.signature.parameters.items())[1:]:
        if name not in bound.arguments:
            continue
        value = bound.arguments[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            found.update(value)
        elif parameter.kind is parameter.VAR_POSITIONAL and value:
            raise _not_recorded(layer, f"*{name}")
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            found[name] = value
    for name, value in found.items():
        try:
            serialize_keras_object(value)
        except TypeError:
            raise _not_recorded(layer, name) from None
    return found


def _defines_config(cls: type) -> bool:
    return any(
        "get_config" in vars(base)
        for base in cls.__mro__
        if not base.__module__.startswith("nnseq.")
    )


def _not_recorded(layer: Any, argument: str) -> NotImplementedError:
    return NotImplementedError(
        f"Layer '{layer.name}' ({type(layer).__name__}) was made with the argument {argument!r}, "
        "which cannot be written to a file; give the class a `get_config()` method."
    )
