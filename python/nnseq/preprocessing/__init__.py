"""Where old Keras code looks for what is in `nnseq.utils`."""

from nnseq.preprocessing import image, sequence
from nnseq.utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
