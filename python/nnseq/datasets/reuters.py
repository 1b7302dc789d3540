"""Reuters: news in 46 topics."""

from typing import Any

import numpy as np

from nnseq.datasets.origins import fetch, read_json, read_npz
from nnseq.datasets.shuffled import shuffled_together
from nnseq.datasets.words import limited, moved, ragged, shorter_than

_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Any:
    """11,228 news; the arguments are those of `imdb.load_data`.

    Args:
        test_split: the part to test with, the last rows of the shuffled ones.

    Returns:
        (x_train, y_train), (x_test, y_test): arrays (N,) of lists of ints; int64 topics (N,).
    """
    arrays = read_npz(fetch("reuters.npz", path))
    random = np.random.RandomState(seed)
    texts, labels = shuffled_together(random, arrays["x"], arrays["y"])
    texts, labels = shorter_than(maxlen, moved(texts, start_char, index_from), labels)
    texts, labels = limited(texts, num_words, skip_top, oov_char), np.asarray(labels)
    at = int(len(texts) * (1 - test_split))
    return (ragged(texts[:at]), labels[:at]), (ragged(texts[at:]), labels[at:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The rank of each word; in `load_data()` it is raised by `index_from`."""
    return read_json(fetch("reuters_word_index.json", path))


def get_label_names() -> tuple[str, ...]:
    """The names of the 46 topics."""
    return tuple(_TOPICS.split())
