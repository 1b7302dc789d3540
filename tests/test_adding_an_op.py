"""The steps of docs/adding_an_op.md, applied to a copy of the sources, work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "adding_an_op.md"
EDIT = re.compile(r'^```cpp file=(\S+) (after|before)="([^"]+)"\n(.*?)^```$', re.M | re.S)
CODE = re.compile(r"^```python copy\n(.*?)^```$", re.M | re.S)


def apply(text, where, anchor, block):
    """`text` with `block` put before or after the line that starts with `anchor`."""
    lines = text.splitlines(keepends=True)
    (at,) = [i for i, line in enumerate(lines) if line.lstrip().startswith(anchor)]
    at += where == "after"
    return "".join(lines[:at]) + block + "".join(lines[at:])


def test_every_step_has_its_place():
    edits = EDIT.findall(PAGE.read_text())
    assert len(edits) == 4
    for path, where, anchor, block in edits:
        text = (ROOT / path).read_text()
        assert block in apply(text, where, anchor, block)


@pytest.mark.long
def test_the_steps_build_and_run(tmp_path):
    page = PAGE.read_text()
    for name in ("csrc", "cmake", "tools", "python", "CMakeLists.txt", "pyproject.toml"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("*.so*"))
        else:
            shutil.copy(source, tmp_path / name)
    for path, where, anchor, block in EDIT.findall(page):
        file = tmp_path / path
        file.write_text(apply(file.read_text(), where, anchor, block))
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    configure = tmp_path / "tools" / "configure.sh"
    build = tmp_path / "build"
    subprocess.run([configure, build, "-DNNSEQ_WERROR=ON"], check=True)
    cmake = Path(sys.executable).parent / "cmake"
    jobs = str(os.cpu_count() or 1)
    subprocess.run([cmake, "--build", build, "-j", jobs, "--target", "_core"], check=True)
    code = "\n".join(CODE.findall(page))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "python")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
