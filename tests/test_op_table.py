"""What every row of the op table must hold."""

import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import op_rows  # noqa: F401  registers the rows
import pytest
from op_rows.elementwise import BINARY, SMOOTH, TWICE, UNARY
from op_table import (
    ROWS,
    Case,
    build,
    cases,
    evaluate,
    expected,
    numeric_gradient,
    numeric_second,
    output_weights,
    some_positions,
)
from test_op_structure import STRUCTURE

from nnseq import _core

NAMES = sorted(ROWS)
# Ops whose gradient has no gradient: asking for it raises NotImplementedError with this name.
NO_SECOND = {
    "max_pool": "max_pool_grad",
    "softmax_cross_entropy": "softmax_cross_entropy_grad",
    "batch_norm": "batch_norm_grad",
    "layer_norm": "layer_norm_grad",
    "recurrent": "recurrent_grad",
} | {f"unary/{fn}": fn for fn in SMOOTH - TWICE}


def assert_matches(case: Case, got: np.ndarray, want: np.ndarray) -> None:
    assert got.shape == want.shape, f"{case}: shape {got.shape}, expected {want.shape}"
    if case.exact:
        np.testing.assert_array_equal(got, want.astype(got.dtype), err_msg=str(case))
        return
    finite = np.abs(want[np.isfinite(want)])
    scale = max(1.0, finite.max()) if finite.size and case.atol > 1e-30 else 1.0
    with np.errstate(over="ignore"):
        rounded = want.astype(got.dtype)
    np.testing.assert_allclose(
        got, rounded, rtol=case.rtol, atol=case.atol * scale, err_msg=str(case)
    )


def test_every_op_and_function_has_a_row():
    ops = (
        {name.split("/")[0] for name in NAMES} | set(STRUCTURE) | {"chain", "unstack"}
    )  # made by passes
    assert ops == set(_core.op_names)
    assert set(UNARY) == set(_core.unary_names)
    assert set(BINARY) == set(_core.binary_names)


@pytest.mark.parametrize("name", NAMES)
def test_forward(name):
    for case in cases(name):
        wanted = expected(case)
        results = evaluate(case, gradients=False)
        assert len(results) == len(wanted), str(case)
        for got, want in zip(results, wanted, strict=True):
            assert_matches(case, got, want)


@pytest.mark.parametrize("name", NAMES)
def test_eager_gives_the_same_bits(name):
    for case in cases(name):
        eager = _core.eager(case.op, [_core.Tensor(x) for x in case.inputs], dict(case.attrs))
        for got, want in zip(eager, evaluate(case, gradients=False), strict=True):
            np.testing.assert_array_equal(got.numpy(), want, err_msg=str(case))


WITH_GRADIENT = [name for name in NAMES if any(case.wrt for case in cases(name))]


def assert_derivatives(case: Case, results: list[np.ndarray], numeric) -> None:
    """Within 1e-4 of the largest derivative with respect to each input."""
    for i, got in zip(case.wrt, results, strict=True):
        x = case.inputs[i]
        assert got.shape == x.shape and got.dtype == x.dtype, f"{case}: gradient {i}"
        positions = some_positions(x)
        want = np.array([numeric(case, i, position) for position in positions])
        found = np.array([got[position] for position in positions])
        scale = max(1.0, np.abs(want).max(initial=0))
        np.testing.assert_allclose(
            found, want, rtol=0, atol=1e-4 * scale, err_msg=f"{case}: gradient of input {i}"
        )


@pytest.mark.parametrize("name", WITH_GRADIENT)
def test_gradient(name):
    for case in cases(name):
        if case.wrt:
            assert_derivatives(case, evaluate(case)[-len(case.wrt) :], numeric_gradient)


@pytest.mark.parametrize(
    "name",
    [name for name in WITH_GRADIENT if any(case.second and case.wrt for case in cases(name))],
)
def test_second_derivative(name):
    for case in cases(name):
        if case.second and case.wrt:
            results = evaluate(case, second=True)[-len(case.wrt) :]
            assert_derivatives(case, results, numeric_second)


def test_every_gradient_without_a_second_derivative_is_listed():
    listed = {
        name for name in WITH_GRADIENT if not any(case.second and case.wrt for case in cases(name))
    }
    assert listed == set(NO_SECOND)


@pytest.mark.parametrize("name", sorted(NO_SECOND))
def test_missing_second_derivatives_raise_by_name(name):
    case = next(case for case in cases(name) if case.wrt and case.inputs[case.wrt[0]].size)
    with pytest.raises(NotImplementedError, match=NO_SECOND[name]):
        evaluate(case, second=True)


