"""Every ```python block of README.md and docs/*.md runs, in order, one namespace per file.

A ```text block right after it is what it prints; `...` there stands for anything. In a ```console
block every line `$ nnseq ...` is run and followed by what it prints.
"""

import contextlib
import doctest
import io
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"^```(?P<language>python|console)\n(?P<code>.*?)^```$(?:\n+```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ nnseq (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(path):
    """Yields (line number, code, expected output or None) of each block and command."""
    text = path.read_text()
    for match in BLOCK.finditer(text):
        line = text[: match.start("code")].count("\n")
        if match["language"] == "python":
            yield line, match["code"], match["output"]
            continue
        for command, output in COMMAND.findall(match["code"]):
            arguments = shlex.split(command)
            yield line, f"from nnseq.command_line import main\nmain({arguments})", output


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
    for line, code, expected in blocks(path):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + code, str(path), "exec"), namespace)
        if expected is not None:
            found = printed.getvalue()
            same = doctest.OutputChecker().check_output(expected, found, FLAGS)
            assert same, f"{path.name}, block at line {line}: printed\n{found}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pictures_and_links_exist(path):
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} refers to {target}"
