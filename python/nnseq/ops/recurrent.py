"""Whole sequences through a SimpleRNN, LSTM or GRU in one operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnseq.engine.dispatch import apply, to_tensor
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type


def recurrent(
    cell: str,
    projected: Any,
    kernel: Any,
    states: Sequence[Any],
    bias: Any = None,
    mask: Any = None,
    zero_output: bool = False,
    reverse: bool = False,
) -> tuple[Tensor, list[Tensor]]:
    """Runs a cell with tanh, and sigmoid for its gates, over all steps.

    Args:
        cell: "simple", "lstm" (gates i, f, c, o) or "gru" (z, r, h; reset after the product).
        projected: the input times its kernel plus bias, (N, T, gates * units).
        kernel: of the state, (units, gates * units).
        states: the first h, and c of an LSTM, (N, units).
        bias: of the product of state and kernel, (gates * units,); GRU only, and needed there.
        mask: bool (N, T); where it is False the states and the output stay as they were.
        zero_output: the output is 0 where the mask is False.
        reverse: from the last step to the first; outputs stand at their steps.

    Returns:
        The outputs (N, T, units), 0 before the first step that counts, and the last states.
    """
    operands = [as_float(projected), to_tensor(kernel)]
    operands += [to_tensor(bias)] if bias is not None else []
    operands += [as_float(x) for x in states]
    operands += [as_type(mask, "bool")] if mask is not None else []
    attrs = {
        "cell": cell,
        "masked": mask is not None,
        "zero_output": zero_output,
        "reverse": reverse,
    }
    count = 1 + len(states)
    kept = 2 if cell == "simple" else 3
    outputs = apply("recurrent", operands, attrs, count + kept)
    return outputs[0], list(outputs[1:count])
