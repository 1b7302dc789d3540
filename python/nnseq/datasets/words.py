"""What IMDB and Reuters share: texts as lists of the ranks of their words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Texts = list[list[int]]


def moved(texts: Iterable[Any], start_char: int | None, index_from: int | None) -> Texts:
    """Ranks raised by `index_from`, after a mark of the beginning."""
    start = [] if start_char is None else [start_char]
    by = 0 if index_from is None else index_from
    return [start + [word + by for word in text] for text in texts]


def shorter_than(maxlen: int | None, texts: Texts, labels: Any) -> tuple[Texts, Any]:
    """The texts of fewer words than `maxlen`, with their labels."""
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    return [texts[i] for i in kept], [labels[i] for i in kept]


def limited(texts: Texts, num_words: int | None, skip_top: int, oov_char: int | None) -> Texts:
    """Words outside of the ranks [skip_top, num_words) replaced by `oov_char`, or left out."""
    end = num_words or max(max(text) for text in texts)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < end] for text in texts]
    return [[word if skip_top <= word < end else oov_char for word in text] for text in texts]


def ragged(texts: Texts) -> np.ndarray:
    """An array (N,) of lists, also where all are of one length."""
    return np.fromiter(texts, dtype=object, count=len(texts))
