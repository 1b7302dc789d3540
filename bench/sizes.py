"""The sizes of the engines' packages, installed and as wheels, without NumPy and its like."""

import importlib.metadata
import importlib.util
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import engines

Sizes = dict[str, dict[str, float]]


def _files(distribution: str) -> list[Path]:
    try:
        listed = importlib.metadata.files(distribution) or []
        found = [Path(str(file.locate())) for file in listed]
    except importlib.metadata.PackageNotFoundError:
        found = []
    if len(found) < 10:  # not installed, or as a link to its sources
        spec = importlib.util.find_spec(distribution)
        folders = spec.submodule_search_locations if spec is not None else None
        found = [path for folder in folders or [] for path in Path(folder).rglob("*")]
    return [f for f in found if f.is_file() and f.suffix != ".pyc"]


def _pieces(files: Iterable[Path]) -> Iterator[bytes]:
    for file in files:
        with open(file, "rb") as stream:
            while piece := stream.read(1 << 20):
                yield piece


def of_engines(names: Iterable[str]) -> Sizes:
    """Per engine: megabytes of its files, and of the same files deflated, as a wheel holds them."""
    measured: dict[str, tuple[float, float]] = {}
    found: Sizes = {}
    for name in names:
        parts = []
        for distribution in engines.ENGINES[name][1]:
            if distribution not in measured:
                pieces = [(len(p), len(zlib.compress(p))) for p in _pieces(_files(distribution))]
                measured[distribution] = (sum(a for a, _ in pieces), sum(b for _, b in pieces))
            parts.append(measured[distribution])
        if any(installed for installed, _ in parts):
            installed, deflated = (sum(column) / 1e6 for column in zip(*parts, strict=True))
            found[name] = {"installed_mb": installed, "wheel_mb": deflated}
    return found


def show(sizes: Sizes) -> None:
    print(f"\n{'engine':16} {'installed MB':>12} {'wheels MB':>10}")
    for name, size in sizes.items():
        print(f"{name:16} {size['installed_mb']:12.1f} {size['wheel_mb']:10.1f}", flush=True)
