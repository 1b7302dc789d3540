"""Functions of Tensors, with the names and signatures of keras.ops.

The `__all__` of each module says what it adds.
"""

from nnseq.engine.tensor import is_tensor
from nnseq.ops import (
    composed,
    core,
    creation,
    diagonals,
    elementwise,
    image,
    indexing,
    layout,
    linear,
    nan_reductions,
    nn,
    rearranging,
    reduction,
    slices,
    sorting,
    windows,
)
from nnseq.ops.composed import *
from nnseq.ops.core import *
from nnseq.ops.creation import *
from nnseq.ops.diagonals import *
from nnseq.ops.elementwise import *
from nnseq.ops.indexing import *
from nnseq.ops.layout import *
from nnseq.ops.linear import *
from nnseq.ops.nan_reductions import *
from nnseq.ops.nn import *
from nnseq.ops.rearranging import *
from nnseq.ops.reduction import *
from nnseq.ops.slices import *
from nnseq.ops.sorting import *
from nnseq.ops.windows import *

__all__ = ["image", "is_tensor", "nn"]
__all__ += composed.__all__
__all__ += core.__all__
__all__ += creation.__all__
__all__ += diagonals.__all__
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += layout.__all__
__all__ += linear.__all__
__all__ += nan_reductions.__all__
__all__ += nn.__all__
__all__ += rearranging.__all__
__all__ += reduction.__all__
__all__ += slices.__all__
__all__ += sorting.__all__
__all__ += windows.__all__
