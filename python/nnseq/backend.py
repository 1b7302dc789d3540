"""Names, default types and constants of the whole process, where old Keras code looks for them."""

from nnseq.config import backend, image_data_format, set_image_data_format
from nnseq.engine.dtypes import (
    epsilon,
    floatx,
    is_float_dtype,
    is_int_dtype,
    result_type,
    set_epsilon,
    set_floatx,
    standardize_dtype,
)
from nnseq.engine.naming import get_uid
from nnseq.ops import is_keras_tensor
from nnseq.utils import clear_session

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
