"""Every ```python block of README.md and docs/*.md runs, in order, one namespace per file."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path):
    """Yields (line number, code) of each block."""
    text = path.read_text()
    for match in BLOCK.finditer(text):
        yield text[: match.start(1)].count("\n"), match.group(1)


PAGES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if path.exists() and BLOCK.search(path.read_text())
]


def test_readme_has_an_example():
    assert ROOT / "README.md" in PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_blocks_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for line, code in blocks(path):
        exec(compile("\n" * line + code, str(path), "exec"), namespace)
