"""What fit, evaluate and predict print: beside Keras, and on every kind of standard output."""

import io
import re
import sys

import numpy as np
import pytest

import nnseq
from nnseq import callbacks
from nnseq.utils import Progbar

keras = pytest.importorskip("keras")

X = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
BAR = "━" * 20


def build(library):
    layer = library.layers.Dense(1, kernel_initializer="zeros")
    model = library.Sequential([library.Input((3,)), layer])
    model.compile(library.optimizers.SGD(0.01), "mse", metrics=["mae"])
    return model


def generator():
    for i in range(3):
        yield X[10 * i : 10 * i + 10], Y[10 * i : 10 * i + 10]


def batches():
    for x, _ in generator():
        yield (x,)


def shown(text):
    """The lines as they stand on the screen in the end, with all times as T."""
    text = re.sub(r"\x1b\[\d+m|\b", "", text)
    lines = [line.split("\r")[-1].rstrip() for line in text.split("\n")]
    return [re.sub(r"\b\d+(s|ms|us)\b", "T", line) for line in lines]


RUNS = {
    "fit": lambda m: m.fit(X, Y, batch_size=10, shuffle=False),
    "fit_auto": lambda m: m.fit(X, Y, batch_size=10, verbose="auto", shuffle=False),
    "epochs": lambda m: m.fit(X, Y, epochs=2, shuffle=False, validation_data=(X, Y)),
    "later_epochs": lambda m: m.fit(X, Y, epochs=4, initial_epoch=2, shuffle=False),
    "fit_2": lambda m: m.fit(X, Y, epochs=2, verbose=2, shuffle=False, validation_split=0.2),
    "fit_0": lambda m: m.fit(X, Y, epochs=2, verbose=0),
    "fit_3": lambda m: m.fit(X, Y, epochs=2, verbose=3),
    "steps": lambda m: m.fit(X, Y, batch_size=5, steps_per_epoch=4, epochs=2, shuffle=False),
    "many_steps": lambda m: m.fit(X, Y, batch_size=4, shuffle=False),
    "generator": lambda m: m.fit(generator()),
    "generator_2": lambda m: m.fit(generator(), verbose=2),
    "evaluate": lambda m: m.evaluate(X, Y),
    "evaluate_2": lambda m: m.evaluate(X, Y, batch_size=5, verbose=2),
    "evaluate_0": lambda m: m.evaluate(X, Y, verbose=0),
    "evaluate_generator": lambda m: m.evaluate(generator()),
    "predict": lambda m: m.predict(X),
    "predict_2": lambda m: m.predict(X, verbose=2),
    "predict_generator": lambda m: m.predict(batches()),
    "zero": lambda m: m.fit(X, 0 * Y, verbose=2),
}


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("terminal", [False, True])
def test_the_same_text_as_keras(run, terminal, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    # Keras' threads may tell of batches in another order, and the last one wins.
    monkeypatch.setattr("keras.src.backend.IS_THREAD_SAFE", False)
    texts = []
    for library in (nnseq, keras):
        run(build(library))
        texts.append(shown(capsys.readouterr().out))
    assert texts[0] == texts[1]


@pytest.mark.keras
@pytest.mark.parametrize("verbose", ["auto", 0, 1, 2, True])
def test_the_parameters_of_a_history(verbose, capsys):
    found = []
    for library in (nnseq, keras):
        model = build(library)
        history = model.fit(X, Y, epochs=3, initial_epoch=1, batch_size=20, verbose=verbose)
        assert model.history is history
        found.append((history.params, history.epoch, list(history.history)))
    assert found[0] == found[1]


# --- kinds of standard output -------------------------------------------------------------------
class Terminal(io.StringIO):
    def isatty(self):
        return True


class Notebook(io.StringIO):
    __module__ = "ipykernel.iostream"


def test_a_log_file_gets_one_line_per_epoch(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    model = build(nnseq)
    model.fit(X, Y, epochs=3, batch_size=1)
    model.evaluate(X, Y, batch_size=1)
    model.predict(X, batch_size=1)
    text = sys.stdout.getvalue()
    assert not re.search(r"[\r\b\x1b]", text)
    lines = text.splitlines()
    assert [line.split(" ")[0] for line in lines] == (
        ["Epoch", "50/50", "Epoch", "50/50", "Epoch", "50/50", "50/50", "50/50"]
    )


@pytest.mark.parametrize("output", [Terminal, Notebook])
def test_a_line_moves_on_a_terminal_and_in_a_notebook(output, monkeypatch):
    monkeypatch.setattr(sys, "stdout", output())
    bar = Progbar(100, interval=0.0)
    for i in range(1, 101):
        bar.update(i, {"loss": i / 100}, finalize=i == 100)
    text = sys.stdout.getvalue()
    assert text.count("\r") == 100
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert shown(text)[0] == f"100/100 {BAR} T T/step - loss: 1.0000"


def test_a_line_that_moves_does_not_flood(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Notebook())
    bar = Progbar(1000, interval=60.0)
    for i in range(1, 1001):
        bar.update(i, {"loss": 0.5})
    assert sys.stdout.getvalue().count("\r") == 2


@pytest.mark.parametrize("columns", [10, 30, 50])
def test_a_line_that_moves_never_wraps(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = Progbar(10, interval=0.0)
    for i in range(1, 11):
        bar.update(i, {"a_metric_with_a_long_name": 0.5, "loss": 0.25})
    text = re.sub(r"\x1b\[\d+m", "", sys.stdout.getvalue())
    *moving, last = text.split("\r")[1:]
    assert len(moving) == 9
    assert all(len(line) == columns - 1 for line in moving)
    assert last.endswith("- a_metric_with_a_long_name: 0.5000 - loss: 0.2500\n")


def test_a_shorter_line_covers_the_one_before(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = Progbar(None, interval=0.0, stateless_metrics=())
    bar.update(1, {"loss": -1000.0})
    bar.update(2, {"loss": 1.0})
    first, second = re.sub(r"\x1b\[\d+m", "", sys.stdout.getvalue()).split("\r")[1:]
    assert len(second) >= len(first)
    assert second.rstrip().endswith("loss: 1.0000")
    assert re.match(r" {6}2/Unknown \d+s ", second)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_every_encoding_of_standard_output(encoding, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    model = build(nnseq)
    model.fit(X, Y, epochs=2)
    early = callbacks.EarlyStopping("loss", patience=0, min_delta=9, verbose=1)
    model.fit(X, Y, epochs=9, verbose=2, callbacks=[early])
    sys.stdout.flush()
    text = raw.getvalue().decode(encoding)
    assert ("━" if encoding == "utf-8" else "=") * 20 in text
    assert "Epoch 2: early stopping" in text


def test_no_standard_output_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    build(nnseq).fit(X, Y, epochs=2)


# --- the bar by itself --------------------------------------------------------------------------
@pytest.mark.keras
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"stateful_metrics": ["b"]},
        {"stateless_metrics": ["a"]},
        {"verbose": 2},
        {"unit_name": "sample"},
        {"width": 30},
        {"verbose": 0},
    ],
)
def test_progbar(arguments, capsys):
    texts = []
    for library in (nnseq, keras):
        bar = library.utils.Progbar(12, **{"interval": 0.0, **arguments})
        bar.update(1, [("a", 1.0), ("b", 5.0)])
        bar.update(3, [("a", 2.0), ("b", 1e-4)])
        bar.add(6, [("a", 0.25)])
        bar.add(3, [("a", 0.5)])
        texts.append(shown(capsys.readouterr().out))
    assert texts[0] == texts[1]


def test_averages_of_the_bar(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = Progbar(10, interval=0.0)
    bar.update(2, [("a", 1.0)])
    bar.update(3, [("a", 4.0)])
    assert shown(sys.stdout.getvalue())[0].endswith("a: 2.0000")
    with pytest.raises(ValueError, match="Only one of"):
        Progbar(3, stateful_metrics=[], stateless_metrics=[])


@pytest.mark.parametrize("verbose", ["loud", None, -1, 0.5])
def test_bad_verbose(verbose):
    model = build(nnseq)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="`verbose` must be 'auto', 0, 1 or 2"):
            call(X, Y, verbose=verbose)
    with pytest.raises(ValueError, match="`verbose` must be"):
        model.predict(X, verbose=verbose)
