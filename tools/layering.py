"""The layering check: includes and imports point downward only. `layering.py [root]`.

C++: each folder of csrc has a rank; a file includes only from its own or lower ranks, and of two
folders of one rank none includes the other unless SIDEWAYS says so. The promise to embedders,
include/nnseq, uses standard headers only. Python: each module of nnseq has a rank; imports inside
functions count, those under TYPE_CHECKING do not; modules never import each other in a cycle.
"""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

CXX_RANKS = {
    "nnseq": 0,
    "base": 1,
    "runtime": 2,
    "math": 2,
    "cpu": 3,
    "ir": 3,
    "ops": 4,
    "cuda": 4,
    "passes": 5,
    "program": 6,
    "c_api": 7,
    "bindings": 7,
}
SIDEWAYS = {("runtime", "math"), ("ops", "cuda")}  # (from, to) of one rank that may be included
# Kernels know pointers and integers: these promised headers are about graphs.
_ABOUT_GRAPHS = ("graph", "ops", "program", "variable", "model", "builder", "nnseq")
NOT_IN_KERNELS = {f"nnseq/{name}.h" for name in _ABOUT_GRAPHS}
KERNEL_ROOMS = {"runtime", "math", "cpu"}
# In include/nnseq an angle include is a standard header: one lower-case word without a suffix, or
# what the C API includes.
STANDARD_HEADER = re.compile(r"[a-z_]+|stddef\.h|stdint\.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

PYTHON_RANKS = {
    "_core": 0,
    "unserved": 0,
    "engine": 1,
    "ops": 2,
    "random": 2,
    "tree": 2,
    "config": 2,
    "initializers": 3,
    "activations": 3,
    "regularizers": 3,
    "constraints": 3,
    "losses": 3,
    "metrics": 3,
    "optimizers": 3,
    "utils": 3,
    "backend": 4,
    "callbacks": 4,
    "datasets": 4,
    "layers": 4,
    "preprocessing": 4,
    "training": 5,
    "saving": 5,
    "models": 6,
    "api": 7,
    "compat": 7,
    "command_line": 7,
    "__main__": 7,
    "": 7,
}


def check_include(room: str, bracket: str, target: str) -> str | None:
    """Returns what is wrong with the include of `target` in a file of `room`, or None."""
    if bracket == "<":
        if room == "nnseq" and not STANDARD_HEADER.fullmatch(target):
            return "promised headers include standard headers only"
        return None
    other = target.split("/")[0] if "/" in target else None
    if other not in CXX_RANKS:
        return "not of the form room/file.h with a known room"
    if CXX_RANKS[other] > CXX_RANKS[room]:
        return f"{other} (rank {CXX_RANKS[other]}) is above {room} (rank {CXX_RANKS[room]})"
    if other != room and CXX_RANKS[other] == CXX_RANKS[room] and (room, other) not in SIDEWAYS:
        return f"{other} and {room} are of one rank"
    if room in KERNEL_ROOMS and target in NOT_IN_KERNELS:
        return f"{room} knows no graph"
    return None


def check_cxx(root: Path) -> Iterator[str]:
    source = root / "csrc"
    for path in sorted(source.rglob("*")):
        if path.suffix not in {".h", ".cpp", ".def", ".cu", ".cuh"}:
            continue
        parts = path.relative_to(source).parts
        room = parts[1] if parts[0] == "include" else parts[0]
        where = path.relative_to(root)
        if room not in CXX_RANKS:
            yield f"{where}: folder {room} has no rank"
            continue
        for bracket, target in INCLUDE.findall(path.read_text()):
            if wrong := check_include(room, bracket, target):
                yield f"{where}: includes {target}: {wrong}"


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports of a module except those in the body of `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from imports(other)
        else:
            yield from imports(node)


def imported_modules(name: str, is_package: bool, tree: ast.AST, known: set[str]) -> set[str]:
    """The modules of nnseq (dotted, of `known`) that module `name` imports."""
    found = set()
    for node in imports(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
            continue
        base = name.split(".") if node.level else []
        if node.level:
            base = base[: len(base) - node.level + (1 if is_package else 0)]
        parent = ".".join(base + ([node.module] if node.module else []))
        for alias in node.names:
            module = f"{parent}.{alias.name}"
            found.add(module if module in known else parent)
    return {module for module in found if module == "nnseq" or module.startswith("nnseq.")}


def rank_of(module: str) -> int | None:
    room = module.split(".")[1] if "." in module else ""
    return PYTHON_RANKS.get(room)


def check_python(root: Path) -> Iterator[str]:
    package = root / "python" / "nnseq"
    trees = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        trees[".".join(parts[:-1] if is_package else parts)] = (is_package, path)
    known = set(trees) | {"nnseq._core"}
    graph = {}
    for name, (is_package, path) in trees.items():
        where = path.relative_to(root)
        if rank_of(name) is None:
            yield f"{where}: has no rank in tools/layering.py"
            continue
        tree = ast.parse(path.read_text(), str(path))
        graph[name] = imported_modules(name, is_package, tree, known) - {name}
        for module in sorted(graph[name]):
            rank = rank_of(module)
            if rank is None or rank > rank_of(name):
                yield f"{where}: imports {module}, which is above it"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"python: import cycle {' -> '.join(error.args[1])}"


def check(root: Path) -> list[str]:
    return [*check_cxx(root), *check_python(root)]


def long_files(root: Path, lines: int = 400) -> Iterator[str]:
    """Files that ask whether their design is right; told, not refused."""
    for folder in ("csrc", "python", "tests", "tools", "examples", "bench"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".h", ".cpp", ".cu", ".py"}:
                count = path.read_text().count("\n")
                if count > lines:
                    yield f"note: {path.relative_to(root)} has {count} lines"


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    for note in long_files(root):
        print(note)
    problems = check(root)
    print("\n".join(problems) or "layering: ok")
    sys.exit(bool(problems))
