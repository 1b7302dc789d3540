"""StringLookup, IntegerLookup and Hashing: words and numbers as indices."""

from typing import Any

import numpy as np

from nnseq.layers.host_layer import HostLayer, as_strings, encoded, encoded_shape
from nnseq.layers.host_options import MODES, checked_mode, hashed, pair_of
from nnseq.layers.index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """The index of each string in a vocabulary.

    Args:
        max_tokens: the largest size of a vocabulary that `adapt` makes.
        num_oov_indices: how many indices stand for strings that are not in the vocabulary; with
            several a hash chooses one, with 0 such strings are an error.
        mask_token: the string of index 0; except with "int" it counts nowhere.
        oov_token: stands for unknown strings in `get_vocabulary()` and with `invert`.
        vocabulary: strings in order of their indices, or the path of a file with one in each line.
        idf_weights: a weight for each of them, for "tf_idf".
        invert: whether indices become strings instead.
        output_mode: "int"; "one_hot" (on a new axis); "multi_hot", "count" or "tf_idf" (count
            times weight) of each row.
        pad_to_max_tokens: whether the last axis is of size `max_tokens` for any vocabulary.
        encoding: of bytes.
        salt: two integers, or one, that choose another hash.

    >>> StringLookup(vocabulary=["a", "b"])([["b", "c"]]).tolist()
    [[2, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, salt=salt, name=name,
            **kwargs,
        )  # fmt: skip

    def tokens_of(self, x: np.ndarray) -> np.ndarray:
        return as_strings(x, self.encoding, self.name)

    def as_bytes(self, token: str) -> bytes:
        return token.encode()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding}


class IntegerLookup(IndexLookup):
    """The index of each integer in a vocabulary; the arguments are those of StringLookup.

    Args:
        oov_method: how one of several oov indices is chosen: "floormod", or "farmhash", which
            takes a `salt`.

    >>> IntegerLookup(vocabulary=[12, 36])([[36, 7]]).tolist()
    [[2, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(
                "Only `vocabulary_dtype='int64'` is supported at this time. Received: "
                f"vocabulary_dtype={vocabulary_dtype}"
            )
        if salt is not None and oov_method != "farmhash":
            raise ValueError(
                "`salt` can only be used when `oov_method='farmhash'`. "
                f"Received: oov_method={oov_method}"
            )
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, oov_method, salt, name, **kwargs,
        )  # fmt: skip

    def tokens_of(self, x: np.ndarray) -> np.ndarray:
        if x.dtype.kind == "O":  # the lines of a file
            x = x.astype(str)
        if x.dtype.kind not in "biufU" and x.size:
            raise TypeError(f"Layer '{self.name}' takes integers; got an array of {x.dtype}")
        try:
            return x.astype(np.int64)
        except ValueError as error:
            raise TypeError(f"Layer '{self.name}' takes integers: {error}") from None

    def as_bytes(self, token: int) -> bytes:
        return str(token).encode()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_dtype": "int64"}


class Hashing(HostLayer):
    """The bin of each string or integer, by a hash: no vocabulary, and two may share a bin.

    Args:
        num_bins: the number of bins.
        mask_value: what gets bin 0, which then nothing else gets.
        salt: two integers, or one, that choose another hash (SipHash instead of FarmHash).
        output_mode: "int", "one_hot", "multi_hot" or "count", as in StringLookup.
        dtype: "int64" or "int32" for "int".

    >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).reshape(-1).tolist()
    [1, 0, 1, 1, 2]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        mode = checked_mode(output_mode, MODES)
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if mode == "int" else "float32"
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                "The `num_bins` for `Hashing` cannot be `None` or non-positive values. "
                f"Received: num_bins={num_bins}."
            )
        if mode == "int" and self.dtype not in ("int32", "int64"):
            raise ValueError(
                'When `output_mode="int"`, `dtype` should be an integer type, "int32" or "int64". '
                f"Received: dtype={self.dtype}"
            )
        if sparse:
            raise ValueError("`sparse=True` is not supported: there are no sparse Tensors")
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.salt = pair_of("Hashing", salt)
        self.output_mode = mode
        self.sparse = sparse

    @property
    def output_dtype(self) -> str:  # type: ignore[override]
        """The type of the result."""
        return self.dtype

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def compute(self, x: np.ndarray) -> np.ndarray:
        values = x.astype(np.int64) if x.dtype.kind == "f" else x
        values = as_strings(values, "utf-8", self.name) if x.dtype.kind == "O" else values
        flat, places = np.unique(values.reshape(-1), return_inverse=True)
        first = 0 if self.mask_value is None or self.num_bins == 1 else 1
        bins = [
            0 if first and value == self.mask_value
            else first + hashed(str(value).encode(), self.num_bins - first, self.salt)
            for value in flat.tolist()
        ]  # fmt: skip
        indices = np.array(bins, np.int64)[places].reshape(x.shape)
        return encoded(indices, self.output_mode, self.num_bins).astype(self.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }
