"""bench/compare.py runs, with nnseq alone and a few steps; its models build; its sums are right."""

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def bench(monkeypatch):
    """Imports a module of bench/; other modules may have the same name."""
    names = {path.stem for path in BENCH.glob("*.py")} | {"engines"}
    others = {name: sys.modules.pop(name) for name in names & set(sys.modules)}
    monkeypatch.syspath_prepend(str(BENCH))
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(others)


def test_compare_writes_figures_and_a_picture(tmp_path):
    command = [sys.executable, str(BENCH / "compare.py"), "--engines", "nnseq", "--models", "tiny"]
    command += ["--rounds", "1", "--epochs", "1", "--steps", "3", "--seconds", "0.01", "--sizes"]
    command += ["--json", str(tmp_path / "f.json"), "--chart", str(tmp_path / "f.png")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    of_nnseq = figures["models"]["tiny"]["nnseq"]
    assert all(value > 0 for value in of_nnseq.values())
    assert figures["sizes"]["nnseq"]["installed_mb"] > figures["sizes"]["nnseq"]["wheel_mb"] > 0
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert "tiny" in done.stdout and "left out" not in done.stdout


def test_loops_are_timed(bench):
    figures = bench("loops").measure("tiny", rounds=1, steps=6)
    assert list(figures) == ["eager", "function", "fit"]
    assert all(us > 0 for us in figures.values())
    assert figures["eager"] > figures["function"]  # tens of times


def test_every_model_trains_and_predicts(bench):
    models, engines = bench("models"), bench("engines")
    lacking = []
    for name, model in models.MODELS.items():
        x, y = model.data(1)
        try:
            made = engines.make("nnseq", model)
        except NotImplementedError as error:
            lacking.append(f"{name}: {error}")
            continue
        assert math.isfinite(made.epoch(x[:2], y[:2], 2)), name
        assert made.predict(x[:1]).shape == tuple(made.call(x[:1]).shape), name
    assert lacking in ([], ["lstm: nnseq has no layers.LSTM"])


def test_models_are_found_by_name(bench):
    models = bench("models")
    made = models.find("mlp_w64_b16")
    assert made.batch == 16 and made.layers[0][1]["units"] == 64
    with pytest.raises(ValueError, match="no model is named 'mlp64'; there are tiny, "):
        models.find("mlp64")


def test_ratios_are_to_the_best_peer_of_each_round(bench):
    compare = bench("compare")

    def round_of(**steps):
        return {engine: dict.fromkeys(compare.COLUMNS, step) for engine, step in steps.items()}

    rounds = [
        round_of(nnseq=1.0, torch=3.0, jax=2.0),
        round_of(nnseq=2.0, torch=2.0, jax=9.0),
        round_of(nnseq=1.0, torch=5.0, jax=4.0),
    ]
    summary = compare.summarize(rounds)
    assert summary["nnseq"]["step_us"] == 1.0 and summary["torch"]["step_us"] == 3.0
    assert summary["ratio_to_best_peer"]["step_us"] == 2.0  # of 2, 1 and 4
    assert summary["best_peer"] == "torch"


def test_what_is_missing_is_said(bench, monkeypatch):
    measure = bench("measure")
    monkeypatch.setitem(bench("engines").ENGINES, "absent", ("no_such_engine", []))
    figures = measure.measure("absent", "tiny", epochs=1, steps=1, seconds=0.01)
    assert figures == {"missing": "No module named 'engines.no_such_engine'"}
