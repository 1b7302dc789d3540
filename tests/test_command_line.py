"""The command line: each command, each error in one line, and what it leaves in files."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import pytest

import nnseq
from nnseq import _core, layers
from nnseq.command_line import main
from nnseq.models import load_model
from nnseq.training.graph_model import GraphModel

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype("float32")
Y = np.arange(40) % 3


def write_h5(path, model):
    """An older file of a whole model, as Keras 3 still writes it."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = model.to_json()
        file.attrs["keras_version"] = "3.15.1"
        file.attrs["backend"] = "jax"
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            own = group.create_group(layer.name)
            own.attrs["weight_names"] = [v.path.encode() for v in layer.weights]
            for v in layer.weights:
                own[v.path] = v.numpy()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a trained model in every kind of file that is read, and inputs."""
    folder = tmp_path_factory.mktemp("models")
    nnseq.utils.set_random_seed(3)
    model = nnseq.Sequential(
        [
            nnseq.Input((6,)),
            layers.Dense(5, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax", name="scores"),
        ],
        name="net",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    model.save(folder / "m.keras")
    model.export(folder / "m.nnseq", classes=["a", "b", "c"])
    model.save_weights(folder / "m.weights.h5")
    write_h5(folder / "m.h5", model)
    file = _core.ModelFile.load(str(folder / "m.nnseq"))
    file.config = ""
    file.save(str(folder / "graphs.nnseq"))
    left, right = nnseq.Input((4,), name="left"), nnseq.Input((None, 2), name="right")
    both = layers.Concatenate()([left, layers.GlobalAveragePooling1D()(right)])
    outputs = [layers.Dense(1, name="price")(both), layers.Dense(2, name="kind")(both)]
    nnseq.Model([left, right], outputs, name="two").save(folder / "two.keras")
    np.save(folder / "x.npy", X)
    np.save(folder / "wide.npy", np.zeros((2, 7), "float32"))
    np.savez(folder / "two.npz", right=np.ones((3, 5, 2), "f"), left=np.ones((3, 4), "f"))
    (folder / "text.npy").write_text("no array")
    (folder / "text.keras").write_text("no model")
    return folder


@pytest.fixture
def nnseq_(made, tmp_path, capsys, monkeypatch):
    """Runs a command where the files of `made` are; returns its standard output."""
    for file in made.iterdir():
        (tmp_path / file.name).hardlink_to(file)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, status=0):
        assert main([str(x) for x in arguments]) == status
        printed = capsys.readouterr()
        if status == 0:
            assert printed.err == ""
            return printed.out
        assert printed.out == "" and printed.err.startswith("nnseq")
        assert printed.err.count("\n") == 1 and printed.err.endswith("\n")
        return printed.err

    return run


# --- info -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.nnseq", "graphs.nnseq"])
def test_info_tells_layers_sizes_and_memory(nnseq_, name):
    told = nnseq_("info", name, "--batch-size", 1, 7)
    assert re.match(rf"{name}: [\d.]+ KB\n", told)
    assert 'Model: "net"' in told and "scores" in told and "35" in told
    assert "Trainable params: 63 (252.00 B)" in told
    assert re.search(r"Input: .*, float32 \(None, 6\)", told)
    assert "Output: scores, float32 (None, 3)" in told
    assert ("Classes: a, b, c" in told) == (name.endswith("nnseq"))
    steps = re.findall(r"^ (\w+) +\d+ +\d+ +[\d.]+ [KM]?B +[\d.]+ [KM]?B$", told, re.M)
    assert steps == ["predict", "train", "evaluate"]


def test_info_plans_as_the_program_does(nnseq_):
    told = nnseq_("info", "graphs.nnseq", "--batch-size", 9, "--plan")
    program = load_model("graphs.nnseq")._steps["predict"].function.program([(9, 6)])
    assert f"{program.arena_bytes + program.scratch_bytes:.2f} B\n" in told
    assert told.endswith(f"Plan of predict, batch size 9:\n{program}")


def test_info_prints_a_graph(nnseq_):
    told = nnseq_("info", "graphs.nnseq", "--graph", "--step", "evaluate")
    graph = load_model("graphs.nnseq")._steps["test"].function.graph
    assert told.endswith(f"Graph of evaluate:\n{graph}")


def test_info_of_open_dims(nnseq_):
    told = nnseq_("info", "two.keras", "--dims", 5)
    assert "Input: right, float32 (None, None, 2)" in told and "Output: kind" in told


def test_info_without_a_graph_says_why(tmp_path, capsys):
    model = nnseq.Sequential([layers.Dense(2)], name="open")
    with pytest.warns(UserWarning, match="not yet been built"):
        model.save(tmp_path / "open.keras")
    assert main(["info", str(tmp_path / "open.keras")]) == 0
    told = capsys.readouterr().out
    assert "no weights yet" in told and "No graph: export: the shape of the input" in told


def test_summary_of_graphs_goes_to_print_fn(made):
    texts = []
    load_model(made / "graphs.nnseq").summary(line_length=88, print_fn=texts.append)
    [text] = texts
    assert max(map(len, text.splitlines())) == 88
    assert "net/scores" in text and "bias (3,)" in text


# --- convert --------------------------------------------------------------------------------------
@pytest.mark.parametrize("source", ["m.keras", "m.h5", "m.nnseq"])
@pytest.mark.parametrize("ending", [".keras", ".nnseq"])
def test_convert_keeps_weights_and_predictions(nnseq_, source, ending):
    told = nnseq_("convert", source, f"out{ending}")
    assert re.fullmatch(rf"out{ending}: [\d.]+ KB\n", told)
    before, after = load_model(source), load_model(f"out{ending}")
    for mine, yours in zip(before.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, yours)
    np.testing.assert_array_equal(before.predict(X, verbose=0), after.predict(X, verbose=0))
    assert before.compiled == after.compiled
    if before.compiled:
        for mine, yours in zip(before.optimizer.variables, after.optimizer.variables, strict=True):
            np.testing.assert_array_equal(mine.numpy(), yours.numpy())


def test_convert_of_graphs(nnseq_):
    nnseq_("convert", "graphs.nnseq", "out.nnseq", "--classes", "x", "y", "z")
    model = load_model("out.nnseq")
    assert isinstance(model, GraphModel) and model.classes == ["x", "y", "z"]
    before = load_model("m.keras")
    np.testing.assert_array_equal(model.predict(X, verbose=0), before.predict(X, verbose=0))
    assert "without the layers" in nnseq_("convert", "graphs.nnseq", "out.keras", status=1)


@pytest.mark.parametrize("source", ["m.keras", "m.h5", "m.nnseq", "graphs.nnseq"])
def test_convert_to_onnx(nnseq_, source):
    runtime = pytest.importorskip("onnxruntime")
    nnseq_("convert", source, "out.onnx")
    session = runtime.InferenceSession("out.onnx", providers=["CPUExecutionProvider"])
    [found] = session.run(None, {session.get_inputs()[0].name: X})
    expected = load_model(source).predict(X, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_convert_keeps_or_sets_classes(nnseq_):
    nnseq_("convert", "m.nnseq", "kept.nnseq")
    nnseq_("convert", "m.keras", "set.nnseq", "--classes", "one", "two", "three")
    found = [_core.ModelFile.load(name).classes for name in ("kept.nnseq", "set.nnseq")]
    assert found == [["a", "b", "c"], ["one", "two", "three"]]


def test_convert_without_compile(nnseq_):
    nnseq_("convert", "m.keras", "out.nnseq", "--no-compile")
    file = _core.ModelFile.load("out.nnseq")
    assert [name for name, _ in file.functions] == ["predict"]
    assert {role for _, role, _ in file.variables} == {"weight"}
    assert not load_model("out.nnseq").compiled


# --- predict --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.nnseq", "graphs.nnseq"])
def test_predict_writes_what_python_predicts(nnseq_, name):
    told = nnseq_("predict", name, "x.npy", "out.npy", "--batch-size", 16, "--threads", 1)
    assert told == "out.npy: scores (40, 3)\n"
    expected = load_model("m.keras").predict(X, batch_size=16, verbose=0)
    np.testing.assert_array_equal(np.load("out.npy"), expected)
    nnseq_("predict", name, "x.npy", "out.npz", "--batch-size", 16)
    with np.load("out.npz") as file:
        assert list(file) == ["scores"]
        np.testing.assert_array_equal(file["scores"], expected)


def test_predict_prints_lines(nnseq_):
    scores = load_model("m.keras").predict(X, verbose=0)
    numbers = [line.split() for line in nnseq_("predict", "m.keras", "x.npy").splitlines()]
    assert [int(row[0]) for row in numbers] == list(range(40))
    np.testing.assert_array_equal(np.array([row[1:] for row in numbers], "float32"), scores)
    labels = nnseq_("predict", "graphs.nnseq", "x.npy").splitlines()
    assert labels == [f"{i} {'abc'[s.argmax()]} {s.max():.6g}" for i, s in enumerate(scores)]


def test_predict_of_several_inputs_and_outputs(nnseq_):
    nnseq_("predict", "two.keras", "two.npz", "out.npz")
    arrays = {name: np.load("two.npz")[name] for name in ("left", "right")}
    expected = load_model("two.keras").predict([arrays["left"], arrays["right"]], verbose=0)
    found = np.load("out.npz")
    for name, value in zip(("price", "kind"), expected, strict=True):
        np.testing.assert_array_equal(found[name], value)
    np.savez("numbered.npz", arrays["left"], arrays["right"])
    nnseq_("predict", "two.keras", "numbered.npz", "again.npz")
    np.testing.assert_array_equal(np.load("again.npz")["kind"], found["kind"])
    assert "write a .npz file" in nnseq_("predict", "two.keras", "two.npz", "out.npy", status=1)
    error = nnseq_("predict", "two.keras", "x.npy", status=1)
    assert "takes the inputs left, right" in error and "found: one array" in error


def test_predict_of_strings(nnseq_):
    words = layers.TextVectorization(max_tokens=10, output_sequence_length=4)
    words.adapt(np.array(["a b c", "c d"]))
    text = nnseq.Input((1,), dtype="string")
    model = nnseq.Model(
        text, layers.Dense(2)(layers.Flatten()(layers.Embedding(10, 3)(words(text))))
    )
    model.save("text.keras")
    x = np.array([["a c"], ["d"]])
    np.save("words.npy", x)
    nnseq_("predict", "text.keras", "words.npy", "out.npy")
    np.testing.assert_array_equal(np.load("out.npy"), model.predict(x, verbose=0))


# --- bench ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["m.keras", "graphs.nnseq"])
def test_bench_measures_each_step(nnseq_, name):
    weights = load_model(name).get_weights()
    threads = _core.num_threads()
    told = nnseq_("bench", name, "--seconds", 0.01, "--batch-size", 1, 8, "--threads", 1, 2)
    number = r"([\d.,]+)"
    rows = re.findall(rf"^(\w+) +(\d+) +(\d) +{number} ms +{number} ms +{number}$", told, re.M)
    kinds = [(step, int(batch), int(used)) for step, batch, used, *_ in rows]
    assert kinds == [(s, b, t) for s in ("predict", "train") for b in (1, 8) for t in (1, 2)]
    for _, batch, _, median, p90, rate in rows:
        assert 0 < float(median) <= float(p90)
        assert float(rate.replace(",", "")) == pytest.approx(
            1e3 * int(batch) / float(median), rel=0.2
        )
    assert _core.num_threads() == threads
    for mine, yours in zip(load_model(name).get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_bench_of_predict_alone(nnseq_):
    assert "train" not in nnseq_("bench", "m.keras", "--seconds", 0.01, "--predict-only")
    assert "predict" in nnseq_("bench", "two.keras", "--seconds", 0.01, "--dims", 3)


# --- errors ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("info none.keras", "none.keras: there is no such file"),
        ("info m.weights.h5", "holds weights and not the model.*load_weights"),
        ("info x.npy", r"a model is a \.keras, \.h5, \.hdf5 or \.nnseq file"),
        ("info text.keras", "text.keras"),
        ("info two.keras --graph --step train", "has no step to train; it has predict"),
        ("convert m.keras m.keras", "the file that is read"),
        ("convert m.keras out.h5", r"read, not written; write a \.keras file"),
        ("convert m.keras out.pb", r"a \.keras, \.nnseq or \.onnx file"),
        ("convert m.onnx out.keras", "written by `nnseq convert`, none is read"),
        ("convert m.keras none/out.nnseq", "none/out.nnseq.*No such file or directory"),
        ("convert m.keras none/out.keras", "none/out.keras.*No such file or directory"),
        ("predict m.keras none.npy", "none.npy: No such file or directory"),
        ("predict m.keras x.csv", r"read from a \.npy or \.npz file"),
        ("predict m.keras text.npy", r"text.npy: is no \.npy file"),
        ("predict m.keras x.npy out.csv", r"written into a \.npy or \.npz file"),
        ("predict m.keras wide.npy", r"expected shape=\(None, 6\), found shape=\(2, 7\)"),
        ("predict graphs.nnseq wide.npy", r"\(2, 7\)"),
        ("bench m.weights.h5", "holds weights"),
    ],
)
def test_errors_are_one_line(nnseq_, command, said):
    assert re.search(said, nnseq_(*command.split(), status=1))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "a command is missing"),
        ("inform m.keras", "invalid choice: 'inform'"),
        ("info", "required: FILE"),
        ("bench m.keras --batch-size 0", "'0' is not a number of at least 1"),
        ("convert m.keras", "required: B"),
    ],
)
def test_wrong_usage_is_one_line_and_2(nnseq_, command, said):
    error = nnseq_(*command.split(), status=2)
    assert said in error and "--help`" in error


def test_folders_are_those_of_a_wheel(nnseq_):
    for option in ("--cmake-dir", "--include-dir"):
        assert "in an installed wheel only" in nnseq_(option, status=1)


def test_help_has_examples(nnseq_):
    for command in ([], ["info"], ["convert"], ["predict"], ["bench"]):
        told = nnseq_(*command, "--help")
        for example in re.findall(
            r"^  (nnseq .*?)(?:  .*| \|.*)?$", told.split("examples:")[1], re.M
        ):
            assert example.split()[1] in ("info", "convert", "predict", "bench")
    assert nnseq_("--version") == f"nnseq {nnseq.__version__}\n"


# --- a process ------------------------------------------------------------------------------------
# Processes start from compiled modules.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def process(*arguments):
    command = [sys.executable, "-m", "nnseq", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=ENVIRONMENT, **pipes)


def test_status_and_stderr_of_a_process(made):
    running = process("info", made / "none.keras")
    out, error = running.communicate()
    assert (running.returncode, out) == (1, "")
    assert error == f"nnseq: {made / 'none.keras'}: there is no such file.\n"


def test_ctrl_c_is_quiet(made):
    running = process("bench", made / "m.keras", "--seconds", 60)
    assert running.stdout.readline() and running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=30)
    assert (running.returncode, error) == (130, "")


def test_a_closed_pipe_is_quiet(made, tmp_path):
    np.save(tmp_path / "many.npy", np.tile(X, (1000, 1)))
    running = process("predict", made / "m.keras", tmp_path / "many.npy")
    assert running.stdout.readline().startswith("0 ")
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait(timeout=30) == 141


def test_the_wheel_has_the_command():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    module, _, name = project["scripts"]["nnseq"].partition(":")
    assert getattr(import_module(module), name) is main


START = """
import sys
import nnseq
assert nnseq.Sequential
assert "nnseq.command_line" not in sys.modules
from nnseq.command_line import main
main(["--version"])
"""


def test_import_nnseq_leaves_the_command_line_out(capfd):
    subprocess.run([sys.executable, "-c", START], env=ENVIRONMENT, check=True)
    assert capfd.readouterr().out == f"nnseq {nnseq.__version__}\n"


def test_the_version_is_told_at_once():
    command = [sys.executable, "-X", "importtime", "-m", "nnseq", "--version"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True, text=True)
    assert done.stdout == f"nnseq {nnseq.__version__}\n"
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "nnseq.command_line.run" in modules and not modules & {"numpy", "h5py", "nnseq.layers"}
    own = {name for name in modules if name.startswith("nnseq.") and "command_line" not in name}
    assert own == {"nnseq._core", "nnseq.unserved"}
