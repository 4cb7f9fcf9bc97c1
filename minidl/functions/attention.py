"""Attention: every query reads the values, weighed by how well their keys match it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, is_grad_enabled, wrap
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import array_in, as_array, constant, flag, number, one_int
from .joining import cat
from .layers import dropout, linear, same_floats
from .padding import pad
from .products import matmul
from .repeating import repeat_interleave
from .shaping import expand, squeeze, transpose, unsqueeze


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """y = softmax(Q Kᵀ · scale + mask) V for Q (..., L, E), K (..., S, E), V (..., S, Ev); scale is 1/√E by default.

    attn_mask (..., L, S) is boolean (True: may be seen) or added to the scores; is_causal lets query i see keys 0 .. i.
    A query that sees no key gets zeros. With enable_gqa key and value may have fewer heads (dimension -3) than query,
    each for as many of its heads. Source: Vaswani et al. 2017, equation 1.

    >>> import minidl
    >>> x = minidl.tensor([[[1.0], [3.0]]])
    >>> minidl.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)
    tensor([[[1.0000],
             [2.9951]]])
    """
    if flag(enable_gqa, "enable_gqa"):
        key, value = (shared_heads(query, x) for x in (key, value))
    q, k, v = as_array(query, "query"), as_array(key, "key"), as_array(value, "value")
    same_floats("scaled_dot_product_attention", query=q, key=k, value=v)
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention: query {q.shape}, key {k.shape}, value {v.shape}; expected (..., L, E), "
            "(..., S, E), (..., S, Ev)"
        )
    if flag(is_causal, "is_causal") and attn_mask is not None:
        raise ArgumentError("give attn_mask or is_causal, not both")
    scale = 1 / math.sqrt(max(q.shape[-1], 1)) if scale is None else number(scale, "scale")
    stacks = q.shape[:-2], k.shape[:-2], v.shape[:-2]
    shape = (*np.broadcast_shapes(*stacks[:2]), q.shape[-2], k.shape[-2])
    mask = None if attn_mask is None else float_mask("attn_mask", attn_mask, q.dtype, shape)
    if number(dropout_p, "dropout_p") or learned(mask) or len(set(stacks)) > 1:
        if is_causal:
            mask = float_mask("attn_mask", np.tri(*shape[-2:], dtype=bool), q.dtype, shape)
        return matmul(dropout(attention_weights(query, key, scale, mask), dropout_p), value)
    heads = [in_heads(x) for x in (query, key, value)]
    y = ops.attention(*heads, heads_mask(mask, shape), scale=scale, causal=is_causal)
    return y if y.ndim == q.ndim else ops.reshape(y, shape=(*q.shape[:-1], v.shape[-1]))


def shared_heads(query: Any, x: Any) -> Any:
    """Return key or value with each head repeated, so that there are as many as query has."""
    q, shape = as_array(query, "query").shape, as_array(x).shape
    if min(len(q), len(shape)) < 3 or not shape[-3] or q[-3] % shape[-3]:
        raise ShapeError(f"enable_gqa: the heads of key and value {shape} must divide those of query {q}")
    return repeat_interleave(x, q[-3] // shape[-3], -3)


def learned(mask: Any) -> bool:
    """Return whether a mask needs a gradient."""
    return isinstance(mask, Variable) and mask.needs_grad and is_grad_enabled()


def in_heads(x: Any) -> Any:
    """Return (..., L, E) as (batch, heads, L, E)."""
    return x if x.ndim == 4 else ops.reshape(x, shape=(math.prod(x.shape[:-2]), 1, *x.shape[-2:]))


def heads_mask(mask: Any, shape: tuple[int, ...]) -> Any:
    """Return a mask that needs no gradient, or None, in the shape of the scores, as in_heads has it."""
    return None if mask is None else in_heads(ops.broadcast_to(mask, shape=shape))


def attention_weights(query: Any, key: Any, scale: float, mask: Any) -> Any:
    """Return softmax(Q Kᵀ · scale + mask), with zeros in a row whose keys are all masked."""
    scores = matmul(ops.mul(query, scale), transpose(key, -2, -1))
    if mask is None:
        return ops.softmax(scores, dim=scores.ndim - 1)
    scores = ops.add(scores, mask)
    if not scores.shape[-1]:
        return ops.softmax(scores, dim=scores.ndim - 1)
    blind = ops.eq(ops.amax(constant(scores), dim=scores.ndim - 1, keepdim=True), -np.inf)
    return ops.where(blind, 0.0, ops.softmax(ops.where(blind, 0.0, scores), dim=scores.ndim - 1))


def masked(mask: Any, there: float, elsewhere: float, dtype: Any) -> Any:
    """Return one number where a boolean mask holds, and another elsewhere."""
    condition = mask if isinstance(mask, Variable) else wrap(as_array(mask))
    return ops.where(condition, np.asarray(there, dtype), np.asarray(elsewhere, dtype))


def float_mask(name: str, mask: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return a mask as what is added to the scores: a boolean one as 0 where True, -∞ where False."""
    m = as_array(mask, name)
    try:
        fits = np.broadcast_shapes(m.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: got shape {m.shape}, which does not broadcast to the scores' {shape}")
    if m.dtype == np.bool_:
        return masked(mask, 0.0, -np.inf, dtype)
    if m.dtype != dtype:
        raise DTypeError(f"{name}: got {m.dtype}, expected bool or {dtype}")
    return mask


def multi_head_attention_forward(
    query: Any, key: Any, value: Any, embed_dim_to_check: int, num_heads: int, in_proj_weight: Any, in_proj_bias: Any,
    bias_k: Any, bias_v: Any, add_zero_attn: bool, dropout_p: float, out_proj_weight: Any, out_proj_bias: Any,
    training: bool = True, key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Any = None, k_proj_weight: Any = None,
    v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None, average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """Return (y, weights): y = concat(head_1, ..., head_h) W_oᵀ + b_o, head_i = attention(Q W_qᵀ, K W_kᵀ, V W_vᵀ).

    query (L, N, E), key (S, N, Ek), value (S, N, Ev), or without N; y as query, weights (N, L, S), the mean over the
    heads, or with not average_attn_weights (N, heads, L, S). In both masks True (or -∞) hides: key_padding_mask (N, S)
    hides keys of a sequence, attn_mask (L, S) or (N · heads, L, S) hides keys from queries. is_causal says that
    attn_mask is the causal one. static_k and static_v are left out. Source: Vaswani et al. 2017, section 3.2.2.

    >>> import minidl
    >>> x, w = minidl.tensor([[1.0], [3.0]]), minidl.ones(3, 1)
    >>> y, weights = minidl.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 1, 1, w, None, None, None, False, 0.0, minidl.ones(1, 1), None)
    >>> y
    tensor([[2.7616],
            [2.9951]])
    """
    single = as_array(query, "query").ndim == 2
    if single:
        query, key, value = (unsqueeze(x, 1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else unsqueeze(key_padding_mask, 0)
    num_heads = one_int(num_heads, "num_heads")
    check_sequences(query, key, value, one_int(embed_dim_to_check, "embed_dim_to_check"), num_heads)
    if (bias_k is None) != (bias_v is None):
        raise ArgumentError("multi_head_attention: give both bias_k and bias_v, or neither")
    if static_k is not None or static_v is not None:
        raise ArgumentError("static_k and static_v are left out")
    if is_causal and attn_mask is None:
        raise ArgumentError("is_causal: give attn_mask too; it says only that the mask is the causal one")
    steps, n, width = as_array(query).shape
    seen, dtype = as_array(key).shape[0], as_array(query).dtype

    for name, x in (("in_proj_weight", in_proj_weight), ("in_proj_bias", in_proj_bias)):
        needed = name == "in_proj_weight" and not use_separate_proj_weight
        if (needed or x is not None) and array_in(x, name).shape[:1] != (3 * width,):
            raise ShapeError(f"{name}: got shape {as_array(x).shape}, expected {3 * width} rows, 3 a feature")
    parts = [slice(k * width, (k + 1) * width) for k in range(3)]
    apart = (q_proj_weight, k_proj_weight, v_proj_weight)
    w = apart if use_separate_proj_weight else [in_proj_weight[k] for k in parts]
    b = [None if in_proj_bias is None else in_proj_bias[k] for k in parts]
    queries, keys, values = (linear(x, w_x, b_x) for x, w_x, b_x in zip((query, key, value), w, b, strict=True))
    if bias_k is not None:
        keys, values = cat([keys, expand(bias_k, (1, n, width))]), cat([values, expand(bias_v, (1, n, width))])
    if add_zero_attn:
        zeros = wrap(np.zeros((1, n, width), dtype))
        keys, values = cat([keys, zeros]), cat([values, zeros])

    mask = hidden("attn_mask", attn_mask, dtype, [(steps, seen), (n * num_heads, steps, seen)])
    padding = hidden("key_padding_mask", key_padding_mask, dtype, [(n, seen)])
    if mask is not None:
        mask = ops.reshape(mask, shape=(-1, 1 if mask.ndim == 2 else num_heads, steps, seen))
    if padding is not None:
        padding = ops.reshape(padding, shape=(n, 1, 1, seen))
        mask = padding if mask is None else ops.add(mask, padding)
    if mask is not None:  # the keys that were added above can be seen by all
        mask = pad(mask, (0, keys.shape[0] - seen))

    queries, keys, values = (heads(x, num_heads) for x in (queries, keys, values))
    scale, weights = 1 / math.sqrt(width // num_heads), None
    if need_weights or (dropout_p and training) or learned(mask):
        scores = matmul(ops.mul(queries, scale), transpose(keys, -2, -1))
        weights = ops.softmax(scores if mask is None else ops.add(scores, mask), dim=3)
        weights = dropout(weights, dropout_p, training)
        y = matmul(weights, values)
    else:
        mask = heads_mask(mask, (n, num_heads, steps, as_array(keys).shape[2]))
        y = ops.attention(queries, keys, values, mask, scale=scale, causal=False)
    y = ops.permute(y, dims=(2, 0, 1, 3))  # (L, N, heads, E / heads)
    y = linear(ops.reshape(y, shape=(steps, n, width)), out_proj_weight, out_proj_bias)
    if not need_weights:
        return squeeze(y, 1) if single else y, None
    if average_attn_weights:
        weights = ops.mean(weights, dim=1)
    return (squeeze(y, 1), squeeze(weights, 0)) if single else (y, weights)


def check_sequences(query: Any, key: Any, value: Any, width: int, count: int) -> None:
    """Refuse sequences that do not fit each other, the width or the number of heads."""
    q, k, v = as_array(query, "query"), as_array(key, "key"), as_array(value, "value")
    same_floats("multi_head_attention", query=q, key=k, value=v)
    if not q.ndim == k.ndim == v.ndim == 3 or k.shape[:2] != v.shape[:2] or q.shape[1] != k.shape[1]:
        raise ShapeError(
            f"multi_head_attention: query {q.shape}, key {k.shape}, value {v.shape}; expected (L, N, E), (S, N, Ek), "
            "(S, N, Ev)"
        )
    if q.shape[2] != width:
        raise ShapeError(f"multi_head_attention: query has {q.shape[2]} features (shape {q.shape}), expected {width}")
    if count < 1 or width % count:
        raise ArgumentError(f"num_heads: {count} heads do not divide the width {width}")


def heads(x: Any, count: int) -> Any:
    """Return (T, N, heads · width) as (N, heads, T, width)."""
    t, n, width = x.shape
    return ops.permute(ops.reshape(x, shape=(t, n, count, width // count)), dims=(1, 2, 0, 3))


def hidden(name: str, mask: Any, dtype: Any, shapes: list[tuple[int, ...]]) -> Any:
    """Return a mask (True or -∞ hides) as what is added to the scores; refuse one that does not fit."""
    if mask is None:
        return None
    m = as_array(mask, name)
    if m.shape not in shapes:
        raise ShapeError(f"{name}: got shape {m.shape}, expected {' or '.join(map(str, shapes))}")
    if m.dtype == np.bool_:
        return masked(mask, -np.inf, 0.0, dtype)
    if m.dtype != dtype:
        raise DTypeError(f"{name}: got {m.dtype}, expected bool or {dtype}")
    return mask
