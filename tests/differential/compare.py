"""Builds the model of a case in both libraries, runs it, and compares."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import nnseq
from differential.bodies import affine
from differential.cases import Case
from differential.near import EVALUATE, FORWARD, TRAINED, assert_equal, assert_near
from differential.plain import make

keras.saving.register_keras_serializable("differential")(affine)


def build(library: Any, case: Case) -> Any:
    """The model of a case, built."""
    library.utils.clear_session(free_memory=False)
    nnseq.utils.set_random_seed(case.seed)
    model = library.Sequential(make(library, case.layers))
    if case.built_by == "build":
        model.build((None, *case.input_shape))
    elif case.built_by == "call":
        model(case.x[: case.batch_size])
    return model


def compile_(library: Any, model: Any, case: Case, **eager: Any) -> None:
    model.compile(**make(library, case.compiled), **eager)


def check_structure(ours: Any, theirs: Any) -> None:
    """Names, shapes and counts."""

    def described(model: Any) -> dict[str, Any]:
        return {
            "layers": [(layer.name, type(layer).__name__) for layer in model.layers],
            "output shapes": [
                tuple(x.output.shape) for x in model.layers if type(x).__name__ != "Sequential"
            ],
            "weights": [(v.path, tuple(v.shape), v.dtype) for v in model.weights],
            "trainable": [v.path for v in model.trainable_weights],
            "non-trainable": [v.path for v in model.non_trainable_weights],
            "parameters": [layer.count_params() for layer in [model, *model.layers]],
            "shapes": (tuple(model.input_shape), tuple(model.output_shape)),
        }

    want = described(theirs)
    for what, got in described(ours).items():
        assert_equal(got, want[what], what)


def set_weights(ours: Any, theirs: Any, case: Case) -> None:
    """Gives both models the same weights: the initial ones of nnseq plus noise, which breaks ties.

    Initial values that are not random are compared.
    """
    rng = np.random.default_rng([case.seed, 1])
    found = []
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        value = a.numpy()
        if value.size > 8 and len(np.unique(value)) <= 2:
            assert_near(value, b, 1e-6, f"initial {a.path}")
        if value.dtype == np.float32 and "variance" not in a.name:
            value = value + rng.uniform(0.05, 0.3, value.shape) * rng.choice([-1, 1], value.shape)
        found.append(value.astype(value.dtype))
    ours.set_weights(found)
    while not is_moderate(ours, case):
        found = [w if "normalization" in v.path else w * np.asarray(0.5, w.dtype)
                 for v, w in zip(ours.weights, found, strict=True)]  # fmt: skip
        ours.set_weights(found)
    theirs.set_weights(found)


def is_moderate(model: Any, case: Case) -> bool:
    """Whether no output is so large, or a probability so near 0 or 1, that Keras cuts it off for
    a cross-entropy of probabilities where nnseq goes back to the logits (contract, section 4)."""
    y = model.predict(case.x, verbose=0)
    final = case.layers[-1].arguments.get("activation", case.layers[-1].path)
    if final in ("softmax", "sigmoid", "layers.Softmax") and not (y.min() > 1e-5):
        return False
    if final == "sigmoid" and not y.max() < 1 - 1e-5:
        return False
    return bool(np.abs(y).max() < 20)


def check_logs(got: Any, want: Any, slack: Callable[..., float], what: str) -> None:
    got, want = got[what], want[what]
    assert_equal(sorted(got), sorted(want), f"names in {what}")
    bound = EVALUATE if what == "evaluate" else TRAINED
    for name, value in want.items():
        assert_near(got[name], value, bound, f"{what}: {name}", slack(what, name))


def check_trained(got: Any, want: Any, slack: Callable[..., float], when: str) -> None:
    for what in ("weights", "optimizer"):
        assert_equal(len(got[what]), len(want[what]), f"number of variables of {what}")
        for k, (a, b) in enumerate(zip(got[what], want[what], strict=True)):
            assert_near(a, b, TRAINED, f"variable {k} of {what} after {when}", slack(what, k))


def run(model: Any, case: Case) -> dict[str, Any]:
    """What a compiled model gives before, in and after a training of five steps."""
    size = {"batch_size": case.batch_size, "verbose": 0}
    weights = {k: v for k, v in case.weights.items() if k == "sample_weight"}
    found = {
        "predict": model.predict(case.x, **size),
        "evaluate": model.evaluate(case.x, case.y, return_dict=True, **size, **weights),
    }
    if case.is_random:
        return found
    history = model.fit(case.x, case.y, shuffle=False, **size, **case.weights)
    found["fit"] = {name: values[0] for name, values in history.history.items()}
    found["weights"] = [np.asarray(v) for v in model.weights]
    found["optimizer"] = [np.asarray(v) for v in model.optimizer.variables]
    found["predict after fit"] = model.predict(case.x, **size)
    found["evaluate after fit"] = model.evaluate(case.x, case.y, return_dict=True, **size)
    return found


def check_run(got: dict[str, Any], want: dict[str, Any], slack: Callable[..., float]) -> None:
    """Compares what `run` gave. `slack` is what a value may differ by in addition."""
    assert_near(got["predict"], want["predict"], FORWARD, "predict")
    check_logs(got, want, slack, "evaluate")
    if "fit" not in want:
        return
    check_trained(got, want, slack, "five steps")
    for what in ("fit", "evaluate after fit"):
        check_logs(got, want, slack, what)
    what = "predict after fit"
    assert_near(got[what], want[what], TRAINED, what, slack(what))


def pair(case: Case) -> tuple[Any, Any]:
    """Both models with the same weights, compared but not compiled."""
    ours, theirs = build(nnseq, case), build(keras, case)
    check_structure(ours, theirs)
    set_weights(ours, theirs, case)
    return ours, theirs
