"""Steps: what compile() sets up, and the steps that are traced and run."""

import inspect
import weakref
from typing import Any

import numpy as np

import nnseq.losses
import nnseq.metrics
from nnseq import _core, ops, optimizers
from nnseq.callbacks import History
from nnseq.engine.nest import flatten, map_structure
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.engine.state import finite_scope, prepared_scope
from nnseq.engine.tape import GradientTape
from nnseq.engine.tensor import to_array
from nnseq.engine.traced import Compiled, Traced
from nnseq.layers.layer import Layer
from nnseq.metrics import Metric
from nnseq.optimizers import Optimizer
from nnseq.training.compiled import made
from nnseq.training.data import ArraySource
from nnseq.training.state import TrainingState
from nnseq.utils.batches import unpack_x_y_sample_weight


def _stops(mode: str, doc: str) -> Any:
    def get(self: Any) -> bool:
        return mode in self._state().stops

    def put(self: Any, value: bool) -> None:
        (self._state().stops.add if value else self._state().stops.discard)(mode)

    return property(get, put, doc=doc)


class Steps(Layer):
    """compile() and the steps of a model.

    Steps are Python functions (`train_step`, `test_step`, `predict_step`, all of which may be
    overridden) that are traced once and then run in the core, many at a time.
    """

    _harmless = Layer._harmless | {
        "_training", "compiled", "history", "loss", "run_eagerly", "stop_training",
        "stop_evaluating", "stop_predicting",
    }  # fmt: skip
    _training: TrainingState
    compiled = False

    # --- compile --------------------------------------------------------------------------------
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Says how the model is trained; misspelt names are found here.

        Args:
            optimizer: a name or an Optimizer.
            loss: a name, a function or a Loss; a list or dict of them for several outputs.
            loss_weights: a factor for each output's loss.
            metrics: a list of names, functions or Metrics; for several outputs a list or dict.
            weighted_metrics: like `metrics`, but they take sample and class weights.
            run_eagerly: runs steps op by op, so that Python code sees values.

        steps_per_execution, jit_compile and auto_scale_loss are accepted and change nothing.
        Which layers are trainable now decides until the next compile().
        """
        self._state().forget_traces()
        loss = made(nnseq.losses, loss)
        metrics = made(nnseq.metrics, metrics)
        weighted_metrics = made(nnseq.metrics, weighted_metrics)
        self._training = TrainingState(
            optimizer=optimizers.get(optimizer),
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            run_eagerly=run_eagerly,
            output_names=getattr(self, "output_names", None),
            trainable=[(layer, layer.trainable) for layer in self._flatten_layers()],
        )
        self._training.arguments = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }
        self.compiled = True

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile_from_config` needs to compile an equal model; None before compile()."""
        if not self.compiled:
            return None
        return serialize_keras_object({"optimizer": self.optimizer, **self._training.arguments})

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """compile() with what `get_compile_config` gave, and the slots of the optimizer made."""
        known = inspect.signature(type(self).compile).parameters
        self.compile(**{k: deserialize_keras_object(v) for k, v in config.items() if k in known})
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _state(self) -> TrainingState:
        """The state made by compile(); before it an empty one, enough to predict."""
        if "_training" not in self.__dict__:
            self._training = TrainingState()
        return self._training

    def _assert_compiled(self) -> None:
        if not self.compiled:
            raise ValueError("You must call `compile()` before using the model.")

    @property
    def optimizer(self) -> Any:
        """The optimizer, None before compile()."""
        return self._state().optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        self._state().optimizer = optimizers.get(value)
        self._state().forget_traces()

    def _optimizers(self) -> list[Optimizer]:
        """The compiled optimizer and those that are attributes of the model."""
        own = [x for x in self._attributes() if isinstance(x, Optimizer)]
        return own if self.optimizer is None else [self.optimizer, *own]

    @property
    def loss(self) -> Any:
        """The loss as it was given to compile()."""
        return self._state().loss

    @loss.setter
    def loss(self, value: Any) -> None:
        self._state().loss = value

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run op by op."""
        return self._state().run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._state().run_eagerly = bool(value)

    stop_training = _stops("train", "Set to True (by a callback) to end fit after this step.")
    stop_evaluating = _stops("test", "Set to True (by a callback) to end evaluate or validation.")
    stop_predicting = _stops("predict", "Set to True (by a callback) to end predict.")

    @property
    def history(self) -> History | None:
        """What the last fit returned."""
        return self._state().history

    @history.setter
    def history(self, value: History | None) -> None:
        self._state().history = value

    # --- metrics --------------------------------------------------------------------------------
    @property
    def metrics(self) -> list[Any]:
        """The loss tracker, the compiled metrics, and Metrics that are attributes of layers."""
        found = self._state().metrics() if self.compiled else []
        return list({id(metric): metric for metric in [*found, *self._own_metrics()]}.values())

    def _own_metrics(self) -> list[Metric]:
        return [
            x for layer in self._flatten_layers() for x in layer._attributes()
            if isinstance(x, Metric)
        ]  # fmt: skip

    @property
    def metrics_names(self) -> list[str]:
        """The names in the logs, in the order of the values that `evaluate` returns."""
        known = self._state().metric_names() if self.compiled else []
        return [*known, *(m.name for m in self._own_metrics() if m.name not in known)]

    def _metrics_by_name(self) -> dict[str, Any]:
        """The Metrics by their names in the logs."""
        state = self._state()
        own = {metric.name: metric for metric in self._own_metrics()}
        return {**own, **dict(zip(state.metric_names(), state.metrics(), strict=True))}

    def reset_metrics(self) -> None:
        """Sets the state of all metrics to 0."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The values of all metrics by name: what steps return."""
        compiled = self._state()
        of_compile = {id(metric) for metric in compiled.metrics()} if self.compiled else set()
        metrics = self.metrics
        seen = {id(metric) for metric in metrics}
        results = compiled.results() if of_compile & seen else {}
        for metric in metrics:
            if id(metric) not in of_compile:
                value = metric.result()
                results.update(value if isinstance(value, dict) else {metric.name: value})
        return results

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the compiled metrics with one batch and returns all values by name."""
        compiled = self._state().compile_metrics
        if compiled is not None:
            compiled.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # --- steps ----------------------------------------------------------------------------------
    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The compiled losses plus `self.losses` (regularisers, `add_loss`), a scalar."""
        compiled = self._state().compile_loss
        total = compiled(y, y_pred, sample_weight) if compiled is not None else None
        for loss in self.losses:
            loss = ops.sum(ops.cast(loss, "float32"))
            total = loss if total is None else total + loss
        if total is None:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        return total

    def _track_loss(self, loss: Any, x: Any) -> None:
        """The loss of an epoch is the mean over samples, whatever the sizes of batches."""
        rows = ops.shape(flatten(x)[0])[0]
        self._state().loss_tracker.update_state(loss, sample_weight=ops.cast(rows, "float32"))

    def train_step(self, data: Any) -> Any:
        """One training step on a batch (x,), (x, y) or (x, y, sample_weight); returns the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        self._track_loss(loss, x)
        variables = self.trainable_variables
        self.optimizer.follow(variables)
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> Any:
        """One step of evaluate; returns the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._track_loss(self.compute_loss(x, y, y_pred, sample_weight, training=False), x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """One step of predict; returns the outputs."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _step(self, mode: str, data: Any, checked: bool = False) -> Any:
        """One step whose results carry no masks, so that they are all there is to return.

        checked: raises _core.NotFiniteError, before anything is written, for a loss or a gradient
        that is not finite.
        """
        with finite_scope(checked):
            results = getattr(self, f"{mode}_step")(data)
        for x in flatten(results):
            if getattr(x, "_keras_mask", None) is not None:
                x._keras_mask = None
        return results

    def _traced(self, mode: str) -> Traced:
        """The cached traces of a step; made anew when the kind of learning rate changed."""
        state = self._state()
        revisions = [optimizer.revision for optimizer in self._optimizers()]
        if revisions != state.revisions:
            state.forget_traces()
            state.revisions = revisions
        checked = state.checks_finite and mode == "train"
        if (mode, checked) not in state.traced:
            reference = weakref.ref(self)
            state.traced[mode, checked] = Traced(
                lambda data: reference()._step(mode, data, checked),  # type: ignore[union-attr]
                training=mode == "train",
                trainable=state.trainable_by_id(),
            )
        return state.traced[mode, checked]

    def _compiled_step(self, mode: str, batch: Any) -> Compiled:
        """The trace of a step for batches like this one."""
        compiled = self._traced(mode).get(batch)
        if mode == "train":
            self._group_variables(compiled)
        return compiled

    def _group_variables(self, compiled: Compiled) -> None:
        """Puts the storage of what a step trains side by side, once for each trace."""
        state = self._state()
        if compiled in state.grouped:
            return
        state.grouped.add(compiled)
        trained = self._trained()
        known = {id(variable) for variable in trained}
        others = [v for v in self.variables if id(v) not in known] if self.built else []
        others += [v for metric in self.metrics for v in metric.variables]
        others += [v for optimizer in self._optimizers() for v in optimizer.variables]
        _core.group_variables([v.handle for v in trained], [v.handle for v in others])

    def _check_targets(self, data: Any) -> None:
        """Refuses targets that no step can use, once a trace told the shapes of the outputs."""
        losses = self._state().compile_loss
        if losses is not None and len(data) > 1:
            losses.check_targets(data[1])

    def _prepared_step(self, mode: str, source: ArraySource) -> Compiled:
        """The trace of a step for these arrays; finds what does not fit before a step is run."""
        compiled = self._compiled_step(mode, source.first_batch())
        if not source.checked:
            self._check_targets(source.data)
            source.checked = True
        return compiled

    def _ready(self, x: Any) -> Any:
        """The core's Function of a step of predict for an array like x, once it was run."""
        if x.__class__ is not np.ndarray or x.ndim == 0:
            return None
        state = self._state()
        traced = state.traced.get(("predict", False))
        return None if traced is None or state.run_eagerly else traced.ready(x)

    def _run_step(self, mode: str, batch: Any) -> Any:
        """Runs one step on the arrays of a batch; returns what the step returns."""
        state = self._state()
        if state.run_eagerly:
            tensors = map_structure(
                lambda x: None if x is None else ops.convert_to_tensor(x), batch
            )
            with state.trainable_as_compiled(), prepared_scope():
                return self._step(mode, tensors, state.checks_finite and mode == "train")
        compiled = self._compiled_step(mode, batch)
        if mode != "predict":
            self._check_targets(batch)
        elif len(batch) == 1 and isinstance(batch[0], np.ndarray):
            self._traced(mode).keep_ready(batch[0], compiled)
        return compiled([to_array(x) for x in flatten(batch) if x is not None])
