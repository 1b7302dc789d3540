"""Model.profile, NNSEQ_VERBOSE, and what every op says about its work."""

import os
import subprocess
import sys

import numpy as np
import op_rows  # noqa: F401  registers the rows
import pytest
from op_table import ROWS, build, cases

import nnseq
from nnseq import _core, layers

X = np.random.default_rng(0).normal(size=(48, 6)).astype("float32")
Y = np.arange(48) % 3


def small_model():
    model = nnseq.Sequential(
        [
            nnseq.Input((6,)),
            layers.Dense(5, activation="relu", name="hidden"),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.smoke
def test_predict_is_profiled():
    profile = small_model().profile(X, runs=2)
    assert profile.runs == 2
    assert profile.seconds >= sum(row.seconds for row in profile.rows) > 0
    products = [row for row in profile.rows if row.op == "matmul"]
    assert [row.flops for row in products] == [2 * 32 * 6 * 5, 2 * 32 * 5 * 3]  # a batch of 32
    assert products[0].layer.endswith("hidden")
    assert products[0].kernel.startswith("GEMM, tile ")
    assert products[1].refused == "3 columns on 16 lanes"
    assert not any(row.op == "update" for row in profile.rows)


def test_a_training_step_is_profiled_and_the_model_stays_what_it_was():
    model = small_model()
    model.fit(X, Y, epochs=1, verbose=0)
    before = [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
    metrics = model.get_metrics_result()
    profile = model.profile(X, Y, batch_size=16, runs=3)
    ops = [row.op for row in profile.rows]
    assert "update" in ops and "batch_norm_grad" in ops
    assert "(16, 6)" in profile.rows[ops.index("matmul")].shapes
    after = [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    assert metrics.keys() == model.get_metrics_result().keys()
    for name, value in metrics.items():
        assert float(value) == float(model.get_metrics_result()[name])


def test_a_profile_prints_itself():
    profile = small_model().profile(X, Y, runs=1)
    text = str(profile)
    assert repr(profile) == text
    lines = text.splitlines()
    assert "mean of 1" in lines[0] and _core.isa() in lines[0]
    assert lines[1].split() == [
        *("us", "%", "rate", "steps", "layer", "op", "shapes", "kernel", "refused")
    ]
    assert len(lines) == 2 + len(profile.rows)
    html = profile._repr_html_()
    assert html.count("<tr>") == 1 + len(profile.rows)
    assert "-&gt; (32, 5)" in html


def test_several_inputs_and_weights():
    a, b = nnseq.Input((2,)), nnseq.Input((3,))
    model = nnseq.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    model.compile("sgd", "mse")
    data = [np.ones((4, 2), "float32"), np.ones((4, 3), "float32")]
    weighted = model.profile(data, np.zeros((4, 1)), sample_weight=np.ones(4), runs=1)
    assert any(row.op == "update" for row in weighted.rows)
    assert any(row.op == "concat" for row in model.profile(data, runs=1).rows)


def test_bad_arguments_are_refused_by_name():
    model = nnseq.Sequential([nnseq.Input((6,)), layers.Dense(3)])
    with pytest.raises(ValueError, match="must call `compile"):
        model.profile(X, Y)
    with pytest.raises(ValueError, match=r"`runs` must be an int of at least 1. Received: 0"):
        model.profile(X, runs=0)
    with pytest.raises(ValueError, match="profile takes arrays of at least one sample"):
        model.profile(X[:0])
    with pytest.raises(ValueError, match="profile takes arrays of at least one sample"):
        model.profile(iter([X]))
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="5"):
        model.profile(X, np.full(48, 5))


@pytest.mark.parametrize("name", sorted({name.split("/")[0] for name in ROWS}))
def test_every_op_says_what_it_does(name):
    """The profile of a case of each op: its steps, their shapes and work."""
    rows = [row for row in sorted(ROWS) if row.split("/")[0] == name]
    case = max((c for row in rows for c in cases(row)), key=lambda c: sum(x.size for x in c.inputs))
    function = _core.Function(build(case, gradients=True), [])
    profile = function.profile(*case.inputs, runs=1)
    assert all(row.bytes >= 0 and row.flops >= 0 and row.shapes for row in profile.rows)
    # What is pure aliasing or folded has no step.
    assert profile.rows or name in {"reshape", "iota", "cast", "broadcast"}


PROGRAM = """
import numpy as np, nnseq
model = nnseq.Sequential([nnseq.Input((3,)), nnseq.layers.Dense(2, name="only")])
model.compile("sgd", "mse")
model.fit(np.ones((40, 3)), np.ones((40, 2)), batch_size=4, verbose=0)
"""


def stderr_with(value):
    environment = {**os.environ, "NNSEQ_VERBOSE": value}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return done.stderr


def test_verbose_tells_what_each_program_does():
    told = stderr_with("1").split("nnseq: ")[1:]
    steps = [text for text in told if " update " in text]
    assert [f"mean of {n})" in text for n, text in zip((1, 10), steps, strict=True)] == [True] * 2
    assert "GEMM, tile" in steps[1] and "only" in steps[1]
    assert "2 columns on 16 lanes" in steps[1]


@pytest.mark.parametrize("value", ["", "0"])
def test_verbose_is_off(value):
    assert stderr_with(value) == ""
