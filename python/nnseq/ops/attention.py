"""Attention of queries to keys."""

from __future__ import annotations

import math
from typing import Any

from nnseq.engine.dispatch import apply, dims_of
from nnseq.engine.operation import operation
from nnseq.engine.tensor import Tensor
from nnseq.ops.activation import softmax
from nnseq.ops.core import as_type, promoted
from nnseq.ops.creation import arange
from nnseq.ops.elementwise import abs, add, divide, greater_equal, logical_and, multiply, where
from nnseq.ops.layout import reshape, transpose

_NEVER = -0.7 * 3.4028235e38  # a logit that gets no weight beside any other, and no NaN


def causal_mask(queries: Any, keys: Any) -> Tensor:
    """(queries, keys), True where the key does not come after the query."""
    return greater_equal(reshape(arange(queries), (-1, 1)), reshape(arange(keys), (1, -1)))


@operation
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """softmax(query . key * scale + bias) . value, for each head by itself (Vaswani et al. 2017).

    Args:
        query: (N, T, heads, D).
        key: (N, S, heads, D); heads may be fewer by a factor, each then serves several of query.
        value: (N, S, heads, E).
        bias: added to the logits (N, heads, T, S), broadcast to them.
        mask: bool, broadcast to the logits: False keys get no weight; where all are False, all
            get the same.
        scale: 1 / sqrt(D) by default.
        is_causal: whether queries see no later keys.
        flash_attention: must not be True: there is one implementation.
        attn_logits_soft_cap: c maps logits x to x / (1 + abs(x) / c).

    Returns:
        (N, T, heads, E).

    >>> x = [[[[1.0, 0.0]], [[0.0, 1.0]]]]
    >>> dot_product_attention(x, x, x, is_causal=True)[0, 0, 0].tolist()
    [1.0, 0.0]
    """
    if flash_attention:
        raise ValueError("dot_product_attention: flash_attention=True is not supported; use None")
    q, k, v = promoted(query, key, value, at_least_float=True)
    if not len(q.shape) == len(k.shape) == len(v.shape) == 4:
        raise ValueError(
            "`dot_product_attention` only supports 4D inputs. Received: query.shape="
            f"{q.shape}, key.shape={k.shape}, value.shape={v.shape}."
        )
    heads, groups = q.shape[2], k.shape[2]
    if heads is None or groups is None or heads % groups:
        raise ValueError(
            f"dot_product_attention: the heads of query {q.shape} must be known, and a multiple "
            f"of those of key {k.shape}"
        )
    batch, length, _, size = dims_of(q)
    q = multiply(q, 1.0 / math.sqrt(int(q.shape[3] or 1)) if scale is None else scale)
    q, k, v = (transpose(x, (0, 2, 1, 3)) for x in (q, k, v))
    if groups != heads:  # the queries of a group are rows of one product
        q = reshape(q, (batch, groups, heads // groups * length, size))
    logits = apply("matmul", [q, k], {"trans_a": False, "trans_b": True})
    keys = dims_of(k)[2]
    if groups != heads:
        logits = reshape(logits, (batch, heads, length, keys))
    if bias is not None:
        logits = add(logits, bias)
    if attn_logits_soft_cap is not None:
        logits = divide(logits, 1.0 + abs(logits) * (1.0 / attn_logits_soft_cap))
    if is_causal:
        seen = causal_mask(length, keys)
        mask = seen if mask is None else logical_and(mask, seen)
    if mask is not None:
        logits = where(as_type(mask, "bool"), logits, _NEVER)
    weights = softmax(logits)
    if groups != heads:
        weights = reshape(weights, (batch, groups, heads // groups * length, keys))
    result = apply("matmul", [weights, v], {"trans_a": False, "trans_b": False})
    if groups != heads:
        result = reshape(result, (batch, heads, length, dims_of(v)[3]))
    return transpose(result, (0, 2, 1, 3))
