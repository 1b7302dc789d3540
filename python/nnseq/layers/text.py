"""TextVectorization: texts as indices of their words, or as counts of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.layers.host_layer import HostLayer, as_array, as_strings, encoded_shape
from nnseq.layers.host_options import refuse_vocabulary_file
from nnseq.layers.lookups import StringLookup
from nnseq.layers.preprocessing import batches

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_STRIPPED = dict.fromkeys(map(ord, "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"))
# As in TensorFlow: only letters of ASCII have a lower case, only its blanks separate.
_TABLES = {
    "lower": _LOWER,
    "strip_punctuation": _STRIPPED,
    "lower_and_strip_punctuation": {**_LOWER, **_STRIPPED},
}
_WORD = re.compile(r"[^ \t\n\v\f\r]+")
_SPLITS: dict[str, Callable[[str], list[str]]] = {"whitespace": _WORD.findall, "character": list}


class TextVectorization(HostLayer):
    """Texts (N,) or (N, 1): standardized, split into tokens, joined to n-grams, looked up.

    Args:
        max_tokens: the largest size of a vocabulary that `adapt` makes.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a
            function of an array of strings.
        split: "whitespace", "character", None, or a function of an array of strings (N,) that
            gives a list of tokens for each.
        ngrams: n for the n-grams of 1 to n tokens, a tuple for those of these lengths.
        output_mode: "int": (N, T) indices, 0 behind the end; "multi_hot", "count" or "tf_idf":
            (N, vocabulary).
        output_sequence_length: T; by default that of the longest text of the batch.
        pad_to_max_tokens: whether the vocabulary counts as `max_tokens` long in the other modes.
        vocabulary, idf_weights: as in StringLookup; 0 is the mask, 1 an unknown token.
        encoding: of bytes.

    >>> layer = TextVectorization(vocabulary=["what", "a", "day"])
    >>> layer(["What a day!", "a night"]).tolist()
    [[2, 3, 4], [3, 1, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        options = {
            key: kwargs.pop(key)
            for key in ("vocabulary_size", "has_input_vocabulary")
            if key in kwargs
        }
        super().__init__(name=name, **kwargs)
        self.standardize = _known("standardize", standardize, _TABLES)
        self.split = _known("split", split, _SPLITS)
        self.ngrams = ngrams
        self.output_sequence_length = output_sequence_length
        self.ragged = ragged
        self.encoding = encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            **options,
        )
        self._widths = _widths(ngrams)
        length = output_sequence_length
        if length is not None and (type(length) is not int or self.output_mode != "int"):
            raise ValueError(
                "`output_sequence_length` must be None, or an integer when `output_mode` is 'int'. "
                f"Received: output_sequence_length={length!r} and output_mode={self.output_mode}"
            )
        if ragged:
            raise ValueError("`ragged=True` is not supported: there are no ragged Tensors")

    @property
    def output_mode(self) -> str:
        """What a text becomes."""
        return self._lookup_layer.output_mode

    @property
    def output_dtype(self) -> str:  # type: ignore[override]
        """The type of the result."""
        return self._lookup_layer.output_dtype

    # --- the vocabulary -------------------------------------------------------------------------
    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the vocabulary of the tokens in texts, the most frequent first.

        Args:
            data: an array or list of texts, or something that yields batches of them.
            batch_size: accepted; it changes nothing.
            steps: how many batches are read.
        """
        self.reset_state()
        for batch in batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets what was counted."""
        self._lookup_layer.reset_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch of texts."""
        x = as_array(data)
        rows = self._rows(x.reshape(-1, 1) if x.ndim < 2 else x)
        self._lookup_layer.count(rows)

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their indices; see StringLookup."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of tokens, with mask and oov token."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the tokens; see StringLookup."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # --- texts ----------------------------------------------------------------------------------
    def _rows(self, x: np.ndarray) -> list[list[str]]:
        """The tokens of each text of (N,) or (N, 1), or of each row if nothing is split."""
        texts = self._standardized(as_strings(x, self.encoding, self.name))
        if self.split is None:
            rows = texts.reshape(len(texts), -1).tolist()
        else:
            if texts.ndim > 1 and texts.shape[-1] != 1:
                raise ValueError(
                    f"Layer '{self.name}': to tokenize strings, the input rank must be 1 or the "
                    f"last shape dimension must be 1. Received: inputs.shape={x.shape}"
                )
            texts = texts.reshape(-1)
            if callable(self.split):
                split = self.split(texts.astype(str))
                rows = [[str(token) for token in row] for row in split]
            else:
                rows = list(map(_SPLITS[self.split], texts.tolist()))
        return rows if self._widths is None else [_joined(row, self._widths) for row in rows]

    def _standardized(self, texts: np.ndarray) -> np.ndarray:
        if self.standardize is None:
            return texts
        if callable(self.standardize):
            return as_strings(
                as_array(self.standardize(texts.astype(str))), self.encoding, self.name
            )
        table = _TABLES[self.standardize]
        changed = [text.translate(table) for text in texts.reshape(-1)]
        return np.fromiter(changed, object, len(changed)).reshape(texts.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = tuple(input_shape)
        if self.output_mode == "int":
            if self.split is None and len(shape) < 2:
                return shape
            fixed = self.output_sequence_length
            kept = shape[1] if self.split is None and self._widths is None else None
            return (shape[0], kept if fixed is None else fixed)
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape((*shape[:1], None), mode, self._lookup_layer.depth)

    def compute(self, x: np.ndarray) -> np.ndarray:
        if x.ndim == 0:
            return self.compute(x.reshape(1))[0]
        is_flat = self.split is None and x.ndim == 1 and self._widths is None
        rows = self._rows(x)
        found = self._lookup_layer.indices([token for row in rows for token in row])
        longest = max(map(len, rows), default=0)
        length = longest if self.output_sequence_length is None else self.output_sequence_length
        filled = np.full((len(rows), max(longest, length)), 0 if self.output_mode == "int" else -2)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        filled[np.arange(filled.shape[1]) < lengths[:, np.newaxis]] = found
        if self.output_mode == "int":
            return filled.reshape(-1)[: len(x)] if is_flat else filled[:, :length]
        return self._lookup_layer.encode(filled)

    # --- configuration --------------------------------------------------------------------------
    def get_config(self) -> dict[str, Any]:
        config = self._lookup_layer.get_config()
        kept = ("max_tokens", "output_mode", "pad_to_max_tokens", "sparse", "vocabulary",
                "idf_weights", "vocabulary_size", "has_input_vocabulary")  # fmt: skip
        return {
            **super().get_config(),
            **{key: config[key] for key in kept if key in config},
            "standardize": _serialized(self.standardize),
            "split": _serialized(self.split),
            "ngrams": self.ngrams,
            "output_sequence_length": self.output_sequence_length,
            "ragged": self.ragged,
            "encoding": self.encoding,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        for key in ("standardize", "split"):
            if isinstance(config.get(key), dict):
                config[key] = deserialize_keras_object(config[key])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        refuse_vocabulary_file(config)
        return cls(**config)

    def save_own_variables(self, store: Any) -> None:
        """Writes the weights of "tf_idf", as Keras does."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote."""
        self._lookup_layer.load_own_variables(store)

    def load_vocabulary(self, text: str) -> None:
        """Sets the tokens of the file that Keras keeps in the assets of a model."""
        self._lookup_layer.load_vocabulary(text)


def _known(name: str, value: Any, known: Any) -> Any:
    if value is not None and not callable(value) and value not in known:
        raise ValueError(
            f"`{name}` must be one of {tuple(known)}, None or a function. Received: {value!r}"
        )
    return value


def _serialized(value: Any) -> Any:
    return serialize_keras_object(value) if callable(value) else value


def _widths(ngrams: Any) -> tuple[int, ...] | None:
    if ngrams is None:
        return None
    if isinstance(ngrams, int):
        return tuple(range(1, ngrams + 1))
    if isinstance(ngrams, tuple) and all(isinstance(n, int) for n in ngrams):
        return ngrams
    raise ValueError(
        f"`ngrams` must be None, an integer, or a tuple of integers. Received: ngrams={ngrams}"
    )


def _joined(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The n-grams of a row of tokens, of one width after the other."""
    return [" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)]