@pytest.mark.parametrize("backend", ["openmp", "std"])
def test_bits_do_not_depend_on_the_number_of_threads(backend):
    before = _core.num_threads()
    try:
        _core.set_thread_backend(backend)
        for name in NAMES:
            for case in cases(name):
                results = {}
                for threads in (1, 2, 3, 7):
                    _core.set_num_threads(threads)
                    results[threads] = evaluate(case)
                for threads in (2, 3, 7):
                    for a, b in zip(results[1], results[threads], strict=True):
                        np.testing.assert_array_equal(a, b, err_msg=f"{case}: {threads} threads")
    finally:
        _core.set_num_threads(before)
        _core.set_thread_backend("std")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """(ISA, device) -> the whole table evaluated by a fresh process."""
    here = Path(__file__).parent
    folder, found = tmp_path_factory.mktemp("tables"), {}
    combinations = [(isa, "cpu") for isa in _core.available_isas()] + [(_core.isa(), "mirror")]
    for isa, device in combinations:
        path = folder / f"{isa}-{device}.npz"
        paths = [str(Path(_core.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        env = os.environ | {"NNSEQ_ISA": isa, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, str(here / "op_table.py"), str(path), device]
        run = subprocess.run(command, env=env, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-2000:]
        found[isa, device] = dict(np.load(path))
    return found


def assert_same_bits(a: dict, b: dict) -> None:
    assert a.keys() == b.keys()
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)


def test_the_device_with_memory_of_its_own_gives_the_same_bits(tables):
    assert_same_bits(tables[_core.isa(), "cpu"], tables[_core.isa(), "mirror"])


def test_isas_with_fma_give_the_same_bits(tables):
    fma = [isa for isa in ("avx2", "avx512", "neon") if (isa, "cpu") in tables]
    if len(fma) < 2:
        pytest.skip(f"this machine has one ISA with FMA only: {fma}")
    for isa in fma[1:]:
        assert_same_bits(tables[fma[0], "cpu"], tables[isa, "cpu"])


@pytest.mark.parametrize("isa", _core.available_isas())
def test_every_isa_matches_the_reference(tables, isa):
    table = tables[isa, "cpu"]
    for name in NAMES:
        for number, case in enumerate(cases(name)):
            for k, want in enumerate(expected(case)):
                assert_matches(case, table[f"{name}:{number}:{k}"], want)


@pytest.mark.parametrize("isa", _core.available_isas())
def test_gradients_of_every_isa_agree(tables, isa):
    """With the ISA of this process, whose gradients are checked against differences."""
    ours, theirs = tables[_core.isa(), "cpu"], tables[isa, "cpu"]
    for name in WITH_GRADIENT:
        for number, case in enumerate(cases(name)):
            first = len(expected(case))
            for k in range(first, first + len(case.wrt)):
                a, b = ours[f"{name}:{number}:{k}"], theirs[f"{name}:{number}:{k}"]
                scale = max(1.0, np.abs(a[np.isfinite(a)]).max(initial=0))
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * scale, err_msg=str(case))


def unknown_batch(case: Case, i: int) -> tuple[int | None, ...]:
    """The shape of input `i` with an unknown first dim; random states and kernels have none."""
    shape = case.inputs[i].shape
    is_state = case.op in ("random", "dropout") and i == len(case.inputs) - 1
    is_kernel = case.op in ("conv2d", "conv2d_by_data") and i == 1
    return shape if is_state or is_kernel else (None, *shape[1:])


@pytest.mark.parametrize("name", NAMES)
def test_shapes_are_inferred_with_an_unknown_batch(name):
    """The traced shape may say None where the concrete one says a number, nothing else."""
    for case in cases(name):
        if not all(x.ndim for x in case.inputs) or case.op in ("reshape", "broadcast"):
            continue
        graph = _core.Graph()
        values = [
            graph.input(f"x{i}", str(x.dtype), unknown_batch(case, i))
            for i, x in enumerate(case.inputs)
        ]
        first = graph.add(case.op, values, dict(case.attrs))
        concrete = build(case, gradients=False)
        traced = [graph.shape(first + k) for k in range(graph.num_outputs(first))]
        for dims, result in zip(traced, evaluate(case, gradients=False), strict=True):
            assert len(dims) == result.ndim, f"{case}: {dims}"
            pairs = zip(dims, result.shape, strict=True)
            assert all(d is None or d == n for d, n in pairs), f"{case}: {dims}"
        assert str(concrete)


def test_output_weights_do_not_vanish():
    """The sum that gradients are taken of depends on every element."""
    case = next(case for case in cases("softmax") if case.inputs[0].size > 10)
    assert np.count_nonzero(output_weights(case)[0]) == case.inputs[0].size


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 21))
def test_forward_over_many_seeds(seed):
    for name, row in ROWS.items():
        for case in row(np.random.default_rng([seed, zlib.crc32(name.encode())])):
            results = evaluate(case, gradients=False)
            for got, want in zip(results, expected(case), strict=True):
                assert_matches(case, got, want)
