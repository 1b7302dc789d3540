"""Arguments that several layers of categories have."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnseq.utils.hashing import fingerprint64, siphash

MODES = ("int", "one_hot", "multi_hot", "count")


def checked_mode(mode: Any, known: tuple[str, ...]) -> str:
    """An output mode; "binary" and "tf-idf" are the old names of two.

    Raises:
        ValueError: for one that is not known.
    """
    mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode)
    if mode not in known:
        raise ValueError(f"`output_mode` must be one of {known}. Received: output_mode={mode!r}")
    return mode


def pair_of(layer: str, salt: Any) -> list[int] | None:
    """A salt as two integers."""
    if salt is None:
        return None
    if isinstance(salt, int):
        return [salt, salt]
    if not isinstance(salt, list | tuple) or len(salt) != 2:
        raise ValueError(
            f"The `salt` argument for `{layer}` can only be a tuple of size 2 integers, or a "
            f"single integer. Received: salt={salt}."
        )
    return list(salt)


def hashed(data: bytes, bins: int, salt: list[int] | None) -> int:
    """The bin of bytes, the same as TensorFlow's."""
    value = fingerprint64(data) if salt is None else siphash(data, (salt[0], salt[1]))
    return value % bins


def as_list(value: Any) -> Any:
    """Arrays and sequences as lists, which JSON knows."""
    return None if value is None else np.asarray(value).tolist()


def refuse_vocabulary_file(config: dict[str, Any]) -> None:
    """Raises for a configuration that names a file outside of the archive it stands in."""
    if isinstance(config.get("vocabulary"), str):
        raise ValueError(
            "Requested the loading of a vocabulary file outside of the model archive, which is "
            f"refused. Vocabulary file: '{config['vocabulary']}'"
        )
