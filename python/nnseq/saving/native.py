"""The model file `.nnseq`: the steps of a model as graphs, for C++ and C, and the way back.

In Python the Keras configuration in the file wins and is traced again; in C++ the graphs do.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nnseq import _core
from nnseq.engine import nest
from nnseq.engine.budget import budget
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.registry import deserialize_keras_object, sharing_objects
from nnseq.engine.traced import Compiled, Spec
from nnseq.saving.errors import ModelFileError
from nnseq.saving.json_checks import parse_json
from nnseq.saving.limits import limits
from nnseq.training.graph_model import STEPS, GraphModel
from nnseq.training.outputs import output_names, outputs_list

if TYPE_CHECKING:
    from pathlib import Path


def export_model(
    model: Any, path: Path, config: str, input_signature: Any, classes: Sequence[str]
) -> None:
    """Writes a model into a file; see `model_file`."""
    model_file(model, config, input_signature, classes).save(str(path))


def model_file(
    model: Any, config: str = "", input_signature: Any = None, classes: Sequence[str] = ()
) -> _core.ModelFile:
    """What a file holds of a model: its predict step, and, if it is compiled, those of train and
    evaluate.

    The steps are traced on a copy: the model itself learns nothing of it. That of a GraphModel is
    the file that it came from.

    Args:
        config: the Keras configuration, or "".
        input_signature: what has a shape and a dtype for each input; None: as in the model.
        classes: labels of the classes.

    Raises:
        ValueError: if the shapes of the inputs are not known, or a step is not for C++ alone.
    """
    if isinstance(model, GraphModel):
        return model._file
    x = inputs_of(model, input_signature)
    twin = copy.deepcopy(model)
    file = _core.ModelFile(model.name)
    file.classes = [str(label) for label in classes]
    file.config = config
    predict, _, names = predict_step(twin, x)
    _add(file, "predict", predict, (x,), twin, names)
    if twin.compiled:
        for optimizer in twin._optimizers():
            if optimizer.needs_host:
                raise ValueError(
                    f"export: the learning rate of optimizer '{optimizer.name}' is a Python "
                    "function, which no file can hold; give a number or a LearningRateSchedule."
                )
        for mode in ("train", "test"):
            data = _step_data(model, mode, x, predict.results)
            _add(file, mode, twin._traced(mode).get(data), data, twin, names)
        twin.reset_metrics()
    trained = {id(v) for v in (twin._trained() if twin.trainable else [])}
    weights = twin.weights
    known = {id(v) for v in weights}
    for v in weights:
        file.add_variable(v.handle, "weight", id(v) in trained)
    for v in twin.variables:
        if id(v) not in known:
            file.add_variable(v.handle, "state")
    for v in (v for optimizer in twin._optimizers() for v in optimizer.variables):
        file.add_variable(v.handle, "optimizer")
    if twin.compiled:
        for v in (v for metric in twin.metrics for v in metric.variables):
            file.add_variable(v.handle, "metric")
    return file


def predict_step(model: Any, x: Any) -> tuple[Compiled, list[str], list[str]]:
    """The trace of predict for inputs like x, and the names of its inputs and outputs."""
    predict = model._traced("predict").get((x,))
    names = [name or f"output_{i}" for i, name in enumerate(_output_names(model, predict.results))]
    if isinstance(predict.results, dict):
        names = sorted(predict.results)  # the order of the outputs of the graph
    return predict, _input_names(model, x), names


def _input_names(model: Any, x: Any) -> list[str]:
    own = getattr(model, "input_names", None) if model._host is None else None
    return _leaf_names(x, own, "input")


def inputs_of(model: Any, signature: Any) -> Any:
    """Specs of the inputs in their structure."""
    if signature is not None:
        if isinstance(signature, list | tuple) and len(signature) == 1:
            signature = signature[0]
        return nest.map_structure(_spec, signature)
    if model._graph is not None:
        structure = model._program_graph().inputs
        if isinstance(structure, list | tuple) and len(structure) == 1:
            structure = structure[0]
        return nest.map_structure(_spec, structure)
    for mode in ("predict", "train", "test"):
        arguments = model._traced(mode).last_arguments()
        if arguments is not None:
            return arguments[0][0]
    raise ValueError(
        f"export: the shape of the input of model '{model.name}' is not known; pass "
        "`input_signature`, or call predict or fit first."
    )


def _spec(x: Any) -> Spec:
    return Spec((None, *x.shape[1:]), standardize_dtype(x.dtype))


def _output_names(model: Any, results: Any) -> list[str | None]:
    return output_names(results, getattr(model, "output_names", None))


def _step_data(model: Any, mode: str, x: Any, results: Any) -> tuple[Any, ...]:
    """Specs of a batch: as the model was trained or evaluated on, else as its losses expect."""
    for known in (mode, "train", "test"):
        arguments = model._traced(known).last_arguments()
        if arguments is not None:
            return (x, *arguments[0][1:])
    losses = model._state().compile_loss
    if losses is None:
        return (x,)
    names = _output_names(model, results)
    outputs = [(spec.shape, spec.dtype) for spec in outputs_list(results, names)]
    specs = [Spec(shape, dtype) for shape, dtype in losses.expected_targets(outputs, names)]
    if isinstance(results, dict):
        return (x, dict(zip(names, specs, strict=True)))
    return (x, specs if len(specs) > 1 else specs[0])


def _add(
    file: Any, mode: str, step: Compiled, data: tuple[Any, ...], model: Any, names: list[str]
) -> None:
    """Adds a step with names for its inputs and outputs."""
    x, *rest = data
    inputs = _input_names(model, x)
    for value, what in zip(rest, ("target", "sample_weight"), strict=False):
        own = [f"{what}_{name}" for name in names]
        inputs += [what] if isinstance(value, Spec) else _leaf_names(value, own, what)
    outputs = names if mode == "predict" else _leaf_names(step.results, None, "result")
    file.add_function(STEPS[mode], step.function, inputs, outputs)


def _leaf_names(structure: Any, names: Sequence[str] | None, what: str) -> list[str]:
    """Names for the tensors of a structure: those given, the keys of a dict, or numbers."""
    leaves = [leaf for leaf in nest.flatten(structure) if isinstance(leaf, Spec)]
    if isinstance(structure, dict) and len(leaves) == len(structure):
        return sorted(structure)
    if names is not None and len(names) == len(leaves):
        return list(names)
    return [what] if len(leaves) == 1 else [f"{what}_{i}" for i in range(len(leaves))]


def load_native(path: Path, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model of a `.nnseq` file: that of its configuration, else a GraphModel."""
    return model_of(_core.ModelFile.load(str(path)), custom_objects, compile, safe_mode)


