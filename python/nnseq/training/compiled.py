"""The losses and metrics of compile(), for one or several outputs."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from nnseq import losses, metrics, ops
from nnseq.losses import Loss, LossFunctionWrapper
from nnseq.metrics import Mean, MeanMetricWrapper, Metric
from nnseq.training.outputs import match_targets, output_names, outputs_list, spread


def _name_of(identifier: Any, found: Any) -> str:
    if isinstance(identifier, str):
        return identifier
    for attribute in ("name", "__name__"):
        if isinstance(name := getattr(found, attribute, None), str):
            return name
    return type(found).__name__


def resolve_loss(identifier: Any) -> Loss | None:
    """Returns a Loss for a name, a function, a configuration or a Loss."""
    found = losses.get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    if isinstance(found, Metric):
        raise ValueError(
            f"`loss` must be a loss, not a metric. Received: {found!r}; see nnseq.losses."
        )
    return LossFunctionWrapper(found, name=_name_of(identifier, found))


def _map_leaves(fn: Any, value: Any) -> Any:
    if isinstance(value, Mapping) and "class_name" not in value:
        return {key: _map_leaves(fn, entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_map_leaves(fn, entry) for entry in value]
    return fn(value)


def made(package: Any, value: Any) -> Any:
    """`value` with an instance for each class of losses or metrics (the package) in it, so that
    one object computes and is saved."""
    return _map_leaves(lambda leaf: package.get(leaf) if isinstance(leaf, type) else leaf, value)


def _check_weight(value: Any) -> None:
    if value is not None and not isinstance(value, Real):
        hint = "; metrics are given as `metrics=`" if isinstance(value, str) else ""
        raise ValueError(f"`loss_weights` must hold numbers. Received: {value!r}{hint}")


class CompileLoss:
    """The total of the losses of all outputs, each times its loss weight.

    `metrics` tracks the loss of each output when there are several.
    """

    def __init__(self, loss: Any, loss_weights: Any, names: Sequence[str] | None) -> None:
        self._loss = _map_leaves(resolve_loss, loss)
        self._weights = loss_weights
        if loss_weights is not None and not isinstance(
            loss_weights, list | tuple | Mapping | int | float
        ):
            raise ValueError(
                "`loss_weights` must be a number, a list or a dict with one number per output. "
                f"Received: {loss_weights!r} (of type {type(loss_weights).__name__})"
            )
        _map_leaves(_check_weight, loss_weights)
        self._model_names = names
        self._entries: list[tuple[Loss | None, Any]] | None = None
        self._trackers: list[Mean | None] = []
        self._outputs: list[tuple[str | None, tuple[int | None, ...]]] = []  # names and shapes

    @property
    def metrics(self) -> list[Metric]:
        """The tracked loss of each output, if there are several."""
        return [tracker for tracker in self._trackers if tracker is not None]

    def _build(self, names: Sequence[str | None]) -> list[tuple[Loss | None, Any]]:
        weights = spread("loss_weights", self._weights, names)
        found: list[Any] = self._loss if isinstance(self._loss, list) else []
        if len(names) == 1 and len(found) > 1:
            raise ValueError(f"`loss` has {len(found)} entries, but the model has one output.")
        entries = list(zip(spread("loss", self._loss, names), weights, strict=True))
        several = sum(loss is not None for loss, _ in entries) > 1
        self._trackers = [
            Mean(name=f"{name or loss.name}_loss") if several and loss is not None else None
            for name, (loss, _) in zip(names, entries, strict=True)
        ]
        return entries

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the weighted total, a scalar, or None if no output has a loss."""
        names = output_names(y_pred, self._model_names)
        if self._entries is None:
            self._entries = self._build(names)
        used = [loss is not None for loss, _ in self._entries]
        if not any(used):
            return None
        if y is None:
            raise ValueError("There are no targets: pass `y`, or compile without a loss.")
        predictions = outputs_list(y_pred, names)
        shapes = [tuple(getattr(prediction, "shape", ())) for prediction in predictions]
        self._outputs = list(zip(names, shapes, strict=True))
        targets = match_targets(y, names, used)
        weights = spread("sample_weight", sample_weight, names)
        total: Any = None
        for k, (loss, factor) in enumerate(self._entries):
            if loss is None:
                continue
            value = loss(targets[k], predictions[k], weights[k])
            tracker = self._trackers[k]
            if tracker is not None:
                tracker.update_state(value, sample_weight=ops.shape(predictions[k])[0])
            if factor is not None:
                value = value * factor
            total = value if total is None else total + value
        return ops.sum(total) if len(total.shape) else total

    def expected_targets(
        self, outputs: Sequence[tuple[tuple[int | None, ...], str]], names: Sequence[str | None]
    ) -> list[tuple[tuple[int | None, ...], str]]:
        """The shape and dtype of the targets for outputs of these shapes and dtypes."""
        losses = spread("loss", self._loss, names)
        return [
            (shape, dtype) if loss is None else loss.expected_targets(shape, dtype)
            for loss, (shape, dtype) in zip(losses, outputs, strict=True)
        ]

    def check_targets(self, y: Any) -> None:
        """`Loss.check_targets` of the losses last called, with all targets as arrays."""
        if self._entries is None or y is None:
            return
        losses = [loss for loss, _ in self._entries]
        names = [name for name, _ in self._outputs]
        targets = match_targets(y, names, [loss is not None for loss in losses])
        for loss, target, (_, shape) in zip(losses, targets, self._outputs, strict=True):
            if loss is not None and isinstance(target, np.ndarray):
                loss.check_targets(target, shape)


