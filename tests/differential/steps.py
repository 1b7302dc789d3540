"""Keras' step of a model, compiled once for all that its trainer does."""

import functools
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import jax
import keras

from differential.cases import Case

OWN = 20


def watched(model: Any, mode: str, state: Any, data: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Keras' train_step or test_step: logs, new state, and the outputs and gradients in it."""
    seen: dict[str, Any] = {}
    compute_metrics, apply = model.compute_metrics, model.optimizer.stateless_apply

    def with_outputs(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        seen["outputs"] = y_pred
        return compute_metrics(x, y, y_pred, sample_weight)

    def with_gradients(optimizer: Any, gradients: Any, variables: Any) -> Any:
        seen["gradients"] = gradients
        return apply(optimizer, gradients, variables)

    with (
        patch.object(model, "compute_metrics", with_outputs),
        patch.object(model.optimizer, "stateless_apply", with_gradients),
    ):
        logs, state = getattr(model, f"{mode}_step")(state, data)
    return logs, state, seen


class SharedStep:
    """The functions that fit, evaluate and predict of a Keras model call for a batch.

    Compiling takes the time of a case. A training step also computes what evaluate and predict
    give, unless a layer behaves in training in a way of its own; else that is one more function.
    predict takes the targets that evaluate had. Of every OWN-th case evaluate and predict keep
    their own functions.
    """

    def __init__(self, model: Any, case: Case, *, compiled: bool = True) -> None:
        self.gradients: list[Any] | None = None  # of the first batch of fit
        self.targets: dict[int, Any] = {}  # and weights, of a batch with so many rows
        self._model, self._is_same = model, case.is_same_in_training
        jit = jax.jit if compiled else lambda function: function
        self._train = jit(functools.partial(watched, model, "train"))
        self._test = jit(functools.partial(watched, model, "test"))
        model.train_function = self._train_function
        if case.seed % OWN == 0:
            return
        model.test_function = self._test_function
        model.predict_function = self._predict_function

    def _train_function(self, state: Any, iterator: Iterator[Any]) -> tuple[Any, Any]:
        logs, state, seen = self._train(state, next(iterator))
        if self.gradients is None:
            self.gradients = seen["gradients"]
        return logs, state

    def _evaluated(self, state: Any, data: Any) -> tuple[Any, Any, dict[str, Any]]:
        if not self._is_same:
            return self._test(state, data)
        weights, others, metrics = state
        optimizer = [v.value for v in self._model.optimizer.variables]
        logs, (*_, metrics), seen = self._train((weights, others, optimizer, metrics), data)
        return logs, (weights, others, metrics), seen

    def _test_function(self, state: Any, iterator: Iterator[Any]) -> tuple[Any, Any]:
        data = next(iterator)
        self.targets[len(data[0])] = data[1:]
        logs, state, _ = self._evaluated(state, data)
        return logs, state

    def _predict_function(self, state: Any, iterator: Iterator[Any]) -> tuple[Any, Any]:
        x, _, _ = keras.utils.unpack_x_y_sample_weight(next(iterator))
        metrics = [v.value for v in self._model.metrics_variables]
        _, _, seen = self._evaluated((*state, metrics), (x, *self.targets[len(x)]))
        return seen["outputs"], state
