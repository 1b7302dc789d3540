"""Functions of Tensors, with the names and signatures of keras.ops.

The `__all__` of each module says what it adds.
"""

from nnseq.engine.tensor import is_tensor
from nnseq.ops import (
    blocks,
    composed,
    core,
    creation,
    diagonals,
    distances,
    elementwise,
    fourier,
    image,
    indexing,
    layout,
    linalg,
    linear,
    nan_reductions,
    nn,
    quantiles,
    real_parts,
    rearranging,
    reduction,
    running,
    searching,
    segments,
    slices,
    sorting,
    special,
    spectra,
    trigonometry,
    windows,
)
from nnseq.ops.blocks import *
from nnseq.ops.composed import *
from nnseq.ops.core import *
from nnseq.ops.creation import *
from nnseq.ops.diagonals import *
from nnseq.ops.distances import *
from nnseq.ops.elementwise import *
from nnseq.ops.fourier import *
from nnseq.ops.indexing import *
from nnseq.ops.layout import *
from nnseq.ops.linalg import *
from nnseq.ops.linalg.solving import logdet, slogdet
from nnseq.ops.linear import *
from nnseq.ops.nan_reductions import *
from nnseq.ops.nn import *
from nnseq.ops.quantiles import *
from nnseq.ops.real_parts import *
from nnseq.ops.rearranging import *
from nnseq.ops.reduction import *
from nnseq.ops.running import *
from nnseq.ops.searching import *
from nnseq.ops.segments import *
from nnseq.ops.slices import *
from nnseq.ops.sorting import *
from nnseq.ops.special import *
from nnseq.ops.spectra import *
from nnseq.ops.trigonometry import *
from nnseq.ops.windows import *

__all__ = ["image", "is_tensor", "linalg", "logdet", "nn", "slogdet"]
__all__ += blocks.__all__
__all__ += composed.__all__
__all__ += core.__all__
__all__ += creation.__all__
__all__ += diagonals.__all__
__all__ += distances.__all__
__all__ += elementwise.__all__
__all__ += fourier.__all__
__all__ += indexing.__all__
__all__ += layout.__all__
__all__ += linalg.__all__
__all__ += linear.__all__
__all__ += nan_reductions.__all__
__all__ += nn.__all__
__all__ += quantiles.__all__
__all__ += real_parts.__all__
__all__ += rearranging.__all__
__all__ += reduction.__all__
__all__ += running.__all__
__all__ += searching.__all__
__all__ += segments.__all__
__all__ += slices.__all__
__all__ += sorting.__all__
__all__ += special.__all__
__all__ += spectra.__all__
__all__ += trigonometry.__all__
__all__ += windows.__all__
