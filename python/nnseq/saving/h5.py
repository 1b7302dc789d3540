"""The weights of a model in HDF5, laid out as in Keras' `.weights.h5`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnseq.layers.layer import Layer
from nnseq.saving.errors import ModelFileError, one_line
from nnseq.saving.state_tree import walk

_LARGEST_RATIO = 100  # of the bytes of a compressed dataset to those stored for it
_FREE_BYTES = 1 << 20


def write_state(file: Any, root: Any) -> None:
    """Writes the state of a model into a file object that can be read and written."""
    import h5py

    with h5py.File(file, "w") as h5:
        for path, part in walk(root):
            group = h5.create_group(f"{path}/vars" if path else "vars")
            if isinstance(getattr(part, "name", None), str):
                group.attrs["name"] = part.name
            part.save_own_variables(_Writer(group))


class _Writer:
    """What `save_own_variables` writes into: store["0"] = array."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def __setitem__(self, key: str, value: Any) -> None:
        self._group.create_dataset(key, data=np.asarray(value))


def read_state(file: Any, root: Any, skip_mismatch: bool = False) -> None:
    """Reads what `write_state` wrote into the model.

    Raises:
        ModelFileError: if it is not HDF5, refers to other files, or does not fit the model. Parts
            that came before in the file are changed then.
    """
    import h5py

    try:
        h5 = h5py.File(file, "r")
    except OSError as error:
        raise ModelFileError(f"not a readable HDF5 file: {one_line(error)}") from None
    with h5:
        for path, part in walk(root):
            try:
                _read_part(h5, path, part)
            except (ValueError, OSError, RuntimeError, KeyError) as error:
                if not skip_mismatch:
                    raise ModelFileError(one_line(error)) from error
                warnings.warn(f"Skipping {path or 'the model'}: {one_line(error)}", stacklevel=3)


def _read_part(h5: Any, path: str, part: Any) -> None:
    group = _group_at(h5, f"{path}/vars" if path else "vars")
    if group is None and path.startswith("layers/"):
        group = _group_at(h5, f"_layer_checkpoint_dependencies/{path.removeprefix('layers/')}/vars")
    if group is not None:
        part.load_own_variables(Store(group))
    elif isinstance(part, Layer) and (variables := part._own_variables()):
        raise ModelFileError(
            f"Layer '{part.name}' ({type(part).__name__}) has {len(variables)} variables, but "
            f"there is nothing at '{path}' in the file."
        )


def _group_at(h5: Any, path: str) -> Any:
    """The group at a path, reached by hard links alone; None if there is none."""
    import h5py

    group = h5
    for name in path.split("/"):
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ModelFileError(f"'{path}' is a link to another place, which is not followed.")
        group = group[name]
        if not isinstance(group, h5py.Group):
            raise ModelFileError(f"'{path}' is not a group.")
    return group


class Store(Mapping[str, Any]):
    """The datasets of a group, by name; their values are read when they become arrays."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def __len__(self) -> int:
        return len(self._group)

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __getitem__(self, key: str) -> Any:
        import h5py

        where = f"{self._group.name}/{key}"
        link = self._group.get(key, getlink=True)
        if link is None:
            raise ModelFileError(f"there is no dataset '{where}'.")
        if not isinstance(link, h5py.HardLink):
            raise ModelFileError(f"'{where}' is a link to another place, which is not followed.")
        dataset = self._group[key]
        if not isinstance(dataset, h5py.Dataset):
            raise ModelFileError(f"'{where}' is not a dataset.")
        if dataset.is_virtual or dataset.external:
            raise ModelFileError(f"'{where}' takes its data from another file, which is refused.")
        if dataset.dtype.kind not in "fiub" or dataset.dtype.itemsize > 8 or dataset.shape is None:
            raise ModelFileError(
                f"'{where}' has the type {dataset.dtype}, which is not of numbers."
            )
        if dataset.nbytes > _LARGEST_RATIO * dataset.id.get_storage_size() + _FREE_BYTES:
            raise ModelFileError(
                f"'{where}' claims {dataset.nbytes} bytes, but {dataset.id.get_storage_size()} "
                "are stored for it."
            )
        return dataset
