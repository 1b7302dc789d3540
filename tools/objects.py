"""Checks the object files of a build: `objects.py build`.

Code compiled with ISA flags must not reach a machine that lacks the ISA. The linker keeps one copy
of each weak symbol (inline functions, templates), so an object of csrc/cpu/isa may define only
weak symbols of its own namespace; and no other object may use the wide registers.
"""

import subprocess
import sys
from pathlib import Path

WEAK = {"W", "V", "u"}


def objects_of(build: Path, target: str) -> list[Path]:
    return sorted((build / "CMakeFiles" / f"{target}.dir").rglob("*.o"))


def isas_of(build: Path) -> list[str]:
    prefix = "nnseq_isa_"
    folders = (build / "CMakeFiles").glob(f"{prefix}*.dir")
    return sorted(folder.stem.removeprefix(prefix) for folder in folders)


def shared_weak_symbols(path: Path, isa: str) -> list[str]:
    """The weak symbols of an object that another ISA's object could define too."""
    lines = subprocess.run(
        ["nm", "--demangle", "--defined-only", "--format=posix", path],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    found = []
    for line in lines:
        name, kind, *_ = line.rsplit(maxsplit=3)
        if kind in WEAK and f"nnseq::cpu::{isa}::" not in name and not name.startswith("DW.ref."):
            found.append(name)
    return found


def uses_wide_registers(path: Path) -> bool:
    code = subprocess.run(["objdump", "-d", path], check=True, capture_output=True).stdout
    return b"%ymm" in code or b"%zmm" in code


def check(build: Path) -> list[str]:
    problems = []
    isas = isas_of(build)
    if not isas or not objects_of(build, "nnseq_core"):
        problems.append(f"no objects in {build}; run: make build-tests")
    for isa in isas:
        for path in objects_of(build, f"nnseq_isa_{isa}"):
            problems += [
                f"{isa}/{path.name}: weak symbol {name}" for name in shared_weak_symbols(path, isa)
            ]
    for target in ("nnseq_core", "nnseq_isa_scalar"):
        for path in objects_of(build, target):
            if uses_wide_registers(path):
                problems.append(f"{target}/{path.name}: uses ymm or zmm registers")
    return problems


if __name__ == "__main__":
    found = check(Path(sys.argv[1]))
    print("\n".join(found) or "objects: ok")
    sys.exit(bool(found))
