"""`wheel_smoke.py WHEEL`, run with that wheel installed: it is small, the package is not the
checkout's and computes, the command line works, and two programs, in C++ and in C, are built and
run against what the wheel holds for them. Needs CMake and Ninja.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import numpy as np

import nnseq
from nnseq import layers
from nnseq.models import load_model

EXAMPLES = Path(__file__).parents[1] / "examples" / "embed"
PACKAGE = Path(nnseq.__file__).parent
LIMIT = 5_000_000  # bytes of the wheel


def run(*command: object) -> str:
    """Runs a program; returns what it printed."""
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def build(example: str, option: str) -> Path:
    """A program of examples/embed; the option tells CMake where the package is."""
    run("cmake", "-S", EXAMPLES / example, "-B", example, "-G", "Ninja", option)
    run("cmake", "--build", example)
    return Path(example) / example


def check_package(wheel: Path) -> None:
    assert Path(sys.prefix) in PACKAGE.parents, PACKAGE
    assert (PACKAGE / "py.typed").exists() and (PACKAGE / "_core.pyi").exists()
    size = wheel.stat().st_size
    assert size <= LIMIT, f"{wheel.name} has {size:,} bytes, more than {LIMIT:,}"
    print(f"wheel: {wheel.name}, {size:,} bytes")


def check_command(x: np.ndarray, expected: np.ndarray) -> None:
    """The command of the wheel, on the files that `digits` wrote."""
    command = Path(sysconfig.get_path("scripts")) / "nnseq"
    assert run(command, "--version") == f"nnseq {nnseq.__version__}\n"
    assert "last" in run(command, "info", "m.keras")
    run(command, "convert", "m.keras", "n.nnseq", "--classes", *range(10))
    np.save("x.npy", x)
    run(command, "predict", "n.nnseq", "x.npy", "y.npy")
    np.testing.assert_array_equal(np.load("y.npy"), expected)


def check_programs(images: np.ndarray, x: np.ndarray, expected: np.ndarray) -> None:
    """C++ classifies like Python; C trains what Python reads."""
    package = run(sys.executable, "-m", "nnseq", "--cmake-dir").strip()
    [entry] = entry_points(group="cmake.root", name="nnseq")
    # What scikit-build-core makes of it for the projects that it builds.
    root = Path(str(files(entry.load()).joinpath("nnseq-config.cmake"))).parent
    assert Path(package) == root == PACKAGE / "cmake"
    assert Path(run(sys.executable, "-m", "nnseq", "--include-dir").strip(), "nnseq").is_dir()
    for i, image in enumerate(images):
        image.tofile(f"{i}.raw")
    names = [f"{i}.raw" for i in range(len(images))]
    told = run(build("classify", f"-Dnnseq_DIR={package}"), "n.nnseq", *names).splitlines()
    assert [line.split()[1] for line in told] == [str(row.argmax()) for row in expected], told
    x.tofile("x.raw")
    np.arange(len(x), dtype=np.int64).tofile("y.raw")
    run(
        build("fine_tune", f"-Dnnseq_ROOT={root}"),
        "n.nnseq",
        len(x),
        "x.raw",
        "y.raw",
        "tuned.nnseq",
    )
    before, after = (load_model(name).get_weights() for name in ("n.nnseq", "tuned.nnseq"))
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [1, 1, 0, 0]


def digits() -> nnseq.Sequential:
    model = nnseq.Sequential(
        [
            nnseq.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="last"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


if __name__ == "__main__":
    check_package(Path(sys.argv[1]).resolve())
    images = np.random.default_rng(0).integers(0, 17, (8, 8, 8)).astype(np.uint8)
    x = images[..., np.newaxis] / np.float32(16)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        model = digits()
        model.fit(x, np.arange(8), epochs=2, verbose=0)
        model.save("m.keras")
        scores = model.predict(x, verbose=0)
        check_command(x, scores)
        check_programs(images, x, scores)
        os.chdir(EXAMPLES)
    print("wheel: ok", nnseq.__version__)
