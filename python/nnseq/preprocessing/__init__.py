"""Where old Keras code looks for what is in `nnseq.utils`."""

from nnseq.preprocessing import sequence
from nnseq.utils import timeseries_dataset_from_array

__all__ = ["sequence", "timeseries_dataset_from_array"]