def _is_accuracy(identifier: Any) -> bool:
    return isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc")


def resolve_metric(identifier: Any) -> Any:
    """Returns a Metric for a name, a class, a function or a Metric; None stays None, and so does
    "accuracy", which depends on shapes."""
    if identifier is None or _is_accuracy(identifier):
        return identifier
    found = metrics.get(identifier)
    if not isinstance(found, Metric):
        return MeanMetricWrapper(found, name=_name_of(identifier, found))
    if isinstance(identifier, str):
        found.name = identifier
    return found


class CompileMetrics:
    """The metrics and weighted metrics of all outputs, made when the first batch is seen."""

    def __init__(self, plain: Any, weighted: Any, names: Sequence[str] | None) -> None:
        for argument, value in (("metrics", plain), ("weighted_metrics", weighted)):
            if value is not None and not isinstance(value, list | tuple | Mapping):
                raise ValueError(
                    f"Expected `{argument}` argument to be a list, tuple, or dict. "
                    f"Received instead: {argument}={value!r} of type {type(value).__name__}"
                )
        # At once, so that misspelt names are found; once, as each Metric takes a name.
        self._plain = plain and _map_leaves(resolve_metric, plain)
        self._weighted = weighted and _map_leaves(resolve_metric, weighted)
        self._model_names = names
        # (name in the logs, metric, output, whether it takes sample weights)
        self._entries: list[tuple[str, Metric, int, bool]] | None = None

    @property
    def metrics(self) -> list[Metric]:
        """All metrics; empty before the first batch."""
        return [metric for _, metric, _, _ in self._entries or []]

    @property
    def names(self) -> list[str]:
        """Their names in the logs."""
        return [name for name, _, _, _ in self._entries or []]

    def _build(
        self, names: Sequence[str | None], targets: list[Any], predictions: list[Any]
    ) -> list[tuple[str, Metric, int, bool]]:
        entries: list[tuple[str, Metric, int, bool]] = []
        taken: dict[str, int] = {}
        for is_weighted, given in ((False, self._plain), (True, self._weighted)):
            for k, identifiers in enumerate(self._per_output(given, names, is_weighted)):
                for identifier in identifiers:
                    metric = identifier
                    if _is_accuracy(metric):
                        metric = metrics.resolve_accuracy(metric, targets[k], predictions[k])
                    prefix = f"{names[k]}_" if len(names) > 1 and names[k] else ""
                    name = prefix + metric.name
                    if is_weighted and name in taken:
                        name = f"{prefix}weighted_{metric.name}"
                    taken[name] = taken.get(name, 0) + 1
                    if taken[name] > 1:
                        name = f"{name}_{taken[name] - 1}"
                    entries.append((name, metric, k, is_weighted))
        return entries

    @staticmethod
    def _per_output(given: Any, names: Sequence[str | None], is_weighted: bool) -> list[list[Any]]:
        if not given:
            return [[] for _ in names]
        if len(names) == 1 and not isinstance(given, Mapping):
            flat = [entry if isinstance(entry, list | tuple) else [entry] for entry in given]
            return [[metric for entry in flat for metric in entry if metric is not None]]
        argument = "weighted_metrics" if is_weighted else "metrics"
        return [
            [] if entry is None else list(entry) if isinstance(entry, list | tuple) else [entry]
            for entry in spread(argument, given, names)
        ]

    def update_state(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in one batch."""
        if y is None and not (self._plain or self._weighted):
            return
        names = output_names(y_pred, self._model_names)
        predictions = outputs_list(y_pred, names)
        used = [self._has_metrics(k, names) for k in range(len(names))]
        targets = match_targets(y, names, used)
        if self._entries is None:
            self._entries = self._build(names, targets, predictions)
        weights = spread("sample_weight", sample_weight, names)
        for _, metric, k, is_weighted in self._entries:
            if is_weighted and weights[k] is not None:
                metric.update_state(targets[k], predictions[k], sample_weight=weights[k])
            else:
                metric.update_state(targets[k], predictions[k])

    def _has_metrics(self, k: int, names: Sequence[str | None]) -> bool:
        return any(
            self._per_output(given, names, False)[k] for given in (self._plain, self._weighted)
        )

    def result(self) -> dict[str, Any]:
        """The values by name."""
        return {name: metric.result() for name, metric, _, _ in self._entries or []}

    def reset_state(self) -> None:
        """Sets all state to 0."""
        for metric in self.metrics:
            metric.reset_state()
