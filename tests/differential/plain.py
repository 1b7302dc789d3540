"""Descriptions as plain data: what to construct, by name, in either library."""

from typing import Any, NamedTuple

import numpy as np


class Make(NamedTuple):
    """library.<path>(**arguments)."""

    path: str
    arguments: dict[str, Any] = {}  # noqa: RUF012 (never changed)


class Name(NamedTuple):
    """library.<path> itself: a class or a function."""

    path: str


def find(library: Any, path: str) -> Any:
    """The attribute of `library` at a dotted path."""
    for part in path.split("."):
        library = getattr(library, part)
    return library


def make(library: Any, value: Any) -> Any:
    """`value` with each Make constructed and each Name looked up in `library`."""
    if isinstance(value, Name):
        return find(library, value.path)
    if isinstance(value, Make):
        return find(library, value.path)(**make(library, value.arguments))
    if isinstance(value, dict):
        return {key: make(library, entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(make(library, entry) for entry in value)
    return value


def paths(value: Any) -> set[str]:
    """The paths of all that `make` would look up."""
    if isinstance(value, Make):
        return {value.path} | paths(value.arguments)
    if isinstance(value, Name):
        return {value.path}
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(paths, value)) if isinstance(value, list | tuple) else set()


def names(value: Any) -> set[str]:
    """The paths of all Names."""
    if isinstance(value, Name):
        return {value.path}
    if isinstance(value, Make):
        value = value.arguments
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(names, value)) if isinstance(value, list | tuple) else set()


class Draw:
    """Choices of a seed. Of a list drawn from in every case, a case first takes the entry its seed
    points to, so that as many seeds as there are entries reach all of them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self._seen: set[int] = set()

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, options: Any) -> Any:
        """One of a sequence, at random."""
        return options[int(self.rng.integers(len(options)))]

    def turn(self, options: Any) -> Any:
        """One of a sequence that lives as long as the process: the first time the seed's."""
        if id(options) in self._seen:
            return self.pick(options)
        self._seen.add(id(options))
        return options[self.seed % len(options)]

    def some(self, options: dict[str, Any], probability: float = 0.3) -> dict[str, Any]:
        """For each name its value, or one of its values if it is a list, or nothing."""
        return {
            name: self.pick(values) if isinstance(values, list) else values
            for name, values in options.items()
            if self.chance(probability)
        }
