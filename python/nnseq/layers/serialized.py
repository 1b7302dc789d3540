"""What the configurations of layers share."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

import numpy as np

from nnseq import activations, constraints, initializers, regularizers
from nnseq.engine.settings import settings

_SERIALIZE = {
    "activation": activations.serialize,
    "initializer": initializers.serialize,
    "regularizer": regularizers.serialize,
    "constraint": constraints.serialize,
}


_GET = {
    "activation": activations.get,
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}


def _kind(name: str) -> str:
    return name.rsplit("_", 1)[-1]


def serialized(layer: Any, *names: str) -> dict[str, Any]:
    """The configuration of attributes such as `kernel_initializer`, told by the end of the name."""
    return {name: _SERIALIZE[_kind(name)](getattr(layer, name)) for name in names}


def given(scope: dict[str, Any], *without: str) -> dict[str, Any]:
    """The arguments of an `__init__` whose first statement calls this with `locals()`, but for
    `self`, what its **kwargs hold and `without`."""
    others = ("self", "kwargs", "__class__", *without)
    return {name: value for name, value in scope.items() if name not in others}


def store_arguments(layer: Any, arguments: dict[str, Any]) -> None:
    """Makes each argument an attribute; those such as `kernel_initializer` may be names."""
    for name, value in arguments.items():
        setattr(layer, name, _GET.get(_kind(name), lambda x: x)(value))


def stored_arguments(layer: Any, names: Iterable[str]) -> dict[str, Any]:
    """The configuration of what `store_arguments` made of these."""
    return {n: _SERIALIZE.get(_kind(n), lambda x: x)(getattr(layer, n)) for n in names}


def refuse_options(layer: str, **options: Any) -> None:
    """Raises for arguments that Keras has and that change nothing here unless they are None."""
    given = [name for name, value in options.items() if value]
    if given:
        raise NotImplementedError(f"{layer}: {', '.join(given)} is not supported")


def is_number(value: Any) -> TypeGuard[float]:
    """Whether `value` is a Python or NumPy number; True and False are none."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def positive(name: str, value: Any) -> int:
    """`value` if it is an integer above 0.

    Raises:
        ValueError: else, naming the argument.
    """
    if not is_number(value) or int(value) != value or not 0 < value < 2**63:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def between_0_and_1(name: str, value: Any) -> Any:
    """`value` if it is a number in [0, 1]."""
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(
            f"Invalid value received for argument `{name}`. Expected a float value between 0 and "
            f"1. Received: {name}={value!r}"
        )
    return value


def entries(name: str, value: Any) -> tuple[Any, ...]:
    """`value`, a list or a tuple, as a tuple.

    Raises:
        ValueError: for anything else, naming the argument.
    """
    if not isinstance(value, list | tuple):
        raise ValueError(f"`{name}` must be a list or a tuple. Received: {name}={value!r}")
    return tuple(value)


def _integers(
    name: str, value: int | Sequence[int], count: int, least: int, what: str
) -> tuple[int, ...]:
    given: list[Any] = list(value) if isinstance(value, list | tuple) else [value] * count
    values = tuple(given)
    if len(values) != count or not all(type(v) is int and v >= least for v in values):
        several = {1: "", 2: " or two of them", 3: " or three of them"}[count]
        raise ValueError(f"`{name}` must be {what}{several}. Received: {name}={value!r}")
    return values


def positives(name: str, value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """`value` as `count` positive integers, all n for n.

    >>> positives("strides", 2, 1), positives("strides", (1, 3), 2)
    ((2,), (1, 3))
    """
    return _integers(name, value, count, 1, "a positive integer")


def counts(name: str, value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """`value` as `count` integers of at least 0, all n for n."""
    return _integers(name, value, count, 0, "an integer of at least 0")


def sides(name: str, value: Any) -> tuple[int, int]:
    """`value` as (before, after), integers of at least 0; (n, n) for n."""
    before, after = counts(name, value, 2)
    return before, after


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """`value` in lower case if it is one of `choices`."""
    if not isinstance(value, str) or value.lower() not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(choices)}. Received: {value!r}")
    return value.lower()


def data_format(value: str | None) -> str:
    """The order of axes; None is that of `nnseq.config`, channels_last unless set."""
    return choice(
        "data_format",
        settings.image_data_format if value is None else value,
        ("channels_last", "channels_first"),
    )
