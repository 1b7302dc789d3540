"""The library outside of Python: installed, found by CMake and pkg-config, used from C++ and C.

The examples (marker `embed`) are also tests of other builds, compilers and machines:
`--embed-build` says which build is installed, `--embed-cmake` how the examples are configured,
`--embed-run` what runs them.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnseq
from nnseq import layers
from nnseq.models import load_model

ROOT = Path(__file__).parents[1]
RNG = np.random.default_rng(3)
X = np.sin(np.arange(300).reshape(50, 6)).astype("float32")
Y = np.arange(50) % 3


def run(*command, cwd=None, **environment):
    """Runs a program; returns what it printed, as bytes."""
    done = subprocess.run(
        [str(x) for x in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (
        command,
        done.stdout.decode()[-2000:],
        done.stderr.decode()[-2000:],
    )
    return done.stdout


def cmake(*arguments):
    tool = Path(sys.executable).with_name("cmake")
    return run(tool if tool.exists() else "cmake", *arguments).decode()


@pytest.fixture(scope="module")
def built(pytestconfig):
    """The build that is tested."""
    place = ROOT / pytestconfig.getoption("embed_build")
    assert (place / "cmake_install.cmake").exists(), "`make build-tests` builds what is installed"
    return place


@pytest.fixture(scope="module")
def runner(pytestconfig):
    """The start of the command that runs a program."""
    return shlex.split(pytestconfig.getoption("embed_run"))


@pytest.fixture(scope="module")
def prefix(built, tmp_path_factory):
    """Where the library is installed."""
    place = tmp_path_factory.mktemp("prefix")
    cmake("--install", built, "--prefix", place)
    return place


def build(source, place, prefix, *arguments):
    cmake("-S", source, "-B", place, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", *arguments)
    cmake("--build", place)
    return place


@pytest.fixture(params=["shared", "static"])
def example(request, pytestconfig, tmp_path, prefix, runner):
    """Builds the example of a name against the installed library; what it returns runs it."""

    def program(name):
        source = tmp_path / "source"
        shutil.copytree(ROOT / "examples" / "embed" / name, source)
        lists = source / "CMakeLists.txt"
        if request.param == "static":
            lists.write_text(lists.read_text().replace("nnseq::nnseq", "nnseq::static"))
        given = shlex.split(pytestconfig.getoption("embed_cmake"))
        place = build(source, tmp_path / "b", prefix, "-DCMAKE_BUILD_TYPE=Release", *given)
        return lambda *arguments: run(*runner, place / name, *arguments, cwd=tmp_path).decode()

    return program


def classifier():
    nnseq.utils.set_random_seed(2)
    model = nnseq.Sequential(
        [
            nnseq.Input((6,)),
            layers.Dense(5, activation="relu", name="dense"),
            layers.Dense(3, activation="softmax", name="scores"),
        ],
        name="net",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def digits():
    """A model of 8 x 8 images, trained a little on stripes."""
    nnseq.utils.set_random_seed(2)
    model = nnseq.Sequential(
        [
            nnseq.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="last"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def test_the_c_api(tmp_path, built):
    model = classifier()
    model.export(tmp_path / "m.nnseq", classes="abc")
    printed = run(built / "tests" / "cpp" / "c_api", tmp_path / "m.nnseq", tmp_path / "out.nnseq")
    numbers = np.frombuffer(printed, np.float32)
    np.testing.assert_array_equal(
        load_model(tmp_path / "out.nnseq").predict(numbers[:300].reshape(50, 6), verbose=0),
        numbers[300:].reshape(50, 3),
    )


@pytest.mark.embed
def test_the_library_can_be_unloaded(tmp_path, built, prefix, runner, pytestconfig):
    """By hosts that do so while they run; promise 46."""
    looks_for_leaks = "valgrind" in runner or "sanitize" in pytestconfig.getoption("embed_cmake")
    classifier().export(tmp_path / "m.nnseq")
    [library] = prefix.rglob("libnnseq.so")
    unload = built / "tests" / "cpp" / "unload"
    kept = ["libgomp.so.1"] if looks_for_leaks else []
    printed = run(*runner, unload, library, tmp_path / "m.nnseq", 3 if runner else 100, *kept)
    assert printed == b"0 of the results differed\n"


@pytest.mark.embed
def test_classify(tmp_path, example):
    model = digits()
    model.export(tmp_path / "digits.nnseq", classes=range(10))
    images = RNG.integers(0, 17, (3, 8, 8)).astype(np.uint8)
    for i, image in enumerate(images):
        image.tofile(tmp_path / f"{i}.raw")
    printed = example("classify")("digits.nnseq", "0.raw", "1.raw", "2.raw")
    scores = model.predict(images[..., np.newaxis] / np.float32(16), verbose=0)
    assert printed.splitlines() == [
        f"{i}.raw: {row.argmax()} ({100 * row.max():.1f} %)" for i, row in enumerate(scores)
    ]


@pytest.mark.embed
def test_define(tmp_path, example):
    printed = example("define")(tmp_path / "circle.nnseq")
    loss, accuracy = (
        float(re.search(rf"^{name} (.*)$", printed, re.M)[1]) for name in ("loss", "accuracy")
    )
    assert accuracy > 0.95
    model = load_model(tmp_path / "circle.nnseq")
    assert model.name == "circle" and model.classes == ["outside", "inside"]
    points = np.array([[0, 0], [0.1, -0.2], [0.95, 0.9], [-0.9, 0.9]], np.float32)
    np.testing.assert_array_equal(model.predict(points, verbose=0).argmax(-1), [1, 1, 0, 0])
    found = model.evaluate(points, np.array([1, 1, 0, 0]), verbose=0)
    assert found[0] < 0.7 and found[1] == 1
    history = model.fit(points, np.array([1, 1, 0, 0]), epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] <= found[0] * 1.01
    assert loss >= 0


@pytest.mark.embed
def test_fine_tune(tmp_path, example):
    model = digits()
    model.export(tmp_path / "m.nnseq")
    x = RNG.random((64, 8, 8, 1), np.float32)
    y = (x[:, 0, 0, 0] > 0.5).astype(np.int64)
    x.tofile(tmp_path / "x.raw")
    y.tofile(tmp_path / "y.raw")
    example("fine_tune")("m.nnseq", 64, "x.raw", "y.raw", "out.nnseq")
    tuned = load_model(tmp_path / "out.nnseq")
    before, after = model.get_weights(), tuned.get_weights()
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [1, 1, 0, 0]
    assert tuned.evaluate(x, y, verbose=0) < model.evaluate(x, y, verbose=0)
    assert tuned.optimizer.iterations.numpy() == 6


@pytest.mark.embed
def test_real_time(tmp_path, example, pytestconfig):
    if "sanitize" in pytestconfig.getoption("embed_cmake"):
        pytest.skip("a sanitizer has a malloc of its own, as this program has")
    digits().export(tmp_path / "m.nnseq")
    printed = example("real_time")("m.nnseq", 200)
    assert " 0 allocations" in printed, printed


def test_static_library_and_pkg_config(tmp_path, prefix):
    classifier().export(tmp_path / "m.nnseq")
    (tmp_path / "main.cpp").write_text(
        "#include <nnseq/nnseq.h>\n#include <cstdio>\nint main(int, char** argv) {\n"
        "  std::puts(nnseq::Model::load(argv[1]).parameters().at(0).name.c_str());\n}\n"
    )
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(p LANGUAGES CXX)\n"
        "find_package(nnseq 0.1 CONFIG REQUIRED)\nadd_executable(p main.cpp)\n"
        "target_link_libraries(p PRIVATE nnseq::static)\n"
    )
    place = build(tmp_path, tmp_path / "b", prefix)
    assert run(place / "p", tmp_path / "m.nnseq") == b"net/dense/kernel\n"
    if shutil.which("pkg-config") is None:
        pytest.skip("there is no pkg-config")
    [file] = prefix.rglob("nnseq.pc")
    flags = run("pkg-config", "--cflags", "--libs", "nnseq", PKG_CONFIG_PATH=str(file.parent))
    run("g++", "-std=c++20", tmp_path / "main.cpp", "-o", tmp_path / "q", *flags.decode().split())
    [library] = prefix.rglob("libnnseq.so")
    found = run(tmp_path / "q", tmp_path / "m.nnseq", LD_LIBRARY_PATH=str(library.parent))
    assert found == b"net/dense/kernel\n"


def test_add_subdirectory_changes_nothing_global(tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.26)\nproject(p LANGUAGES CXX)\n"
        f"add_subdirectory({ROOT} nnseq)\n"
        "foreach(name CMAKE_BUILD_TYPE CMAKE_CXX_FLAGS CMAKE_CXX_VISIBILITY_PRESET "
        "CMAKE_CXX_STANDARD CMAKE_POSITION_INDEPENDENT_CODE BUILD_TESTING NNSEQ_BUILD_PYTHON)\n"
        '  message(STATUS "found ${name}=${${name}}")\nendforeach()\n'
        "if(NOT TARGET nnseq::nnseq OR NOT TARGET nnseq::static)\n"
        '  message(FATAL_ERROR "no targets")\nendif()\n'
    )
    printed = cmake("-S", tmp_path, "-B", tmp_path / "b", "-G", "Ninja")
    found = dict(re.findall(r"-- found (\w+)=(.*)", printed))
    assert found.pop("NNSEQ_BUILD_PYTHON") == "OFF"
    assert len(found) == 6 and not any(found.values()), found
    assert "nnseq" not in cmake("--install", tmp_path / "b", "--prefix", tmp_path / "i")


def test_only_the_promised_names_are_exported():
    listed = run(
        "nm", "-DC", "--defined-only", Path(nnseq.__file__).parent / "libnnseq.so"
    ).decode()
    names = [line.split(maxsplit=2)[2] for line in listed.splitlines()]
    foreign = [n for n in names if not re.search(r"\bnnseq(::|_)|\bstd::|__gnu", n)]
    assert foreign == []
    assert not [n for n in names if re.search(r"nnseq::(cpu|passes|ops)::", n)]


BLOCK = re.compile(
    r"^```(?P<language>cpp|c)\n(?P<code>.*?)^```$(?:\n+```text\n(?P<output>.*?)^```$)?", re.M | re.S
)


def test_the_blocks_of_the_page_run(tmp_path, prefix, monkeypatch):
    """docs/embedding.md: its Python blocks first, then each C++ or C block as a program."""
    text = (ROOT / "docs" / "embedding.md").read_text()
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S):
        exec(code, {"__name__": "__main__"})
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) >= 3
    lines = ["cmake_minimum_required(VERSION 3.20)", "project(p LANGUAGES C CXX)",
             "find_package(nnseq CONFIG REQUIRED)"]  # fmt: skip
    for i, block in enumerate(blocks):
        name = f"block{i}.{block['language']}"
        (tmp_path / name).write_text(block["code"])
        lines += [
            f"add_executable(block{i} {name})",
            f"target_link_libraries(block{i} nnseq::nnseq)",
        ]
    (tmp_path / "CMakeLists.txt").write_text("\n".join(lines))
    place = build(tmp_path, tmp_path / "b", prefix)
    for i, block in enumerate(blocks):
        printed = run(place / f"block{i}", cwd=tmp_path).decode()
        if block["output"] is not None:
            pattern = ".*".join(map(re.escape, block["output"].split("...")))
            assert re.fullmatch(pattern, printed, re.S), printed
