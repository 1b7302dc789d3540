"""The rows of the op table, one file per family. Importing this package registers them."""

from . import (
    check,
    elementwise,
    indices,
    layout,
    norm,
    pool,
    product,
    random,
    recurrent,
    reduce,
    softmax,
    sort,
    update,
)

__all__ = [
    "check",
    "elementwise",
    "indices",
    "layout",
    "norm",
    "pool",
    "product",
    "random",
    "recurrent",
    "reduce",
    "softmax",
    "sort",
    "update",
]
