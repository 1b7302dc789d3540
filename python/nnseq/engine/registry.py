"""Finding objects by name, and their configuration as Keras writes it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nnseq.engine.naming import to_snake_case


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Returns " Did you mean 'relu'?" for the nearest of `choices`, else what there is."""
    import difflib  # not needed until something is misspelt

    choices = sorted(choices)  # of `MAE` and `mae` the lower case one comes last and stays
    by_lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {by_lower[near[0]]!r}?"
    return f" Known are: {', '.join(choices)}."


class Registry:
    """The named objects of one kind, e.g. all initializers.

    `classes` are found by class name and by snake case name; `aliases` gives further names, and
    for kinds with functions (losses, activations) the functions by name.
    """

    def __init__(
        self, kind: str, classes: Iterable[type] = (), aliases: Mapping[str, Any] | None = None
    ) -> None:
        self.kind = kind
        self.module = "keras." + kind + ("es" if kind.endswith("s") else "s")
        self.classes = {cls.__name__: cls for cls in classes}
        self.table: dict[str, Any] = {**self.classes, **(aliases or {})}
        for name, cls in self.classes.items():
            self.table.setdefault(to_snake_case(name), cls)

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Returns the object called `name`; a ValueError suggests the nearest name."""
        if custom_objects and name in custom_objects:
            return custom_objects[name]
        if name in self.table:
            return self.table[name]
        raise ValueError(f"Unknown {self.kind}: {name!r}.{did_you_mean(name, self.table)}")

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
        if obj is None or isinstance(obj, str):
            return obj
        if not hasattr(obj, "get_config"):
            return obj.__name__
        cls = type(obj)
        known = self.classes.get(cls.__name__) is cls
        return {
            "module": self.module if known else cls.__module__,
            "class_name": cls.__name__,
            "config": obj.get_config(),
            "registered_name": None if known else f"Custom>{cls.__name__}",
        }

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The inverse of `serialize`; classes of the user are looked up in `custom_objects`."""
        if isinstance(config, str):
            found = self.find(config, custom_objects)
            return found() if isinstance(found, type) else found
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError(f"Not a configuration of a {self.kind}: {config!r}")
        if config["class_name"] == "function":
            return self.find(config["config"], custom_objects)
        cls = self.find(config["class_name"], custom_objects)
        make: Callable[..., Any] = getattr(cls, "from_config", None) or (lambda c: cls(**c))
        return make(config.get("config", {}))
