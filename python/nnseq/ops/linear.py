"""Matrix products and what can be written as one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nnseq.engine.dispatch import apply, dims_of, to_tensor
from nnseq.engine.operation import operation
from nnseq.engine.operators import operators
from nnseq.engine.tensor import Tensor
from nnseq.ops.core import axis_of, promoted
from nnseq.ops.elementwise import multiply
from nnseq.ops.layout import broadcast_to, reshape, transpose
from nnseq.ops.reduction import sum

__all__ = ["dot", "einsum", "matmul", "outer", "tensordot"]


def _float_operands(*xs: Any) -> list[Tensor]:
    return promoted(*xs, at_least_float=True)


@operation
def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product (..., M, K) x (..., K, N); vectors as in NumPy; leading axes broadcast.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]

    Raises:
        ValueError: if the inner dimensions differ.
    """
    a, b = _float_operands(x1, x2)
    if not a.shape or not b.shape:
        raise ValueError(f"matmul needs at least one dimension; got {a.shape} and {b.shape}")
    if len(b.shape) == 1:
        result = matmul(a, reshape(b, (-1, 1)))
        return reshape(result, dims_of(result)[:-1])
    if len(a.shape) == 1:
        result = matmul(reshape(a, (1, -1)), b)
        dims = dims_of(result)
        return reshape(result, [*dims[:-2], dims[-1]])
    if len(b.shape) > 2 and (
        len(a.shape) != len(b.shape) or a.shape[:-2] != b.shape[:-2] or None in a.shape[:-2]
    ):
        a, b = _with_common_batch(a, b)
    return apply("matmul", [a, b], {"trans_a": False, "trans_b": False})


