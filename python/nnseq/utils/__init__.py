"""Helpers around models: data, seeds, names, progress."""

from nnseq.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from nnseq.engine.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from nnseq.engine.dtypes import standardize_dtype
from nnseq.engine.registry import deserialize_keras_object, serialize_keras_object
from nnseq.ops.core import is_keras_tensor
from nnseq.utils.batches import PyDataset, pack_x_y_sample_weight, unpack_x_y_sample_weight
from nnseq.utils.datasets import split_dataset, timeseries_dataset_from_array
from nnseq.utils.directories import image_dataset_from_directory, text_dataset_from_directory
from nnseq.utils.files import get_file
from nnseq.utils.images import array_to_img, img_to_array, load_img, save_img
from nnseq.utils.numerical import normalize, to_categorical
from nnseq.utils.plotting import model_to_dot, plot_model
from nnseq.utils.progbar import Progbar
from nnseq.utils.sequences import pad_sequences
from nnseq.utils.session import clear_session, set_random_seed

Sequence = PyDataset

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
