"""Writes docs/keras_surface.md: every public name of Keras in the areas that nnseq serves, as
served or as refused with the reason. `surface.py [--check]`; needs keras.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nnseq
from nnseq.unserved import reason_of

AREAS = (
    "", "layers", "models", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks",
    "activations", "initializers", "regularizers", "constraints", "ops", "ops.image", "random",
    "utils", "preprocessing.image", "preprocessing.sequence", "datasets", "saving", "config",
    "backend", "tree",
)  # fmt: skip
PAGE = Path(__file__).parents[1] / "docs" / "keras_surface.md"
HEAD = """# Keras' public names in nnseq

Made by `python tools/surface.py` from Keras {version} and nnseq itself; a test keeps it true. A
name that is refused raises an error with the reason given here.
"""


def find(module: ModuleType, area: str) -> Any:
    """The module of an area, or None."""
    name = f"{module.__name__}.{area}".rstrip(".")
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def public(module: Any) -> list[str]:
    return sorted(name for name in vars(module) if not name.startswith("_") and name != "src")


def rows(keras: ModuleType) -> dict[str, tuple[list[str], list[str]]]:
    """Of each area the names that are served and those that are not."""
    found = {}
    for area in AREAS:
        theirs, ours = find(keras, area), find(nnseq, area)
        names = public(theirs)
        served = [name for name in names if ours is not None and hasattr(ours, name)]
        found[area] = served, [name for name in names if name not in served]
    return found


def dotted(area: str, name: str) -> str:
    return f"{area}.{name}".lstrip(".")


def page(keras: ModuleType) -> str:
    """The text of the page."""
    parts = [HEAD.format(version=keras.__version__)]
    for area, (served, missing) in rows(keras).items():
        title = f"keras.{area}".rstrip(".")
        parts.append(f"## `{title}`: {len(served)} of {len(served) + len(missing)}\n")
        if served:
            parts.append("Served: " + ", ".join(f"`{name}`" for name in served) + ".\n")
        reasons: dict[str, list[str]] = {}
        for name in missing:
            reasons.setdefault(str(reason_of(dotted(area, name))), []).append(name)
        lines = [
            f"- {', '.join(f'`{name}`' for name in names)}: {reason}"
            for reason, names in reasons.items()
        ]
        if lines:
            parts.append("Refused:\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def main() -> int:
    import keras

    text = page(keras)
    if "--check" in sys.argv[1:]:
        if PAGE.read_text() == text:
            return 0
        print(f"{PAGE.name} is old; run tools/surface.py")
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
