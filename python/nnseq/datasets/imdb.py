"""IMDB: reviews of films, good or bad."""

from typing import Any

import numpy as np

from nnseq.datasets.origins import fetch, read_json, read_npz
from nnseq.datasets.shuffled import shuffled_together
from nnseq.datasets.words import limited, moved, ragged, shorter_than


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> Any:
    """25,000 reviews to train with and as many to test with.

    Args:
        num_words: words of this rank and above (counted after `index_from`) become `oov_char`.
        skip_top: words of ranks below this one too.
        maxlen: reviews of so many words and more are left out.
        seed: of the order of the reviews.
        start_char: how a review begins; None for no mark.
        oov_char: what left out words become; None to shorten the review.
        index_from: what is added to ranks, so that 0, 1 and 2 are free.

    Returns:
        (x_train, y_train), (x_test, y_test): arrays (N,) of lists of ints; int64 (N,), 1 is good.
    """
    arrays = read_npz(fetch("imdb.npz", path))
    random = np.random.RandomState(seed)
    texts, labels = [], []
    for part in ("train", "test"):
        x, y = shuffled_together(random, arrays[f"x_{part}"], arrays[f"y_{part}"])
        x, y = shorter_than(maxlen, moved(x, start_char, index_from), y)
        if not x:
            raise ValueError(
                f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was "
                "kept. Increase maxlen."
            )
        texts.append(x)
        labels.append(np.asarray(y))
    at = len(texts[0])
    words = limited(texts[0] + texts[1], num_words, skip_top, oov_char)
    return (ragged(words[:at]), labels[0]), (ragged(words[at:]), labels[1])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The rank of each word; in `load_data()` it is raised by `index_from`."""
    return read_json(fetch("imdb_word_index.json", path))
