"""Sequences of different lengths as one array."""

from __future__ import annotations

from typing import Any

import numpy as np


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences (T_i, ...) cut and filled to one length: (N, maxlen, ...).

    Args:
        sequences: a list of sequences; their entries have one shape.
        maxlen: by default that of the longest.
        dtype: of the result; `object` for strings of any length.
        padding: whether short ones are filled up in front ("pre") or behind ("post").
        truncating: whether long ones lose their beginning ("pre") or their end ("post").
        value: what they are filled up with.

    Raises:
        ValueError: what is no list of sequences; entries of different shapes.

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
    [[0, 1], [2, 3], [5, 6]]
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    lengths = [_length(sequence) for sequence in sequences]
    first = next((s for s, n in zip(sequences, lengths, strict=True) if n), ())
    shape = np.asarray(first).shape[1:]
    if maxlen is None:
        if not lengths:
            raise ValueError("`sequences` is empty: there is no longest one; give `maxlen`")
        maxlen = max(lengths)
    is_text = any(np.issubdtype(dtype, kind) for kind in (np.str_, np.bytes_))
    if isinstance(value, str) and dtype is not object and not is_text:
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}. You should set "
            "`dtype=object` for variable length strings."
        )
    result = np.full((len(lengths), maxlen, *shape), value, dtype=dtype)
    if not any(lengths):
        return result
    for name, given in (("Truncating", truncating), ("Padding", padding)):
        if given not in ("pre", "post"):
            raise ValueError(f'{name} type "{given}" not understood')
    for row, sequence in enumerate(sequences):
        if not lengths[row]:
            continue
        kept = sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen]
        kept = np.asarray(kept, dtype=dtype)
        if kept.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {kept.shape[1:]} of sequence at position {row} is different "
                f"from expected shape {shape}"
            )
        begin = 0 if padding == "post" else maxlen - len(kept)
        result[row, begin : begin + len(kept)] = kept
    return result


def _length(sequence: Any) -> int:
    try:
        return len(sequence)
    except TypeError:
        raise ValueError(
            f"`sequences` must be a list of iterables. Found non-iterable: {sequence}"
        ) from None
