"""Nested structures of lists, tuples, named tuples and dicts, under Keras' names."""

from collections.abc import Callable, Mapping
from typing import Any

from nnseq.engine import nest
from nnseq.engine.nest import flatten, is_nested

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:
    """What the function of `traverse` returns to put None in a place."""


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """The structure with func(leaf, ...) in place of every leaf.

    none_is_leaf: whether None is given to func; if not, it stays.

    Raises:
        ValueError: if the structures differ.

    >>> map_structure(lambda a, b: a + b, {"x": 1, "y": [2]}, {"x": 10, "y": [20]})
    {'x': 11, 'y': [22]}
    """
    if not structures:
        raise ValueError("Must provide at least one structure")
    first, *others = structures
    for other in others:
        assert_same_structure(first, other)

    def mapped(leaf: Any, *rest: Any) -> Any:
        return None if leaf is None and not none_is_leaf else func(leaf, *rest)

    return nest.map_structure(mapped, first, *others)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """`shallow_structure` with func(part, ...) of the parts that stand in place of its leaves.

    >>> map_structure_up_to([0, 0], sum, [[1, 2], [3, 4]])
    [3, 7]
    """
    if not structures:
        raise ValueError("Must provide at least one structure")
    return nest.map_structure(lambda _, *parts: func(*parts), shallow_structure, *structures)


def assert_same_structure(a: Any, b: Any) -> None:
    """Raises ValueError unless both are nested alike, in the same types; leaves may differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        same = set(a) == set(b)
        pairs = [(a[key], b[key]) for key in a] if same else []
    else:
        same = is_nested(a) == is_nested(b)
        if same and is_nested(a):
            same = type(a) is type(b) and len(a) == len(b)
        pairs = list(zip(a, b, strict=True)) if same and is_nested(a) else []
    if not same:
        raise ValueError(f"Structures don't have the same nested structure: {a!r} and {b!r}")
    for of_a, of_b in pairs:
        assert_same_structure(of_a, of_b)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """(path, leaf) for all leaves; a path holds the keys and indices that lead to the leaf.

    >>> flatten_with_path({"a": [5, 6]})
    [(('a', 0), 5), (('a', 1), 6)]
    """
    if isinstance(structure, Mapping):
        children = [(key, structure[key]) for key in sorted(structure)]
    elif is_nested(structure):
        children = list(enumerate(structure))
    else:
        return [((), structure)]
    return [
        ((key, *path), leaf) for key, child in children for path, leaf in flatten_with_path(child)
    ]


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises ValueError unless both have leaves at the same keys and indices."""
    of_a, of_b = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if of_a != of_b:
        raise ValueError(
            "`a` and `b` don't have the same paths. "
            f"Missing in `b`: {sorted(map(str, of_a - of_b))}; "
            f"missing in `a`: {sorted(map(str, of_b - of_a))}"
        )


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """The structure holding the items of `flat_sequence` in the order of `flatten`.

    Raises:
        ValueError: if there are not as many items as leaves.

    >>> pack_sequence_as({"b": 0, "a": [0, 0]}, [1, 2, 3])
    {'b': 3, 'a': [1, 2]}
    """
    items, count = list(flat_sequence), len(flatten(structure))
    if len(items) != count:
        raise ValueError(f"The structure has {count} leaves, `flat_sequence` {len(items)} items.")
    return nest.pack(structure, items)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Calls func on every part; what it returns stands in place of the part, None keeps the part.

    top_down: whether a part comes before its children, which then are left out if it is replaced.

    >>> traverse(lambda x: tuple(x) if isinstance(x, list) else None, [1, [2]], top_down=False)
    (1, (2,))
    """

    def children() -> Any:
        if not is_nested(structure):
            return structure
        parts = structure.values() if isinstance(structure, Mapping) else structure
        done = [traverse(func, part, top_down) for part in parts]
        if isinstance(structure, Mapping):
            return type(structure)(zip(structure, done, strict=True))  # type: ignore[call-arg]
        named = hasattr(structure, "_fields")
        return type(structure)(*done) if named else type(structure)(done)

    whole = structure if top_down else children()
    result = func(whole)
    if result is None:
        return children() if top_down else whole
    return None if result is MAP_TO_NONE else result


def lists_to_tuples(structure: Any) -> Any:
    """The structure with tuples in place of lists."""
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """The structure with func(shape) in place of every shape, a list or tuple of integers and None.

    >>> map_shape_structure(len, {"a": (None, 3)})
    {'a': 2}
    """

    def shape(part: Any) -> Any:
        is_shape = isinstance(part, list | tuple) and all(
            size is None or isinstance(size, int) for size in part
        )
        if not is_shape and is_nested(part):
            return None
        result = func(part)
        return MAP_TO_NONE if result is None else result

    return traverse(shape, structure)
