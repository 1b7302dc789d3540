"""Helpers around models: data, seeds, names, progress."""

from nnseq.utils.batches import PyDataset, pack_x_y_sample_weight, unpack_x_y_sample_weight
from nnseq.utils.numerical import normalize, to_categorical
from nnseq.utils.progbar import Progbar
from nnseq.utils.session import clear_session, set_random_seed

Sequence = PyDataset

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "normalize",
    "pack_x_y_sample_weight",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
