"""Each op's rule for ONNX against the op itself, on the cases of the op table."""

from pathlib import Path

import numpy as np
import onnx_run
import op_rows  # noqa: F401  registers the rows
import pytest
from op_table import ROWS, cases

from nnseq import _core
from nnseq.saving.onnx.elementwise import BINARY, UNARY
from nnseq.saving.onnx.model import write_onnx
from nnseq.saving.onnx.rule_table import REFUSED, RULES, CannotExport

NAMES = sorted(name for name in ROWS if name.partition("/")[0] not in REFUSED)
BY_MODELS = {"input", "constant", "read", "dim", "host", "stop_gradient", "scan"}
KEPT_FOR_A_GRADIENT = {"recurrent": lambda attrs: 3 if attrs.get("cell") == "lstm" else 2}


def test_every_op_has_a_rule_or_a_reason():
    assert set(RULES) | set(REFUSED) == set(_core.op_names)
    assert not set(RULES) & set(REFUSED)
    assert {*UNARY, "logical_not"} == set(_core.unary_names)
    assert set(BINARY) == set(_core.binary_names)
    assert {name.partition("/")[0] for name in NAMES} == set(RULES) - BY_MODELS


def differs(case):
    """Where onnxruntime does by design what the core does not."""
    has_nan = any(x.dtype.kind == "f" and np.isnan(x).any() for x in case.inputs)
    orders = case.op in ("reduce", "arg_reduce", "arg_sort")
    whole = case.inputs[0].dtype.kind == "i" if case.inputs else False
    overflows = case.op == "reduce" and whole and case.attrs["fn"] == "prod"
    overflows = overflows and np.abs(case.inputs[0].astype("float64")).prod() > 2**31
    no_steps = case.op == "recurrent" and case.inputs[0].shape[1] == 0
    return (has_nan and orders) or overflows or no_steps


def graph_of(case, dynamic):
    """The graph of one op; `dynamic`: no dim of an input is known but those of a kernel."""
    graph = _core.Graph()
    values = []
    for i, x in enumerate(case.inputs):
        is_kernel = case.op.startswith("conv2d") and i == 1
        shape = (None,) * x.ndim if dynamic and not is_kernel else x.shape
        values.append(graph.input(f"x{i}", str(x.dtype), shape))
    first = graph.add(case.op, values, dict(case.attrs))
    count = KEPT_FOR_A_GRADIENT.get(case.op, lambda attrs: graph.num_outputs(first))
    for k in range(count(case.attrs)):
        graph.add_output(first + k)
    return graph


def check(case, dynamic, path):
    function = _core.Function(graph_of(case, dynamic), [])
    inputs = [f"x{i}" for i in range(len(case.inputs))]
    outputs = [f"y{k}" for k in range(len(function.outputs))]
    write_onnx(path, function, inputs, outputs, name=case.op)
    got = onnx_run.run(path, case.inputs)
    want = function(*(_core.Tensor(x) for x in case.inputs))
    for mine, yours in zip(got, want, strict=True):
        onnx_run.assert_close(mine, yours.numpy())


def known(name, dynamic):
    """The cases of a row that can be compared."""
    for case in cases(name):
        if differs(case):
            continue
        try:
            graph_of(case, dynamic)
        except ValueError:  # the op needs the dims
            continue
        yield case


@pytest.mark.parametrize("name", NAMES)
def test_an_op(name, tmp_path):
    """The largest case of each dtype, once with unknown dims if it can have them."""
    for dynamic in (False, True):
        largest = {}
        for case in sorted(known(name, dynamic), key=lambda c: sum(x.size for x in c.inputs)):
            largest[tuple(x.dtype for x in case.inputs)] = case
        for case in largest.values():
            check(case, dynamic, tmp_path / "op.onnx")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_many_cases_of_an_op(name, tmp_path):
    for dynamic in (False, True):
        found = list(known(name, dynamic))
        for case in found[:: 1 + len(found) // 50]:
            check(case, dynamic, tmp_path / "op.onnx")


@pytest.mark.parametrize("op", sorted(set(REFUSED) & {name.partition("/")[0] for name in ROWS}))
def test_what_is_refused_names_layer_and_op(op, tmp_path):
    name = next(name for name in ROWS if name.partition("/")[0] == op)
    graph = _core.Graph()
    case = cases(name)[0]
    values = [graph.input(f"x{i}", str(x.dtype), x.shape) for i, x in enumerate(case.inputs)]
    graph.set_scope("model/layer")
    graph.add_output(graph.add(case.op, values, dict(case.attrs)))
    function = _core.Function(graph, [])
    path = Path(tmp_path / "op.onnx")
    with pytest.raises(
        CannotExport, match=f"^export to ONNX: layer 'model/layer', op '{op}': "
    ) as e:
        write_onnx(path, function, [f"x{i}" for i in range(len(values))], ["y"], name="m")
    assert "\n" not in str(e.value) and not path.exists()
