"""Linear algebra of matrices and batches of them, in the last two axes; names and signatures are
keras.ops.linalg's.

The loops over rows and columns are unrolled while tracing, so the sizes of matrices must be known
(that of a batch need not), and a graph has about ten nodes for each column. That is made for
matrices of up to a few hundred rows: eager, a column costs half a millisecond; in a Program a
matrix of 100 x 100 costs 1 to 3 ms, many times what LAPACK takes. Derivatives keep what each column
left, so memory grows with the third power of the size. Eigenvalues and singular values take 700
to 1,000 nodes for each column, constants included (4 to 30 columns), and 1 s to trace 30 columns.
"""

from nnseq.ops.linalg.factors import cholesky, lu_factor, qr
from nnseq.ops.linalg.norms import norm
from nnseq.ops.linalg.solving import (
    cholesky_inverse,
    det,
    inv,
    solve,
    solve_triangular,
)
from nnseq.ops.linalg.spectral import eigh, lstsq, matrix_rank, pinv, svd

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eigh",
    "inv",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]
