"""What compile() made of its arguments, and what training keeps between calls."""

import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nnseq.callbacks import History
from nnseq.engine.traced import Compiled, Traced
from nnseq.metrics import Mean
from nnseq.training.compiled import CompileLoss, CompileMetrics


class TrainingState:
    """The training side of one model.

    trainable: layer -> flag as compile() saw it. traced: the cached traces by mode and whether they
    check that losses and gradients are finite. checks_finite: whether the running fit wants that.
    """

    def __init__(
        self,
        optimizer: Any = None,
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        output_names: Sequence[str] | None = None,
        trainable: Iterable[tuple[Any, bool]] = (),
    ) -> None:
        self.arguments: dict[str, Any] = {}  # of compile(), as it was given
        self.optimizer = optimizer
        self.loss = loss
        self.run_eagerly = bool(run_eagerly)
        self.compile_loss = None if loss is None else CompileLoss(loss, loss_weights, output_names)
        self.compile_metrics: CompileMetrics | None = None
        if metrics is not None or weighted_metrics is not None:
            self.compile_metrics = CompileMetrics(metrics, weighted_metrics, output_names)
        self.loss_tracker = Mean(name="loss")
        self.trainable = weakref.WeakKeyDictionary(trainable)
        self.traced: dict[tuple[str, bool], Traced] = {}
        self.checks_finite = False
        self.revisions: list[int] = []
        self.stops: set[str] = set()  # the modes that a callback ended
        self.history: History | None = None
        self.progress: Any = None  # the Progress of the running fit
        self._warned = False
        self.grouped: weakref.WeakSet[Compiled] = weakref.WeakSet()

    # --- metrics --------------------------------------------------------------------------------
    def results(self) -> dict[str, Any]:
        """The values of the loss and of the compiled metrics by name."""
        values: dict[str, Any] = {"loss": self.loss_tracker.result()}
        if self.compile_loss is not None:
            values.update({metric.name: metric.result() for metric in self.compile_loss.metrics})
        if self.compile_metrics is not None:
            values.update(self.compile_metrics.result())
        return values

    def metrics(self) -> list[Any]:
        """The Metrics behind `results`, in that order."""
        found: list[Any] = [self.loss_tracker]
        if self.compile_loss is not None:
            found += self.compile_loss.metrics
        if self.compile_metrics is not None:
            found += self.compile_metrics.metrics
        return found

    def metric_names(self) -> list[str]:
        """The names of `results`, known before the first batch as far as possible."""
        names = ["loss"]
        if self.compile_loss is not None:
            names += [metric.name for metric in self.compile_loss.metrics]
        if self.compile_metrics is not None:
            names += self.compile_metrics.names
        return names

    # --- traces ---------------------------------------------------------------------------------
    def trainable_by_id(self) -> dict[int, bool] | None:
        """id(layer) -> trainable at compile(); None before compile()."""
        found = {id(layer): flag for layer, flag in self.trainable.items()}
        return found or None

    def forget_traces(self) -> None:
        """The next step is traced anew."""
        for traced in self.traced.values():
            traced.clear()
        self.traced.clear()

    @contextmanager
    def trainable_as_compiled(self) -> Iterator[None]:
        """Inside, layers are trainable as they were at compile(): for steps that run eagerly."""
        now = [(layer, layer.__dict__["_trainable"]) for layer in self.trainable]
        try:
            for layer, flag in self.trainable.items():
                layer.__dict__["_trainable"] = flag
            yield
        finally:
            for layer, flag in now:
                layer.__dict__["_trainable"] = flag

    def changed_layers(self) -> list[str]:
        """The names of layers whose `trainable` is no longer that of compile(); told once."""
        if self._warned:
            return []
        names = [layer.name for layer, flag in self.trainable.items() if layer.trainable != flag]
        self._warned = bool(names)
        return names

    def __getstate__(self) -> dict[str, Any]:
        kept: dict[str, Any] = {"traced": {}, "history": None, "grouped": None, "progress": None}
        return {**self.__dict__, **kept, "trainable": list(self.trainable.items())}

    def __setstate__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)
        self.trainable = weakref.WeakKeyDictionary(fields["trainable"])
        self.grouped = weakref.WeakSet()
