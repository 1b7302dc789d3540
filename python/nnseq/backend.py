"""Names, default types and constants of the whole process, where old Keras code looks for them."""

from nnseq.engine.dtypes import epsilon, floatx, set_epsilon, set_floatx
from nnseq.engine.naming import get_uid
from nnseq.utils import clear_session

__all__ = ["clear_session", "epsilon", "floatx", "get_uid", "set_epsilon", "set_floatx"]
