"""What holds for the sources and the build as a whole: layers, names, objects, stub, import."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import layering
import nnseq
import objects
import stubs

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"


def test_includes_and_imports_point_downward():
    assert layering.check(ROOT) == []


@pytest.mark.parametrize(
    ("room", "target"),
    [
        ("cpu", "ir/verify.h"),
        ("cpu", "nnseq/graph.h"),
        ("base", "runtime/parallel.h"),
        ("runtime", "ops/row.h"),
        ("nnseq", "base/check.h"),
        ("ir", "cpu/gemm.h"),
        ("ops", "parallel.h"),
    ],
)
def test_layering_refuses_upward_includes(room, target):
    assert layering.check_include(room, '"', target)


@pytest.mark.parametrize("header", ["omp.h", "immintrin.h", "cuda_runtime.h", "pybind11/numpy.h"])
def test_layering_refuses_foreign_headers_in_the_promise(header):
    assert layering.check_include("nnseq", "<", header)


def test_layering_finds_upward_and_cyclic_imports(tmp_path):
    package = tmp_path / "python" / "nnseq"
    for name, text in {
        "__init__.py": "from nnseq import layers",
        "engine.py": "def f():\n    from .layers import base",
        "layers/__init__.py": "from .base import x",
        "layers/base.py": "from . import dense",
        "layers/dense.py": "from nnseq.layers.base import x",
        "losses.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING: import nnseq.models",
        "models.py": "",
        "stray.py": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    found = layering.check(tmp_path)
    assert len(found) == 3
    assert "engine.py: imports nnseq.layers.base, which is above it" in found[0]
    assert "stray.py: has no rank" in found[1]
    assert "import cycle" in found[2] and "nnseq.layers.dense" in found[2]


def test_tracked_files_name_no_place_of_a_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    place = re.compile(r"/(?:home|Users)/\w|/root/|" + re.escape(str(ROOT)) + r"\b")
    found = []
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path != Path(__file__):
            text = path.read_bytes().decode("utf-8", "replace")
            found += [f"{name}: {match.group()}" for match in place.finditer(text)]
    assert found == []


def test_objects_of_the_isas_share_no_weak_symbol():
    assert objects.check(BUILD) == []


def test_stub_is_what_the_build_gives():
    assert stubs.generate() == stubs.STUB.read_text()


IMPORT = """
import json, sys, time
import numpy
start = time.process_time()  # of this process alone: other work on the machine does not count
import nnseq
seconds = [time.process_time() - start]
assert nnseq.__version__
assert nnseq.Sequential and nnseq.layers
seconds.append(time.process_time() - start)
heavy = {"h5py", "matplotlib", "torch", "keras", "jax", "sklearn", "scipy", "pandas", "onnx"}
print(json.dumps([*seconds, sorted(heavy & set(sys.modules))]))
"""


def test_import_is_light():
    command = [sys.executable, "-c", IMPORT]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    runs = [
        json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    assert min(alone for alone, _, _ in runs) <= 0.050
    assert min(all_of_it for _, all_of_it, _ in runs) <= 0.200  # 35 to 70 ms on a quiet machine
    assert runs[0][2] == []


def test_names_are_imported_when_they_are_used():
    assert set(nnseq.api.__all__) <= set(dir(nnseq))
    for name in nnseq.api.__all__:
        assert getattr(nnseq, name) is getattr(nnseq.api, name)
    assert not hasattr(nnseq, "applications")
    with pytest.raises(AttributeError, match="nnseq has no Sequentiel: "):
        _ = nnseq.Sequentiel
    namespace = {}
    exec("from nnseq import *", namespace)
    assert set(nnseq.api.__all__) <= set(namespace)
