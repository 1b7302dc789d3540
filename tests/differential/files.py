"""Files in both directions."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import nnseq
from differential.cases import Case
from differential.compare import check_logs, check_trained
from differential.judge import Judge
from differential.near import FORWARD, Difference, assert_equal, assert_near
from differential.steps import SharedStep


def one_more_step(model: Any, case: Case) -> dict[str, Any]:
    """Evaluates and predicts, then trains on the first batch once more.

    Keras does so by `fit`, which it compiled; its train_on_batch would compile again.
    """

    def rows(weights: dict[str, Any]) -> dict[str, Any]:
        """Of the first batch."""
        return {
            name: value[: case.batch_size] if name == "sample_weight" else value
            for name, value in weights.items()
        }

    x, y = case.x[: case.batch_size], case.y[: case.batch_size]
    size = {"batch_size": case.batch_size, "verbose": 0}
    found: dict[str, Any] = {
        "evaluate after loading": model.evaluate(
            x, y, return_dict=True, **size, **rows(case.tested)
        ),
        "before": model.predict(x, **size),
    }
    if case.is_random:
        return found
    weights = rows(case.weights)
    if isinstance(model, nnseq.Model):
        found["logs"] = model.train_on_batch(x, y, return_dict=True, **weights)
    else:
        history = model.fit(x, y, shuffle=False, **size, **weights).history
        found["logs"] = {name: values[0] for name, values in history.items()}
    found["weights"] = [np.asarray(v) for v in model.weights]
    found["optimizer"] = [np.asarray(v) for v in model.optimizer.variables]
    return found


def check_step(got: dict[str, Any], want: dict[str, Any], slack: Callable[..., float]) -> None:
    assert_near(got["before"], want["before"], FORWARD, "predict after loading")
    check_logs(got, want, slack, "evaluate after loading")
    if "logs" in want:
        check_trained(got, want, slack, "one more step")
        check_logs(got, want, slack, "logs")


def variables(model: Any, case: Case) -> list[Any]:
    """Those in a file of a model; an optimizer has slots once it has trained."""
    return [*model.weights, *([] if case.is_random else model.optimizer.variables)]


def states(model: Any, case: Case) -> list[np.ndarray]:
    """The values in a file of a model."""
    return [np.asarray(v) for v in variables(model, case)]


def check_same_state(got: list[np.ndarray], want: list[np.ndarray], what: str) -> None:
    assert_equal(len(got), len(want), f"number of values in {what}")
    for a, b in zip(got, want, strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            raise Difference(f"{what}: a value of shape {b.shape} is not what was saved")


def check_files(
    case: Case,
    judge: Judge,
    models: tuple[Any, Any],
    folder: Path,
    compiles_again: bool,
) -> None:
    """Each library reads what the other wrote: configuration, state, what it computes next.

    What Keras read from a file of nnseq goes on in the model that is compiled already, as both are
    configured alike, or is compiled by itself.
    """
    ours, theirs = models
    by_us, by_them = folder / "nnseq.keras", folder / "keras.keras"
    ours.save(by_us)
    theirs.save(by_them)
    ours.save_weights(folder / "nnseq.weights.h5")
    theirs.save_weights(folder / "keras.weights.h5")
    our_weights, their_weights = ours.get_weights(), theirs.get_weights()
    in_keras, in_nnseq = keras.models.load_model(by_us), nnseq.models.load_model(by_them)
    check_same_state(states(in_keras, case), states(ours, case), "a file of nnseq read by Keras")
    check_same_state(states(in_nnseq, case), states(theirs, case), "a file of Keras read by nnseq")
    check_configurations(in_keras, theirs, "nnseq to Keras")
    check_configurations(in_nnseq, ours, "Keras to nnseq")
    again = nnseq.models.model_from_json(theirs.to_json())
    check_same_config(again.get_config(), ours.get_config(), "to_json")
    runner = functools.partial(one_more_step, case=case)

    def in_keras_or_theirs() -> Any:
        if compiles_again:
            SharedStep(in_keras, case)
            return in_keras
        for into, value in zip(variables(theirs, case), states(in_keras, case), strict=True):
            into.assign(value)
        return theirs

    for path, got, want in (
        (by_them, in_nnseq, lambda: theirs),
        (by_us, ours, in_keras_or_theirs),
    ):
        judge.compare(
            check_step,
            runner(got),
            runner(want()),
            functools.partial(lambda path: runner(eager(keras.models.load_model(path))), path),
            functools.partial(nnseq.models.load_model, path),
            runner,
        )
    theirs.load_weights(folder / "nnseq.weights.h5")
    ours.load_weights(folder / "keras.weights.h5")
    check_same_state(theirs.get_weights(), our_weights, "weights of nnseq read by Keras")
    check_same_state(ours.get_weights(), their_weights, "weights of Keras read by nnseq")


def eager(model: Any) -> Any:
    model.run_eagerly = True
    return model


def check_configurations(got: Any, want: Any, way: str) -> None:
    """The configurations that came back through the other library are those that went."""
    check_same_config(got.get_config(), want.get_config(), f"model, {way}")
    ours, theirs = (model.optimizer.get_config() for model in (got, want))
    check_same_config(ours, theirs, f"optimizer, {way}")
    ours, theirs = (model.get_compile_config() for model in (got, want))
    for config in (ours, theirs):
        config.pop("jit_compile")  # "auto" becomes True in Keras
    check_same_config(ours, theirs, f"compile, {way}")


def check_same_config(got: Any, want: Any, where: str) -> None:
    """Equal structures; numbers to float32, as Keras keeps some, and [-1] the same as -1."""
    got, want = (x[0] if isinstance(x, list) and len(x) == 1 else x for x in (got, want))
    if isinstance(want, dict) and isinstance(got, dict):
        # Keras' layers without a get_config of their own keep the input_shape they were given.
        keys = set(want) - {"input_shape"}
        assert_equal(set(got) - {"input_shape"}, keys, f"keys of {where}")
        for key in keys:
            check_same_config(got[key], want[key], f"{where} / {key}")
    elif isinstance(want, list | tuple) and isinstance(got, list | tuple):
        assert_equal(len(got), len(want), f"length of {where}")
        for k, (a, b) in enumerate(zip(got, want, strict=True)):
            check_same_config(a, b, f"{where} / {k}")
    elif isinstance(want, float) and isinstance(got, float | int):
        assert_equal(np.float32(got), np.float32(want), where)
    else:
        assert_equal(got, want, where)
