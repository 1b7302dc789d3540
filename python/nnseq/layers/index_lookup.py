"""IndexLookup: what StringLookup and IntegerLookup share, a vocabulary and what is not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nnseq.layers.host_layer import HostLayer, encoded, encoded_shape
from nnseq.layers.host_options import (
    MODES,
    as_list,
    checked_mode,
    hashed,
    pair_of,
    refuse_vocabulary_file,
)
from nnseq.layers.preprocessing import batches

_DROPPED = -2  # the index of a mask token where it counts nowhere


class IndexLookup(HostLayer):
    """The base of lookup layers. A subclass says how tokens are read: `tokens_of`, `as_bytes`."""

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        vocabulary_size: int | None = None,
        has_input_vocabulary: bool | None = None,
        vocabulary_dtype: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ValueError(f"Unrecognized keyword argument(s): {kwargs}")
        super().__init__(name=name, trainable=trainable)
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.invert = invert
        self.output_mode = checked_mode(output_mode, (*MODES, "tf_idf"))
        self.sparse = sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        self.oov_method = oov_method
        self.salt = pair_of(type(self).__name__, salt)
        self.input_vocabulary = None if isinstance(vocabulary, str) else vocabulary
        self.input_idf_weights = idf_weights
        self.idf_weights: Any = None
        self._check(idf_weights)
        given = vocabulary is not None
        self._is_static = given if has_input_vocabulary is None else has_input_vocabulary
        if given and self.output_mode == "tf_idf" and idf_weights is None:
            raise ValueError(
                "When specifying the `vocabulary` argument, in TF-IDF output mode, the "
                "`idf_weights` argument must also be provided."
            )
        self._tokens: list[Any] = []
        self._index: dict[Any, int] = {}
        self._frozen_size = vocabulary_size
        self.reset_state()
        if given:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check(self, idf_weights: Any) -> None:
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise ValueError(
                "If set, `max_tokens` must be greater than 1. "
                f"Received: max_tokens={self.max_tokens}"
            )
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(
                "If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens=None"
            )
        if self.num_oov_indices < 0:
            raise ValueError(
                "`num_oov_indices` must be greater than or equal to 0. "
                f"Received: num_oov_indices={self.num_oov_indices}"
            )
        if self.oov_method not in ("floormod", "farmhash"):
            raise ValueError(
                "`oov_method` must be 'floormod' or 'farmhash'. "
                f"Received: oov_method={self.oov_method}"
            )
        if self.invert and self.output_mode != "int":
            raise ValueError(
                "`output_mode` must be `'int'` when `invert` is true. "
                f"Received: output_mode={self.output_mode}"
            )
        if self.sparse:
            raise ValueError("`sparse=True` is not supported: there are no sparse Tensors")
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                "`idf_weights` should only be set if `output_mode` is `'tf_idf'`. "
                f"Received: idf_weights={idf_weights} and output_mode={self.output_mode}"
            )

    # --- to be defined by subclasses ------------------------------------------------------------
    def tokens_of(self, x: np.ndarray) -> np.ndarray:
        """The tokens in an array, as keys of the vocabulary."""
        raise NotImplementedError

    def as_bytes(self, token: Any) -> bytes:
        """What is hashed of a token."""
        raise NotImplementedError

    # --- the vocabulary -------------------------------------------------------------------------
    @property
    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def vocabulary_size(self) -> int:
        """The number of tokens, with mask and oov tokens."""
        return self._token_start + len(self._tokens)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices.

        Args:
            include_special_tokens: whether mask and oov tokens come first, so that the place of a
                token is its index.
        """
        special = [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices
        return [*special, *self._tokens] if include_special_tokens else list(self._tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the tokens.

        Args:
            vocabulary: tokens, with or without the special ones in front, or the path of a file
                with a token in each line.
            idf_weights: a weight for each, needed for "tf_idf".

        Raises:
            ValueError: for repeated tokens, too many of them, and special ones elsewhere.
        """
        is_weighted = self.output_mode == "tf_idf"
        if is_weighted != (idf_weights is not None):
            raise ValueError(
                "`idf_weights` must be set if output_mode is 'tf_idf', and only then. Received: "
                f"output_mode={self.output_mode} and idf_weights={idf_weights}"
            )
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = file.read().splitlines()
        given = self.tokens_of(np.asarray(vocabulary)).tolist()
        special = self.get_vocabulary()[: self._token_start]
        has_special = given[: self._token_start] == special
        tokens = given[self._token_start :] if has_special else given
        self._check_tokens(given, tokens, special)
        self._set_tokens(tokens)
        if is_weighted:
            weights = np.asarray(idf_weights, np.float32)
            if weights.shape != (len(given),):
                raise ValueError(
                    "`idf_weights` must be the same length as vocabulary. "
                    f"Its shape is {weights.shape}; len(vocabulary) is {len(given)}"
                )
            self._set_weights(weights, 0 if has_special else self._token_start)

    def _check_tokens(self, given: list[Any], tokens: list[Any], special: list[Any]) -> None:
        if not given:
            raise ValueError(f"Cannot set an empty vocabulary. Received: vocabulary={given}")
        repeated = [token for token, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ValueError(
                "The passed vocabulary has at least one repeated term. Please uniquify your "
                f"dataset. The repeated terms are: {repeated}"
            )
        reserved = [("mask", self.mask_token), *([("OOV", self.oov_token)] if self.invert else [])]
        for what, token in reserved:
            if token is not None and token in tokens:
                raise ValueError(
                    f"Found reserved {what} token at unexpected location in `vocabulary`. Either "
                    "remove all mask and OOV tokens, or include them only at the start of the "
                    f"vocabulary in precisely this order: {special}. Received: {what.lower()}_token"
                    f"={token} at vocabulary index {given.index(token)}"
                )
        size = self._token_start + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Received "
                f"vocabulary size is {size}; `max_tokens` is {self.max_tokens}."
            )

    def _set_tokens(self, tokens: list[Any]) -> None:
        size = self._token_start + len(tokens)
        is_open = self.output_mode == "int" or self.pad_to_max_tokens
        if not is_open and self._frozen_size not in (None, size):
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the "
                "vocabulary size cannot be changed after the layer is called. Old vocab size is "
                f"{self._frozen_size}, new vocab size is {size}"
            )
        self._frozen_size = size
        self._tokens = tokens
        self._index = {token: self._token_start + i for i, token in enumerate(tokens)}

    def _set_weights(self, weights: np.ndarray, in_front: int) -> None:
        """Weights, with their mean for special tokens in front and 0 for those to come."""
        behind = 0
        if self.pad_to_max_tokens and self.max_tokens is not None:
            behind = self.max_tokens - in_front - len(weights)
        mean = np.full(in_front, weights.mean(dtype=np.float32), np.float32)
        self.idf_weights = np.concatenate([mean, weights, np.zeros(behind, np.float32)])

    # --- adapting -------------------------------------------------------------------------------
    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes the vocabulary of the tokens in data, the most frequent first.

        Args:
            data: an array or list, of which each entry of the first axis is a document, or
                something that yields such batches.
            steps: how many batches are read.
        """
        self.reset_state()
        for batch in batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets what was counted."""
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._num_documents = 0

    def update_state(self, data: Any) -> None:
        """Counts the tokens of one batch."""
        x = np.asarray(data)
        x = x.reshape(-1, 1) if x.ndim < 2 else x.reshape(len(x), -1)
        self.count(row.tolist() for row in self.tokens_of(x))

    def count(self, documents: Iterable[Sequence[Any]]) -> None:
        """Counts the tokens of documents."""
        if self._is_static:
            raise ValueError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via "
                "`vocabulary` argument or `set_vocabulary()` method."
            )
        for document in documents:
            self._counts.update(document)
            if self.output_mode == "tf_idf":
                self._documents.update(set(document))
                self._num_documents += 1

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted."""
        for token in (self.mask_token, self.oov_token):
            self._counts.pop(token, None)
        if not self._counts:
            raise ValueError(f"Layer '{self.name}': adapt() found no tokens in the data")
        by_count = sorted(self._counts, key=lambda t: (self._counts[t], t), reverse=True)
        most = None if self.max_tokens is None else self.max_tokens - self._token_start
        tokens = by_count[:most]
        self._set_tokens(tokens)
        if self.output_mode == "tf_idf":
            found = np.array([self._documents[token] for token in tokens])
            weights = np.log(1 + self._num_documents / (1 + found)).astype(np.float32)
            self._set_weights(weights, self._token_start)
        self.reset_state()

    # --- looking up -----------------------------------------------------------------------------
    @property
    def depth(self) -> int | None:
        """The size of the last axis, except with "int"."""
        return self.max_tokens if self.pad_to_max_tokens else self._frozen_size

    @property
    def output_dtype(self) -> str:  # type: ignore[override]
        """The type of the result."""
        return "int64" if self.output_mode == "int" else "float32"

    def compute_output_shape(self, input_shape: Any) -> Any:
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape(input_shape, mode, self.depth)

    def compute(self, x: np.ndarray) -> np.ndarray:
        if self.invert:
            return self._inverted(x)
        tokens = self.tokens_of(x)
        flat = self.indices(tokens.reshape(-1).tolist())
        return self.encode(flat.reshape(tokens.shape))

    def _inverted(self, x: np.ndarray) -> np.ndarray:
        vocabulary = self.get_vocabulary()
        size = len(vocabulary)
        found = [vocabulary[i] if 0 <= i < size else self.oov_token for i in x.reshape(-1).tolist()]
        is_text = any(isinstance(token, str) for token in found)
        return np.array(found, None if is_text else np.int64).reshape(x.shape)

    def indices(self, tokens: Sequence[Any]) -> np.ndarray:
        """The int64 indices of tokens; those to leave out are negative."""
        get = self._index.get
        found = np.fromiter((get(token, -1) for token in tokens), np.int64, len(tokens))
        unknown = found == -1
        if self.mask_token is not None and unknown.any():
            masked = np.fromiter((token == self.mask_token for token in tokens), bool, len(tokens))
            found[masked] = 0 if self.output_mode == "int" else _DROPPED
            unknown &= ~masked
        if unknown.any():
            found[unknown] = self._oov([tokens[i] for i in np.flatnonzero(unknown).tolist()])
        return found

    def _oov(self, tokens: list[Any]) -> Any:
        if self.num_oov_indices == 0:
            raise ValueError(
                f"Layer '{self.name}': when `num_oov_indices=0` all inputs should be in "
                f"vocabulary, found OOV values {tokens[:5]}, consider setting `num_oov_indices=1`."
            )
        if self.num_oov_indices == 1:
            return self._oov_start
        return [self._oov_start + self._bin(token) for token in tokens]

    def _bin(self, token: Any) -> int:
        if isinstance(token, int) and self.oov_method == "floormod":
            return token % self.num_oov_indices
        return hashed(self.as_bytes(token), self.num_oov_indices, self.salt)

    def encode(self, indices: np.ndarray) -> np.ndarray:
        """Indices in the output mode."""
        if self.output_mode == "int":
            return indices
        if self.depth is None:
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you "
                "must set the layer's vocabulary before calling it. Either pass a `vocabulary` "
                "argument to the layer, or call `adapt` with some sample data."
            )
        if self.output_mode != "tf_idf":
            return encoded(indices, self.output_mode, self.depth)
        if self.idf_weights is None:
            raise ValueError("When `output_mode` is `'tf_idf'`, `idf_weights` must be provided.")
        return encoded(indices, "count", self.depth) * self.idf_weights

    # --- configuration and files ----------------------------------------------------------------
    def get_config(self) -> dict[str, Any]:
        """With the vocabulary and its weights, also where `adapt` made them."""
        given = self.input_vocabulary
        is_adapted = given is None and bool(self._tokens)
        config = {
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "idf_weights": as_list(self.idf_weights if is_adapted else self.input_idf_weights),
            "vocabulary": self.get_vocabulary() if is_adapted else as_list(given),
            "vocabulary_size": self._frozen_size,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }
        if is_adapted:
            config["has_input_vocabulary"] = self._is_static
            if config["idf_weights"] is not None:  # without those that only fill up
                config["idf_weights"] = config["idf_weights"][: self.vocabulary_size()]
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        refuse_vocabulary_file(config)
        return cls(**config)

    def save_own_variables(self, store: Any) -> None:
        """Writes the weights of "tf_idf", as Keras does."""
        if self.output_mode == "tf_idf" and self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote."""
        if self.output_mode == "tf_idf" and "idf_weights" in store:
            self.idf_weights = np.asarray(store["idf_weights"], np.float32)

    def load_vocabulary(self, text: str) -> None:
        """Sets the tokens of the file that Keras keeps in the assets of a model."""
        if self.input_vocabulary is None:
            lines = text.splitlines()
            while lines and not lines[-1]:
                lines.pop()
            weights = self.idf_weights
            self.set_vocabulary(lines, None if weights is None else weights[: len(lines)])
