"""The rows of the op table, one file per family. Importing this package registers them."""

from . import elementwise, indices, layout, norm, pool, product, random, reduce, softmax, update

__all__ = [
    "elementwise",
    "indices",
    "layout",
    "norm",
    "pool",
    "product",
    "random",
    "reduce",
    "softmax",
    "update",
]
