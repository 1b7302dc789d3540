"""No file hurts the program that opens it: a corpus of bad ones, each refused by one line, in
little time and memory, with nothing opened beside it, nothing written, and the model unchanged.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import hostile_corpus
import hostile_files
import pytest

HERE = Path(__file__).parent
# Values of the grid of numbers that are fine, or that mean the default.
VALID = {"rate-1", "rate-4", "axis-0", "axis-4", "axis-7", "groups-4", "units-4", "filters-4"}


def load_all(folder, files):
    """What came of loading {name: bytes or maker} in another process; checks what holds for all."""
    for name, content in files.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            content(folder / name)
    (folder / "list.txt").write_text("\n".join(files))
    before = sorted(os.listdir(folder))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
        "OPENBLAS_NUM_THREADS": "1",
        "NNSEQ_NUM_THREADS": "1",
    }
    subprocess.run([sys.executable, HERE / "hostile_child.py", folder], env=environment, check=True)
    results = json.loads((folder / "results.json").read_text())
    assert sorted(os.listdir(folder)) == sorted([*before, "results.json"])
    faults = []
    for result in results:
        name, text = result["name"], result["text"]
        if result["kind"] not in ("ModelFileError", "loaded"):
            faults.append((name, result["kind"], text))
        if "\n" in text or len(text) >= 400 or (text and name not in text):
            faults.append((name, "message", text))
        if result["events"]:
            faults.append((name, "did", result["events"]))
        if result["changed"] and result["kind"] != "loaded":
            faults.append((name, "the model is changed"))
        if result["memory"] > 64 << 20 or result["seconds"] > 5:
            faults.append((name, result["memory"] >> 20, "MB", result["seconds"], "s"))
    assert not faults, "\n".join(map(str, faults))
    return results


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    return hostile_files.saved(tmp_path_factory.mktemp("good"))


@pytest.fixture
def good(members, tmp_path):
    """A folder with a good file of each kind."""
    (tmp_path / "good.keras").write_bytes(hostile_files.packed(members))
    hostile_files.base_model().save_weights(tmp_path / "good.weights.h5")
    return tmp_path


@pytest.mark.parametrize("group", hostile_corpus.GROUPS)
def test_bad_files_are_refused(group, members, good):
    files = {}
    for maker in hostile_corpus.GROUPS[group]:
        files.update(maker(members, good))
    results = load_all(good, files)
    loaded = {r["name"].split(".")[0] for r in results if r["kind"] == "loaded"}
    assert loaded <= VALID
    assert not (good / "canary").exists()
    for result in results:
        field, _, number = result["name"].removesuffix(".keras").partition("-")
        if group == "numbers" and number and result["kind"] != "loaded":
            assert "bad" in result["text"], result
            assert field in result["text"], result


@pytest.mark.parametrize("name", ["good.keras", "good.weights.h5"])
@pytest.mark.parametrize("count", [150, pytest.param(2000, marks=pytest.mark.long)])
def test_a_flipped_bit_is_refused_or_harmless(count, name, good):
    data = (good / name).read_bytes()
    ending = name.removeprefix("good")
    files = {f"{n}{ending}": x for n, x in hostile_files.flips(data, count)}
    right, *results = load_all(good, {name: data, **files})
    for result in results:
        assert result["kind"] == "ModelFileError" or result["weights"] == right["weights"], result
    assert sum(r["kind"] == "ModelFileError" for r in results) > 0.8 * count


@pytest.mark.parametrize("name", ["good.keras", "good.weights.h5"])
@pytest.mark.parametrize("step", [640, pytest.param(64, marks=pytest.mark.long)])
def test_a_file_that_is_cut_is_called_truncated(step, name, good):
    data = (good / name).read_bytes()
    ending = name.removeprefix("good")
    sizes = range(64, len(data), step)
    for result in load_all(good, {f"cut{n}{ending}": data[:n] for n in sizes}):
        size = int(result["name"][3:].split(".")[0])
        assert "truncated" in result["text"], result
        assert "expected" in result["text"] and f"found {size}" in result["text"], result
