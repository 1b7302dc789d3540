"""Where the data sets are, the hashes of their files, and how files are read without running code.

Hashes are those of Keras 3.15; a file that has another one is refused.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np

from nnseq.utils.files import get_file

_STORE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"

# name in the cache -> (URL, hash)
FILES: dict[str, tuple[str, str | None]] = {
    "mnist.npz": (
        _STORE + "mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    ),
    "imdb.npz": (
        _STORE + "imdb.npz",
        "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    ),
    "imdb_word_index.json": (
        _STORE + "imdb_word_index.json",
        "bfafd718b763782e994055a2d397834f",
    ),
    "reuters.npz": (
        _STORE + "reuters.npz",
        "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    ),
    "reuters_word_index.json": (
        _STORE + "reuters_word_index.json",
        "4d44cc38712099c9e383dc6e5f11a921",
    ),
    "boston_housing.npz": (
        _STORE + "boston_housing.npz",
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    ),
    "california_housing.npz": (
        _STORE + "california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
    "cifar-10-batches-py-target": (
        _CIFAR + "cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    "cifar-100-python-target": (
        _CIFAR + "cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
    "train-labels-idx1-ubyte.gz": (_STORE + "train-labels-idx1-ubyte.gz", None),
    "train-images-idx3-ubyte.gz": (_STORE + "train-images-idx3-ubyte.gz", None),
    "t10k-labels-idx1-ubyte.gz": (_STORE + "t10k-labels-idx1-ubyte.gz", None),
    "t10k-images-idx3-ubyte.gz": (_STORE + "t10k-images-idx3-ubyte.gz", None),
}


def fetch(name: str, path: Any = None, **options: Any) -> str:
    """The path of a file of `FILES` in the cache, there under the name `path`."""
    origin, file_hash = FILES[name]
    return get_file(path or name, origin=origin, file_hash=file_hash, **options)


def read_json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


_NAMES_IN_PICKLES: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of arrays and plain Python values, and refuses every other class."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES_IN_PICKLES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the file wants to run {module}.{name}, which arrays do not need; it is damaged "
                "or malicious"
            ) from None


def read_npz(path: str) -> dict[str, np.ndarray]:
    """The arrays of an npz file. Numbers are read without pickle; sequences of different lengths,
    which NumPy can only store with it, by a reader that knows arrays and nothing else.
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                arrays[name.removesuffix(".npy")] = _read_npy(archive.read(name))
    return arrays


def _read_npy(data: bytes) -> np.ndarray:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    one = version == (1, 0)
    read = np.lib.format.read_array_header_1_0 if one else np.lib.format.read_array_header_2_0
    dtype = read(file)[2]
    if dtype.hasobject:
        return ArrayUnpickler(file).load()
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
