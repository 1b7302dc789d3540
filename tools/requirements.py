"""Prints what pyproject.toml asks for, one requirement a line: `requirements.py build demo test`.

`build` names the build requirements, any other word an extra; the dependencies come always.
"""

import sys
import tomllib
from pathlib import Path


def requirements(groups: list[str]) -> list[str]:
    config = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    project, found = config["project"], list(config["project"]["dependencies"])
    for group in groups:
        extra = project["optional-dependencies"].get(group)
        found += config["build-system"]["requires"] if group == "build" else extra
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1:])))
