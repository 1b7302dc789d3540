"""Builds the model of a case in both libraries, runs it, and compares."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import keras
import numpy as np

import nnseq
from differential.bodies import affine
from differential.cases import Case
from differential.near import EVALUATE, FORWARD, GRADIENTS, TRAINED, assert_equal, assert_near
from differential.plain import make
from differential.steps import SharedStep
from nnseq.training.arrays import class_weights

keras.saving.register_keras_serializable("differential")(affine)


def build(library: Any, case: Case) -> Any:
    """The model of a case, built."""
    library.utils.clear_session(free_memory=False)
    nnseq.utils.set_random_seed(case.seed)
    model = library.Sequential(make(library, case.layers))
    if case.built_by == "build":
        model.build((None, *case.input_shape))
    elif case.built_by == "call" and library is nnseq:
        model(case.x[: case.batch_size])
    elif case.built_by == "call":  # each operation on values would be compiled
        model(keras.KerasTensor((case.batch_size, *case.x.shape[1:]), str(case.x.dtype)))
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
    found = {
        "evaluate": model.evaluate(case.x, case.y, return_dict=True, **size, **case.tested),
        "predict": model.predict(case.x, **size),
    }
    if case.is_random:
        return found
    history = model.fit(case.x, case.y, shuffle=False, **size, **case.weights)
    found["fit"] = {name: values[0] for name, values in history.history.items()}
    found["weights"] = [np.asarray(v) for v in model.weights]
    found["optimizer"] = [np.asarray(v) for v in model.optimizer.variables]
    found["predict after fit"] = model.predict(case.x, **size)
    found["evaluate after fit"] = model.evaluate(
        case.x, case.y, return_dict=True, **size, **case.tested
    )
    return found


def run_nnseq(model: Any, case: Case) -> dict[str, Any]:
    """What `run` gives, and the gradients of the first batch."""
    if case.is_random:
        return run(model, case)
    return {"gradients": gradients(model, case), **run(model, case)}


def run_keras(model: Any, case: Case, step: SharedStep) -> dict[str, Any]:
    """The same of Keras."""
    found = run(model, case)
    return found if case.is_random else {"gradients": step.gradients, **found}


def gradients(model: Any, case: Case) -> list[np.ndarray]:
    """What a training step on the first batch gives to the optimizer."""
    x, y = case.x[: case.batch_size], case.y[: case.batch_size]
    weights = case.weights.get("sample_weight")
    if "class_weight" in case.weights:
        weights = class_weights(y, case.weights["class_weight"])
    before, found = model.get_weights(), []
    with patch.object(model.optimizer, "apply", lambda values, variables: found.extend(values)):
        model.train_step((x, y, weights if weights is None else weights[: case.batch_size]))
    model.set_weights(before)
    return [np.asarray(value) for value in found]


def check_run(got: dict[str, Any], want: dict[str, Any], slack: Callable[..., float]) -> None:
    """Compares what `run` gave. `slack` is what a value may differ by in addition."""
    assert_near(got["predict"], want["predict"], FORWARD, "predict")
    check_logs(got, want, slack, "evaluate")
    if "fit" not in want:
        return
    assert_equal(len(got["gradients"]), len(want["gradients"]), "number of gradients")
    for k, (a, b) in enumerate(zip(got["gradients"], want["gradients"], strict=True)):
        assert_near(a, b, GRADIENTS, f"gradient {k}", slack("gradients", k))
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
