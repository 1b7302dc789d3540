"""The weights of a model in HDF5, laid out as in Keras' `.weights.h5`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnseq.layers.layer import Layer
from nnseq.saving.checksum import reserve, seal
from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.h5_checks import Contents, numbers
from nnseq.saving.state_tree import walk


def write_state(file: Any, root: Any, is_sealed: bool = False) -> None:
    """Writes the state of a model into a file object that can be read and written.

    is_sealed: with a checksum, for a file of its own.
    """
    with new_h5(file, is_sealed) as h5:
        for path, part in walk(root):
            group = h5.create_group(f"{path}/vars" if path else "vars")
            if isinstance(getattr(part, "name", None), str):
                group.attrs["name"] = part.name
            part.save_own_variables(_Writer(group))


@contextmanager
def new_h5(file: Any, is_sealed: bool) -> Iterator[Any]:
    """The h5py.File to write into a file object; afterwards all is in it.

    Raises:
        OSError: of the file object, which libhdf5 does not hand on.
    """
    import h5py

    sink = _Sink(file)
    try:
        with h5py.File(sink, "w") as h5:
            if is_sealed:
                reserve(h5)
            yield h5
    except Exception:
        if sink.error is not None:
            raise sink.error from None
        raise
    if is_sealed:
        seal(file)


class _Sink:
    """A file that keeps the first error of what was called on it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._file, name)

        def guarded(*args: Any) -> Any:
            try:
                return method(*args)
            except OSError as error:
                self.error = self.error or error
                raise

        return guarded


class _Writer:
    """What `save_own_variables` writes into: store["0"] = array."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def __setitem__(self, key: str, value: Any) -> None:
        self._group.create_dataset(key, data=np.asarray(value))


def read_state(contents: Contents, root: Any, skip_mismatch: bool = False) -> None:
    """Reads what `write_state` wrote into the model.

    Raises:
        ModelFileError: if it does not fit the model. Parts that came before in the file are
            changed then.
    """
    for path, part in walk(root):
        try:
            _read_part(contents, path, part)
        except (ValueError, TypeError, OSError, RuntimeError, KeyError) as error:
            if not skip_mismatch:
                raise ModelFileError(one_line(error)) from error
            warnings.warn(f"Skipping {path or 'the model'}: {one_line(error)}", stacklevel=3)


def _read_part(contents: Contents, path: str, part: Any) -> None:
    place = f"{path}/vars" if path else "vars"
    if place not in contents.groups and path.startswith("layers/"):
        place = f"_layer_checkpoint_dependencies/{path.removeprefix('layers/')}/vars"
    if place in contents.groups:
        part.load_own_variables(Store(contents, place))
    elif isinstance(part, Layer) and (variables := part._own_variables()):
        raise ModelFileError(
            f"Layer '{part.name}' ({type(part).__name__}) has {len(variables)} variables, but "
            f"there is nothing at '{path}' in the file."
        )


class Store(Mapping[str, Any]):
    """The datasets of a group, by name; their values are read when they become arrays."""

    def __init__(self, contents: Contents, place: str) -> None:
        self._contents = contents
        self._place = place
        self._names = list(contents.groups[place])

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, key: str) -> Any:
        path = f"{self._place}/{key}"
        if path in self._contents.datasets:
            return numbers(self._contents.datasets[path], path)
        what = f"'{path}' is not a dataset" if key in self._names else f"there is no '{path}'"
        raise ModelFileError(f"{what}.")
