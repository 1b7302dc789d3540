"""A Function of the core as an ONNX model: protocol buffers, names, checks and the file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnseq import _core
from nnseq.saving.atomic import atomic_file
from nnseq.saving.onnx import elementwise, layout, products, recurrent, reductions, structure
from nnseq.saving.onnx.emitter import Emitter
from nnseq.saving.onnx.rule_table import CannotExport
from nnseq.saving.onnx.writer import Node, Writer

if TYPE_CHECKING:
    import onnx

OPSET = 17  # the first with LayerNormalization; what is written if nothing else is asked for
LIMIT = 2**31 - 2**20  # bytes of weights: protocol buffers end at 2 GiB
_SMALL = 1024  # bytes of a constant whose value may say what a shape is
RULES_OF = (elementwise, layout, products, recurrent, reductions, structure)


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise ImportError("export to ONNX needs onnx: pip install nnseq[onnx]") from None
    return onnx


def write_onnx(
    path: Path,
    function: _core.Function,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    name: str,
    paths: Sequence[str] | None = None,
    classes: Sequence[str] = (),
    opset: int | None = None,
) -> None:
    """Writes a Function into an `.onnx` file, whole or not at all.

    Args:
        inputs, outputs: their names, in order.
        name: of the model.
        paths: the names of the Variables, in the order of `function.variables`.
        classes: labels, kept as a JSON list in the metadata "classes".
        opset: the version of the operators, 17 by default.

    Raises:
        ImportError: if onnx is not installed.
        ValueError: if ONNX cannot express it, or the file would be too large.
    """
    onnx = _onnx()
    newest = onnx.defs.onnx_opset_version()
    opset = OPSET if opset is None else opset
    if not OPSET <= opset <= newest:
        raise ValueError(
            f"export to ONNX: `opset_version` must be from {OPSET} to {newest}, which is what the "
            f"installed onnx knows. Received: opset_version={opset}"
        )
    writer = _written(function, inputs, outputs, paths, opset)
    size = sum(array.nbytes for array in writer.initializers.values())
    if size > LIMIT:
        raise ValueError(
            f"export to ONNX: the weights take {size / 2**30:.1f} GiB, an .onnx file holds 2; "
            'export with format="nnseq".'
        )
    large = {key: x for key, x in writer.initializers.items() if x.nbytes > _SMALL}
    model = _model_proto(onnx, writer, name, classes, large)
    _infer_outputs(onnx, model)
    onnx.checker.check_model(model, full_check=True)
    del model.graph.input[len(inputs) :]
    model.graph.initializer.extend(_arrays(onnx, large))
    with atomic_file(path) as file:
        file.write(model.SerializeToString())


def _written(
    function: _core.Function,
    inputs: Sequence[str],
    outputs: Sequence[str],
    paths: Sequence[str] | None,
    opset: int,
) -> Writer:
    """The graph of a Function."""
    graph, variables = function.graph, function.variables
    if paths is None:
        paths = [v.name for v in variables]
    _refuse_state(str(graph), paths)
    writer = Writer(opset)
    inputs, outputs = ([writer.unique(name) for name in names] for names in (inputs, outputs))
    arrays = [v.numpy() for v in variables]
    emitter = Emitter(graph, writer, list(zip(paths, arrays, strict=True)))
    for given, value in zip(inputs, graph.inputs, strict=True):
        writer.inputs.append((given, graph.dtype(value), _dims(graph.shape(value), given)))
        emitter.put(value, given)
    emitter.run(graph.outputs)
    writer.scope = ""
    writer.outputs = [emitter.name(value) for value in graph.outputs]
    writer.types = [(graph.dtype(v), graph.shape(v)) for v in graph.outputs]
    writer.finish(outputs)
    return writer


def _refuse_state(text: str, paths: Sequence[str]) -> None:
    """No node of ONNX keeps anything for the next run."""
    found = re.search(r"^assign slot (\d+)", text, re.MULTILINE)
    if found:
        path = paths[int(found[1])]
        scope = path.rpartition("/")[0]
        raise CannotExport(
            scope, "assign", f"predict changes the Variable '{path}', and ONNX has no state; make "
            "the layer without it (stateful=False, no random numbers)"
        )  # fmt: skip


def _dims(shape: Sequence[int | None], name: str) -> list[int | str]:
    """Unknown dims by name; the first is the batch of all inputs."""
    return [
        ("batch" if axis == 0 else f"{name}_dim_{axis}") if size is None else size
        for axis, size in enumerate(shape)
    ]


# --- protocol buffers -----------------------------------------------------------------------------


def _arrays(onnx: Any, arrays: dict[str, np.ndarray]) -> list[onnx.TensorProto]:
    return [onnx.numpy_helper.from_array(array, key) for key, array in arrays.items()]


def _model_proto(
    onnx: Any, writer: Writer, name: str, classes: Sequence[str], large: dict[str, np.ndarray]
) -> onnx.ModelProto:
    """The model in which `large` arrays are inputs: what checks it copies it again and again."""
    opsets = [onnx.helper.make_opsetid("", writer.opset)]
    graph = _graph_proto(onnx, writer, re.sub(r"\W", "_", name) or "model")
    small = {key: array for key, array in writer.initializers.items() if key not in large}
    graph.initializer.extend(_arrays(onnx, small))
    graph.input.extend(_value_proto(onnx, key, str(x.dtype), x.shape) for key, x in large.items())
    model = onnx.helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=onnx.helper.find_min_ir_version_for(opsets),
        producer_name="nnseq",
        producer_version=_core.__version__,
    )
    if classes:
        onnx.helper.set_model_props(model, {"classes": json.dumps([str(c) for c in classes])})
    return model


def _infer_outputs(onnx: Any, model: onnx.ModelProto) -> None:
    """Names the unknown dims of the outputs: the first is the batch, others those of the inputs
    that they are."""
    known = {dim.dim_param for x in model.graph.input for dim in x.type.tensor_type.shape.dim}
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    for own, found in zip(model.graph.output, inferred.graph.output, strict=True):
        dims = own.type.tensor_type.shape.dim
        for axis, dim in enumerate(found.type.tensor_type.shape.dim):
            if dim.dim_param in known - {""}:
                dims[axis].CopyFrom(dim)
            elif axis == 0 and not dims[axis].HasField("dim_value"):
                dims[axis].dim_param = "batch"


def _graph_proto(onnx: Any, writer: Writer, name: str) -> onnx.GraphProto:
    return onnx.helper.make_graph(
        [_node_proto(onnx, node) for node in writer.nodes],
        name,
        [_value_proto(onnx, *x) for x in writer.inputs],
        [
            _value_proto(onnx, x, *writer.types[i]) if writer.types else onnx.ValueInfoProto(name=x)
            for i, x in enumerate(writer.outputs)
        ],
    )


def _value_proto(onnx: Any, name: str, dtype: str, shape: Sequence[Any]) -> onnx.ValueInfoProto:
    code = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return onnx.helper.make_tensor_value_info(name, code, list(shape))


def _node_proto(onnx: Any, node: Node) -> onnx.NodeProto:
    def plain(value: Any) -> Any:
        if isinstance(value, Writer):
            return _graph_proto(onnx, value, f"{node.name}/body")
        if isinstance(value, np.dtype):
            return onnx.helper.np_dtype_to_tensor_dtype(value)
        return value

    attrs = {key: plain(value) for key, value in node.attrs.items()}
    return onnx.helper.make_node(node.op, node.inputs, node.outputs, node.name, **attrs)
