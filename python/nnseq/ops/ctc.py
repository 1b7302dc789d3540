"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.engine import control
from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import as_float, as_type
from nnseq.ops.creation import arange, full
from nnseq.ops.elementwise import binary, equal, where
from nnseq.ops.indexing import one_hot, take_along_axis
from nnseq.ops.layout import (
    concatenate,
    expand_dims,
    pad,
    reshape,
    stack,
    take_slice,
    transpose,
)
from nnseq.ops.linear import matmul
from nnseq.ops.reduction import argmax, logsumexp
from nnseq.ops.reduction import max as max_of
from nnseq.ops.reduction import sum as sum_of
from nnseq.ops.sorting import argsort

_RARE = -1e5  # the logarithm of what cannot happen, as Keras has it
_NEVER = -1e30


@operation
def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """-log of the probability that the frames of `output`, with repetitions joined and blanks
    left out, read `target` (Graves et al., 2006); summed over all alignments by a scan.

    Args:
        target: classes (N, L), padded at the end.
        output: logits (N, T, C).
        target_length, output_length: how many of the L classes and T frames count, (N,).
        mask_index: the class that is the blank.

    Returns:
        (N,).

    >>> ctc_loss([[1]], [[[0.0, 0.0], [0.0, 0.0]]], [1], [2]).numpy().round(4)  # -log(3/4)
    array([0.2877], dtype=float32)
    """
    labels, logits = as_type(target, "int32"), as_float(output)
    if len(labels.shape) != 2 or len(logits.shape) != 3 or labels.shape[1] is None:
        raise ValueError(
            "ctc_loss: expected targets (N, L) and logits (N, T, C); got "
            f"{tuple(labels.shape)} and {tuple(logits.shape)}"
        )
    rows, length = dims_of(labels)
    frames, classes = dims_of(logits)[1:]
    # The states of an alignment: blank, label 1, blank, label 2, ..., blank.
    count = 2 * length + 1
    blanks = full((rows, length), mask_index, "int32")
    between = reshape(stack([blanks, labels], axis=2), (rows, 2 * length))
    states = concatenate([between, full((rows, 1), mask_index, "int32")], axis=1)
    chosen = one_hot(states, classes, dtype=logits.dtype)  # (N, S, C)
    scores = matmul(apply("log_softmax", [logits]), transpose(chosen, (0, 2, 1)))  # (N, T, S)
    # From one label to the next without a blank, unless they are equal.
    differ = binary("not_equal", states[:, 2:], states[:, :-2])
    is_label = to_tensor(np.arange(2, count) % 2 == 1)
    jump = where(apply("binary", [differ, is_label], {"fn": "logical_and"}), 0.0, _RARE)
    jump = concatenate([full((rows, 2), _RARE), jump], axis=1)
    given = as_type(output_length, "int32")

    def step(alpha: Tensor, frame: tuple[Tensor, Tensor]) -> tuple[Tensor, None]:
        score, time = frame
        rare = full((rows, 2), _RARE, alpha.dtype)
        padded = concatenate([rare, alpha], axis=1)
        jumped = binary("add", padded[:, :-2], jump)
        found = binary("add", score, logsumexp(stack([alpha, padded[:, 1:-1], jumped]), 0))
        return where(expand_dims(binary("less", time, given), 1), found, alpha), None

    start = to_tensor(np.array([[0.0] + [_RARE] * (count - 1)], np.float32))
    begin = apply("broadcast", [as_type(start, logits.dtype)], {"sizes": [rows, count]})
    by_frame = transpose(scores, (1, 0, 2))
    alpha, _ = control.scan(step, begin, (by_frame, arange(frames, dtype="int32")))
    # Ends: the last label or the blank after it.
    end = binary("multiply", expand_dims(as_type(target_length, "int32"), 1), 2)
    distance = binary("subtract", end, to_tensor(np.arange(count, dtype=np.int32)))
    is_end = binary("less_equal", apply("unary", [distance], {"fn": "abs"}), 1)
    is_end = apply("binary", [is_end, binary("greater_equal", distance, 0)], {"fn": "logical_and"})
    return apply("unary", [logsumexp(where(is_end, alpha, _NEVER), 1)], {"fn": "negative"})


@operation
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Tensor, Tensor]:
    """The classes that the frames of `inputs` read one by one, repetitions joined and blanks left
    out.

    Args:
        inputs: logits (N, T, C).
        sequence_lengths: how many of the T frames count, (N,).
        strategy: "greedy".
        beam_width, top_paths: of a search that is not available.
        merge_repeated: whether a class that follows itself counts once.
        mask_index: the class that is the blank, None for the last.

    Returns:
        The classes (1, N, T), filled up with -1, and minus the sums of the largest logits (N, 1).

    Raises:
        NotImplementedError: for strategy="beam_search".
    """
    if strategy == "beam_search":
        raise NotImplementedError(
            "ctc_decode: strategy='beam_search' is not available; use 'greedy'"
        )
    if strategy != "greedy":
        raise ValueError(
            f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'."
        )
    x = as_float(inputs)
    steps = dims_of(x)[1]
    blank = dims_of(x)[2] - 1 if mask_index is None else mask_index
    counts = arange(steps) < expand_dims(to_tensor(sequence_lengths), -1)
    found = where(counts, argmax(x, -1), blank)
    scores = expand_dims(-sum_of(where(counts, max_of(x, -1), 0.0), -1), -1)
    if merge_repeated:
        same = equal(take_slice(found, 1, 1, steps - 1), take_slice(found, 1, 0, steps - 1))
        found = where(pad(same, [[0, 0], [1, 0]]), blank, found)
    is_blank = equal(found, blank)
    order = argsort(as_type(is_blank, "int32"), -1)  # stable: the others keep theirs
    return expand_dims(take_along_axis(where(is_blank, -1, found), order, -1), 0), scores
