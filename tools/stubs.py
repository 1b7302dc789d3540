"""Writes python/nnseq/_core.pyi from the built extension module; with --check only compares."""

import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).parents[1] / "python" / "nnseq" / "_core.pyi"


def generate() -> str:
    """Returns the stub of nnseq._core as the current build has it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "nnseq._core", "--exit-code", "-o", folder],
            check=True,
        )
        raw = (Path(folder) / "nnseq" / "_core.pyi").read_text()
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "_core.pyi", "-"]
    return subprocess.run(command, input=raw, check=True, text=True, capture_output=True).stdout


if __name__ == "__main__":
    new = generate()
    if "--check" not in sys.argv:
        STUB.write_text(new)
    elif new != STUB.read_text():
        sys.exit(f"{STUB.name} is not what the build gives; run: make stubs")