def _with_common_batch(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Leading axes that are missing or of size 1 are repeated; unknown dims are taken as equal."""
    batch_a, batch_b = list(dims_of(a)[:-2]), list(dims_of(b)[:-2])
    known_a: list[Any] = [1] * (len(batch_b) - len(batch_a)) + batch_a
    known_b: list[Any] = [1] * (len(batch_a) - len(batch_b)) + batch_b
    batch = []
    for m, n in zip(known_a, known_b, strict=True):
        m_is_one, n_is_one = isinstance(m, int) and m == 1, isinstance(n, int) and n == 1
        batch.append(n if m_is_one else m)
        both = isinstance(m, int) and isinstance(n, int)
        if both and not m_is_one and not n_is_one and m != n:
            raise ValueError(f"matmul: the leading dimensions of {a.shape} and {b.shape} differ")

    def repeated(x: Tensor, own: list[Any]) -> Tensor:
        same = len(own) == len(batch) and not any(
            isinstance(m, int) and m == 1 and not (isinstance(n, int) and n == 1)
            for m, n in zip(own, batch, strict=True)
        )
        return x if same else broadcast_to(x, [*batch, *dims_of(x)[-2:]])

    return repeated(a, batch_a), repeated(b, batch_b)


@operation
def dot(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last axis of x1 and the last but one of x2."""
    a, b = _float_operands(x1, x2)
    if not a.shape or not b.shape:
        return multiply(a, b)
    return tensordot(a, b, [[-1], [-2 if len(b.shape) > 1 else -1]])


@operation
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """The sum of products over pairs of axes: the last n of x1 with the first n of x2, or the
    lists `axes = [of x1, of x2]`.

    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), 1).shape
    (2, 4)
    """
    a, b = _float_operands(x1, x2)
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        of_a, of_b = list(range(len(a.shape) - n, len(a.shape))), list(range(n))
    else:
        first, second = ((x if isinstance(x, (list, tuple)) else [x]) for x in axes)
        of_a = [axis_of(x, len(a.shape)) for x in first]
        of_b = [axis_of(x, len(b.shape)) for x in second]
    free_a = [i for i in range(len(a.shape)) if i not in of_a]
    free_b = [i for i in range(len(b.shape)) if i not in of_b]
    dims_a, dims_b = dims_of(a), dims_of(b)
    inner: Any = 1
    for i in of_a:
        inner = inner * dims_a[i]
    left = reshape(transpose(a, [*free_a, *of_a]), [-1, inner])
    right = reshape(transpose(b, [*of_b, *free_b]), [inner, -1])
    product = apply("matmul", [left, right], {"trans_a": False, "trans_b": False})
    return reshape(product, [*(dims_a[i] for i in free_a), *(dims_b[i] for i in free_b)])


@operation
def outer(x1: Any, x2: Any) -> Tensor:
    """All products of an element of x1 and one of x2, (M, N)."""
    a, b = promoted(x1, x2)
    return multiply(reshape(a, (-1, 1)), reshape(b, (1, -1)))


@operation
def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Einstein summation, for example "bij,bjk->bik"; no letter twice in one operand.

    Args:
        subscripts: letters of each operand and, after "->", of the result; "..." stands for
            leading axes. Without "->" the letters that come once, sorted.
        operands: one or more Tensors, multiplied from left to right.

    >>> einsum("ij,kj->ik", np.ones((2, 3)), np.ones((4, 3))).shape
    (2, 4)
    """
    shapes = [to_tensor(x).shape for x in operands]
    terms, result = _parse(subscripts, [len(shape) for shape in shapes])
    sizes: dict[str, int | None] = {}
    for letter, size in zip("".join(terms), itertools.chain(*shapes), strict=True):
        if size is not None and sizes.setdefault(letter, size) != size:
            raise ValueError(
                f"einsum: {subscripts!r} of shapes {', '.join(map(str, shapes))}: "
                f"{letter if letter.isascii() else '...'} has the sizes {sizes[letter]} and {size}"
            )
    tensors = _float_operands(*operands) if len(operands) > 1 else [to_tensor(operands[0])]
    while len(tensors) > 1:
        later = set(result).union(*terms[2:])
        keep = [c for c in dict.fromkeys(terms[0] + terms[1]) if c in later]
        product = _contract(tensors[0], terms[0], tensors[1], terms[1], keep)
        tensors[:2], terms[:2] = [product[0]], [product[1]]
    return _arranged(tensors[0], terms[0], result)


def _parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    text = subscripts.replace(" ", "")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum: {subscripts!r} has {len(terms)} operands, {len(ranks)} given")
    # "..." becomes capital Greek letters counted from the last axis.
    dots = "".join(chr(0x391 + i) for i in range(8))
    widest = 0
    for i, term in enumerate(terms):
        if "..." in term:
            n = ranks[i] - len(term) + 3
            widest = n if n > widest else widest
            terms[i] = term.replace("...", dots[8 - n :] if n else "")
        if len(terms[i]) != ranks[i] or len(set(terms[i])) != len(terms[i]):
            raise ValueError(
                f"einsum: {term!r} in {subscripts!r} must name each of the {ranks[i]} axes of its "
                "operand once"
            )
    all_dots = dots[8 - widest :] if widest else ""
    if not arrow:
        letters = "".join(terms)
        result = all_dots + "".join(
            sorted(c for c in set(letters) if letters.count(c) == 1 and c not in all_dots)
        )
    return terms, result.replace("...", all_dots)


def _contract(a: Tensor, ta: str, b: Tensor, tb: str, keep: list[str]) -> tuple[Tensor, str]:
    """One product of two operands: batch letters, free letters of a, free letters of b."""
    a, ta = _sum_out(a, ta, set(tb) | set(keep))
    b, tb = _sum_out(b, tb, set(ta) | set(keep))
    batch = [c for c in ta if c in tb and c in keep]
    inner = [c for c in ta if c in tb and c not in keep]
    free_a = [c for c in ta if c not in tb]
    free_b = [c for c in tb if c not in ta]
    size = {**dict(zip(tb, dims_of(b), strict=True)), **dict(zip(ta, dims_of(a), strict=True))}
    a = _arranged(a, ta, "".join([*batch, *free_a, *inner]))
    b = _arranged(b, tb, "".join([*batch, *inner, *free_b]))

    def product(letters: list[str]) -> Any:
        count: Any = 1
        for c in letters:
            count = count * size[c]
        return count

    groups = [size[c] for c in batch]
    a = reshape(a, [*groups, product(free_a), product(inner)])
    b = reshape(b, [*groups, product(inner), product(free_b)])
    c = apply("matmul", [a, b], {"trans_a": False, "trans_b": False})
    letters = [*batch, *free_a, *free_b]
    return reshape(c, [size[letter] for letter in letters]), "".join(letters)


def _sum_out(x: Tensor, term: str, needed: set[str]) -> tuple[Tensor, str]:
    gone = [i for i, c in enumerate(term) if c not in needed]
    return (sum(x, gone), "".join(c for c in term if c in needed)) if gone else (x, term)


def _arranged(x: Tensor, term: str, order: str) -> Tensor:
    x, term = _sum_out(x, term, set(order))
    return transpose(x, [term.index(c) for c in order])


operators["matmul"] = matmul