def model_of(file: _core.ModelFile, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model that a file was made of, else a GraphModel."""
    if not file.config:
        return GraphModel(file)
    config = parse_json(file.config.encode(), "the configuration")
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelFileError("the configuration is not that of a model.")
    if not compile:
        config.pop("compile_config", None)
    size = sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v, _, _ in file.variables)
    with budget(2 * size + limits.spare_bytes // 2), sharing_objects():
        model = deserialize_keras_object(config, custom_objects, safe_mode)
    if not hasattr(model, "load_weights"):
        raise ModelFileError(f"it holds a {type(model).__name__}, which is not a model.")
    weights = model.weights
    known = {id(v) for v in weights}
    _assign("weight", weights, file)
    _assign("state", [v for v in model.variables if id(v) not in known], file)
    if model.optimizer is not None:
        _assign("optimizer", [v for o in model._optimizers() for v in o.variables], file)
    return model


def _assign(role: str, variables: list[Any], file: Any) -> None:
    stored = [v for v, stored_role, _ in file.variables if stored_role == role]
    if len(stored) < len(variables) or (len(stored) > len(variables) and role != "state"):
        raise ModelFileError(
            f"the model of the configuration has {len(variables)} variables of the kind {role}, "
            f"the file has {len(stored)}."
        )
    for variable, value in zip(variables, stored, strict=False):
        if variable.shape != value.shape or variable.dtype != value.dtype:
            raise ModelFileError(
                f"variable '{variable.path}' is {variable.dtype} {variable.shape}, the file has "
                f"{value.dtype} {value.shape}."
            )
        variable.handle.assign(value.value())
