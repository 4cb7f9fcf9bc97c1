"""The functions behind layers against PyTorch: values, gradients, second gradients; running statistics; bad input.

The golden figures in golden/functional.npz were computed with PyTorch 2.13 in float64; where torch is installed,
`python tests/test_functional.py` computes them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import _kernels as kernels
from minidl.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from minidl.nn import functional as F

GOLDEN = Path(__file__).parent / "golden" / "functional.npz"
MODES = ["reference", "formula", *(["compiled"] if kernels.compiled else [])]

WIDE = np.array([-np.inf, -1e4, -90.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 90.0, 1e4, np.inf])
BITS = np.array([[True, False, True], [True, True, False]])
PIXELS = np.arange(24).reshape(1, 2, 3, 4) % 7 - 3
PLACES = np.array([[2, 0, 1], [0, 0, 2]])
CAUSAL = np.triu(np.ones((3, 3), bool), 1)


class Case:
    """A call f(lib, *inputs), lib being minidl or torch; tuples are shapes of drawn inputs, the rest as it is."""

    def __init__(self, call: Callable[..., Any], *inputs: Any, second: bool = True) -> None:
        self.call, self.inputs, self.second = call, inputs, second

    def arrays(self, dtype: Any) -> list[Any]:
        draw = np.random.default_rng(3)
        drawn = [draw.standard_normal(x) if isinstance(x, tuple) else np.array(x) for x in self.inputs]
        return [x.astype(dtype) if x.dtype.kind == "f" else x for x in drawn]


def f(name: str, *inputs: Any, second: bool = True, **options: Any) -> Case:
    """A function of nn.functional."""
    return Case(lambda lib, *x: getattr(lib.nn.functional, name)(*x, **options), *inputs, second=second)


def mha(**options: Any) -> Case:
    """Multi-head attention of 2 heads of 2, 3 queries and keys, 2 sequences."""

    def call(lib: Any, q: Any, k: Any, v: Any, w: Any, b: Any, wo: Any, bo: Any) -> Any:
        masks = {key: lib.tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
        return lib.nn.functional.multi_head_attention_forward(
            q,
            k,
            v,
            4,
            2,
            w,
            b,
            masks.pop("bias_k", None),
            None,
            masks.pop("add_zero_attn", False),
            0.0,
            wo,
            bo,
            **masks,
        )

    return Case(call, (3, 2, 4), (3, 2, 4), (3, 2, 4), (12, 4), (12,), (4, 4), (4,))


CASES: dict[str, Case] = {
    # activations
    **{
        name: f(name, (3, 4))
        for name in (
            "elu",
            "selu",
            "celu",
            "hardtanh",
            "relu6",
            "hardswish",
            "logsigmoid",
            "mish",
            "softsign",
            "tanhshrink",
        )
    },
    **{
        f"{name}_wide": f(name, WIDE, second=False)
        for name in (
            "elu",
            "selu",
            "celu",
            "hardtanh",
            "relu6",
            "logsigmoid",
        )
    },
    # PyTorch's own hardsigmoid has a float32 constant in its float64 gradient
    "hardsigmoid": Case(
        lambda lib, x: lib.nn.functional.hardsigmoid(x) if lib is minidl else lib.nn.functional.relu6(x + 3) / 6, WIDE
    ),
    "elu_alpha": f("elu", (3, 4), alpha=0.5),
    "celu_alpha": f("celu", (3, 4), alpha=2.0),
    "hardtanh_bounds": f("hardtanh", (3, 4), min_val=-0.2, max_val=0.7),
    "glu": f("glu", (3, 4)),
    "glu_dim": f("glu", (4, 3), dim=0),
    "softmin": f("softmin", (3, 4), dim=1),
    "threshold": Case(lambda lib, x: lib.nn.functional.threshold(x, 0.1, -2.0), (3, 4)),
    "prelu_one": f("prelu", (3, 4), (1,)),
    "prelu_channels": f("prelu", (3, 4, 2), (4,)),
    # convolutions
    "conv1d": f("conv1d", (2, 3, 7), (4, 3, 2), (4,)),
    "conv1d_options": f("conv1d", (2, 4, 9), (6, 2, 3), stride=2, padding=3, dilation=2, groups=2),
    "conv1d_same": f("conv1d", (3, 7), (4, 3, 4), padding="same"),
    "conv_transpose1d": f("conv_transpose1d", (2, 3, 4), (3, 2, 3), (2,)),
    "conv_transpose1d_options": f(
        "conv_transpose1d", (2, 4, 5), (4, 3, 3), stride=3, padding=2, output_padding=1, groups=2, dilation=2
    ),
    "conv_transpose2d": f("conv_transpose2d", (2, 3, 3, 4), (3, 2, 2, 3), (2,)),
    "conv_transpose2d_options": f(
        "conv_transpose2d",
        (2, 4, 3, 2),
        (4, 3, 3, 2),
        (6,),
        stride=(2, 3),
        padding=(1, 0),
        output_padding=(1, 2),
        groups=2,
        dilation=(2, 1),
    ),
    "conv_transpose2d_unbatched": f("conv_transpose2d", (3, 3, 4), (3, 2, 2, 2)),
    "conv_transpose2d_beyond": f(
        "conv_transpose2d", (1, 2, 3, 2), (2, 1, 2, 3), stride=2, padding=1, output_padding=(2, 3), dilation=4
    ),
    "conv2d_integers": Case(
        lambda lib, x: lib.nn.functional.conv2d(lib.tensor(PIXELS), lib.tensor(PIXELS[:, :, :2])) * x, (1,)
    ),
    # linear
    "linear_vector": f("linear", (2, 3), (3,)),
    "linear_bias": f("linear", (2, 3), (4, 3), (1,)),
    "bilinear": f("bilinear", (2, 3, 2), (2, 3, 4), (5, 2, 4), (5,)),
    # resizing
    **{
        f"interpolate_{mode}": f("interpolate", (2, 2, 5, 4)[: 4 - (mode == "linear")], mode=mode, **options)
        for mode, options in {
            "nearest": {"size": (7, 3)},
            "nearest-exact": {"scale_factor": 1.7},
            "linear": {"scale_factor": 2.3},
            "bilinear": {"size": (3, 9)},
            "bicubic": {"scale_factor": (0.6, 2.1), "recompute_scale_factor": True},
            "area": {"size": 3},
        }.items()
    },
    "interpolate_corners": f("interpolate", (1, 2, 5, 4), size=(9, 1), mode="bilinear", align_corners=True),
    "interpolate_cubic_corners": f("interpolate", (1, 1, 5, 4), scale_factor=2, mode="bicubic", align_corners=True),
    "pixel_shuffle": f("pixel_shuffle", (2, 8, 3, 2), upscale_factor=2),
    "pixel_unshuffle": f("pixel_unshuffle", (2, 6, 4), downscale_factor=2),
    "channel_shuffle": f("channel_shuffle", (2, 6, 3), groups=3),
    "unfold": f("unfold", (2, 3, 5, 6), kernel_size=(2, 3), dilation=(2, 1), padding=(1, 0), stride=(1, 2)),
    "fold": f("fold", (2, 12, 12), output_size=(4, 5), kernel_size=(2, 2)),
    "fold_options": f(
        "fold", (12, 10), output_size=(5, 6), kernel_size=(2, 3), dilation=(2, 1), padding=(1, 0), stride=(1, 2)
    ),
    # pooling
    "adaptive_max_pool1d": f("adaptive_max_pool1d", (2, 3, 7), output_size=3),
    "adaptive_max_pool2d": f("adaptive_max_pool2d", (2, 3, 5, 7), output_size=(3, None)),
    "adaptive_max_pool2d_where": Case(
        lambda lib, x: lib.nn.functional.adaptive_max_pool2d(x, 4, return_indices=True), (3, 5, 7)
    ),
    "max_unpool2d": Case(
        lambda lib, x: lib.nn.functional.max_unpool2d(
            *lib.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True), 3, 2, 1, (5, 6)
        ),
        (2, 2, 5, 6),
    ),
    "max_unpool1d": Case(
        lambda lib, x: lib.nn.functional.max_unpool1d(*lib.nn.functional.max_pool1d(x, 2, return_indices=True), 2),
        (2, 6),
    ),
    "lp_pool1d": Case(lambda lib, x: lib.nn.functional.lp_pool1d(x.exp(), 3.0, 2, 1), (2, 2, 6)),
    "lp_pool2d": Case(lambda lib, x: lib.nn.functional.lp_pool2d(x, 2.0, (2, 3), ceil_mode=True), (2, 2, 5, 6)),
    "avg_pool2d_integers": Case(lambda lib, x: lib.nn.functional.avg_pool2d(lib.tensor(PIXELS), 2) * x, (1,)),
    "max_pool1d": f("max_pool1d", (2, 3, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    "avg_pool1d": f("avg_pool1d", (2, 3, 7), kernel_size=3, stride=2, padding=1),
    "avg_pool1d_unbatched": f("avg_pool1d", (3, 7), kernel_size=2, ceil_mode=True, count_include_pad=False),
    "avg_pool2d": f("avg_pool2d", (2, 3, 4, 5), kernel_size=2),
    "avg_pool2d_padded": f("avg_pool2d", (2, 3, 5, 6), kernel_size=(3, 2), stride=(2, 1), padding=(1, 1)),
    "avg_pool2d_ceil": f("avg_pool2d", (2, 3, 6, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    "avg_pool2d_inside": f(
        "avg_pool2d", (2, 3, 6, 7), kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=False
    ),
    "avg_pool2d_divisor": f("avg_pool2d", (3, 5, 5), kernel_size=3, stride=1, padding=1, divisor_override=4),
    "adaptive_avg_pool1d": f("adaptive_avg_pool1d", (2, 3, 7), output_size=3),
    "adaptive_avg_pool2d": f("adaptive_avg_pool2d", (2, 3, 5, 7), output_size=(3, 4)),
    "adaptive_avg_pool2d_larger": f("adaptive_avg_pool2d", (3, 2, 3), output_size=5),
    "adaptive_avg_pool2d_one": f("adaptive_avg_pool2d", (2, 3, 5, 7), output_size=1),
    "adaptive_avg_pool2d_none": f("adaptive_avg_pool2d", (2, 3, 5, 7), output_size=(None, 2)),
    # normalisation
    "batch_norm": Case(
        lambda lib, x, w, b: lib.nn.functional.batch_norm(x, None, None, w, b, training=True), (4, 3), (3,), (3,)
    ),
    "batch_norm_images": Case(
        lambda lib, x, w, b: lib.nn.functional.batch_norm(x, None, None, w, b, training=True, eps=0.1),
        (3, 2, 2, 3),
        (2,),
        (2,),
    ),
    "batch_norm_eval": Case(
        lambda lib, x, m, v, w, b: lib.nn.functional.batch_norm(x, m.detach(), v.detach() ** 2, w, b, eps=0.1),
        (3, 2, 4),
        (2,),
        (2,),
        (2,),
        (2,),
    ),
    "layer_norm": Case(lambda lib, x, w, b: lib.nn.functional.layer_norm(x, (5,), w, b), (3, 5), (5,), (5,)),
    "layer_norm_plain": Case(lambda lib, x: lib.nn.functional.layer_norm(x, (3, 4), eps=0.1), (2, 3, 4)),
    "rms_norm": Case(lambda lib, x, w: lib.nn.functional.rms_norm(x, (3, 4), w), (2, 3, 4), (3, 4)),
    "rms_norm_eps": Case(lambda lib, x: lib.nn.functional.rms_norm(x, (4,), eps=0.1), (2, 3, 4)),
    "group_norm": Case(lambda lib, x, w, b: lib.nn.functional.group_norm(x, 2, w, b), (2, 4, 3), (4,), (4,)),
    "group_norm_images": Case(lambda lib, x: lib.nn.functional.group_norm(x, 1), (2, 4, 3, 2)),
    "local_response_norm": f("local_response_norm", (2, 5, 3), size=3, alpha=0.5, k=2.0),
    "local_response_norm_even": f("local_response_norm", (2, 5, 3, 2), size=2, beta=0.3),
    "instance_norm": Case(
        lambda lib, x, w, b: lib.nn.functional.instance_norm(x, weight=w, bias=b, eps=0.1), (2, 3, 4), (3,), (3,)
    ),
    # embedding
    "embedding": Case(lambda lib, w: lib.nn.functional.embedding(lib.tensor(PLACES), w), (4, 3)),
    "embedding_padding": Case(
        lambda lib, w: lib.nn.functional.embedding(lib.tensor(PLACES), w, padding_idx=-4), (4, 3)
    ),
    "embedding_frequency": Case(
        lambda lib, w: lib.nn.functional.embedding(lib.tensor(PLACES), w, scale_grad_by_freq=True), (4, 3)
    ),
    # attention
    "attention_shared": f("scaled_dot_product_attention", (1, 4, 3, 4), (1, 2, 5, 4), (1, 2, 5, 2), enable_gqa=True),
    "attention_broadcast": f("scaled_dot_product_attention", (2, 1, 3, 4), (3, 5, 4), (2, 3, 5, 2), second=False),
    "attention": f("scaled_dot_product_attention", (2, 3, 4), (2, 5, 4), (2, 5, 2)),
    "attention_causal": f(
        "scaled_dot_product_attention", (2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4), second=False, is_causal=True
    ),
    "attention_scale": f("scaled_dot_product_attention", (3, 4), (3, 4), (3, 4), scale=0.3),
    "attention_bool": Case(
        lambda lib, q, k, v: lib.nn.functional.scaled_dot_product_attention(q, k, v, lib.tensor(BITS)),
        (2, 4),
        (3, 4),
        (3, 4),
    ),
    "attention_blind": Case(
        lambda lib, q, k, v: lib.nn.functional.scaled_dot_product_attention(
            q, k, v, lib.tensor(BITS & BITS[::-1] & [0, 1, 1] > 0)
        ),
        (2, 4),
        (3, 4),
        (3, 4),
        second=False,
    ),
    "attention_float": f("scaled_dot_product_attention", (2, 3, 4), (2, 5, 4), (2, 5, 2), (3, 5)),
    "mha": mha(),
    "mha_heads": mha(average_attn_weights=False),
    "mha_zero": mha(add_zero_attn=True, key_padding_mask=~BITS),
    "mha_causal": mha(attn_mask=CAUSAL),
    "mha_padding": mha(key_padding_mask=~BITS),
    # losses
    **{
        f"{name}_{reduction}": f(name, (3, 4), (3, 4), reduction=reduction)
        for name in ("smooth_l1_loss", "huber_loss")
        for reduction in ("mean", "sum", "none")
    },
    "smooth_l1_loss_beta": f("smooth_l1_loss", (3, 4), (3, 4), beta=0.3),
    "huber_loss_delta": f("huber_loss", (3, 4), (3, 4), delta=0.3),
    "bce": Case(lambda lib, x, t: lib.nn.functional.binary_cross_entropy(x.sigmoid(), t.sigmoid()), (3, 4), (3, 4)),
    "bce_weight": Case(
        lambda lib, x, w: lib.nn.functional.binary_cross_entropy(
            x.sigmoid(), (x.detach() > 0).to(x.dtype), w.detach(), reduction="sum"
        ),
        (3, 4),
        (4,),
    ),
    "bce_logits": f("binary_cross_entropy_with_logits", (3, 4), (3, 4)),
    "bce_logits_wide": Case(
        lambda lib, x: lib.nn.functional.binary_cross_entropy_with_logits(x, x.detach() * 0 + 0.25, reduction="none"),
        WIDE[1:-1],
        second=False,
    ),
    "bce_logits_weights": Case(
        lambda lib, x, t, w, p: lib.nn.functional.binary_cross_entropy_with_logits(
            x, t.detach(), w.detach(), pos_weight=p.detach(), reduction="none"
        ),
        (3, 4),
        (3, 4),
        (4,),
        (4,),
    ),
    "kl_div": Case(
        lambda lib, x, t: lib.nn.functional.kl_div(x.log_softmax(1), t.softmax(1), reduction="batchmean"),
        (3, 4),
        (3, 4),
    ),
    "kl_div_log": Case(
        lambda lib, x, t: lib.nn.functional.kl_div(x, t, reduction="sum", log_target=True), (3, 4), (3, 4)
    ),
    "kl_div_zero": Case(
        lambda lib, x: lib.nn.functional.kl_div(x, lib.tensor(BITS).to(x.dtype) * 0.5, reduction="none"), (2, 3)
    ),
    **{
        f"cross_entropy_{name}": Case(
            lambda lib, x, w, options=options: lib.nn.functional.cross_entropy(
                x, lib.tensor(PLACES), weight=w.detach() ** 2, **options
            ),
            (2, 4, 3),
            (4,),
        )
        for name, options in {
            "nd": {},
            "smooth": {"label_smoothing": 0.2},
            "ignore": {"ignore_index": 0, "label_smoothing": 0.1},
            "none": {"reduction": "none", "label_smoothing": 0.1, "ignore_index": 2},
        }.items()
    },
    "cross_entropy_probabilities": Case(
        lambda lib, x, t, w: lib.nn.functional.cross_entropy(x, t.softmax(1), w.detach() ** 2, label_smoothing=0.1),
        (2, 4, 3),
        (2, 4, 3),
        (4,),
    ),
    # vectors
    "normalize": f("normalize", (3, 4)),
    "normalize_p": f("normalize", (3, 4), p=3.0, dim=0),
    "cosine_similarity": f("cosine_similarity", (3, 4), (3, 4)),
    "cosine_similarity_broadcast": f("cosine_similarity", (1, 2, 3), (2, 1, 3), dim=-2),
    "pairwise_distance": f("pairwise_distance", (3, 4), (4,)),
    "pairwise_distance_p": f("pairwise_distance", (3, 4), (3, 4), p=3.0, eps=0.1, keepdim=True),
    "cosine_similarity_dim": f("cosine_similarity", (3, 4, 2), (4, 2), dim=-1),
    # padding
    "pad": Case(lambda lib, x: lib.nn.functional.pad(x, (1, 2, 0, 1)), (2, 3)),
    "pad_value": Case(lambda lib, x: lib.nn.functional.pad(x, (1, -1, -1, 2), value=3.0), (2, 3, 2)),
    "pad_reflect": Case(lambda lib, x: lib.nn.functional.pad(x, (2, 1, 1, 0), mode="reflect"), (1, 2, 3, 4)),
    "pad_replicate": Case(lambda lib, x: lib.nn.functional.pad(x, (2, 3), mode="replicate"), (1, 2, 3)),
    "pad_circular": Case(lambda lib, x: lib.nn.functional.pad(x, (2, 3), mode="circular"), (1, 2, 3)),
    "pad_reflect_cut": Case(lambda lib, x: lib.nn.functional.pad(x, (-1, 3, 1, -2), mode="reflect"), (2, 4, 4)),
    "pad_replicate_cut": Case(lambda lib, x: lib.nn.functional.pad(x, (-4, 5), mode="replicate"), (2, 4)),
    "pad_circular_cut": Case(lambda lib, x: lib.nn.functional.pad(x, (-1, 2, 2, 1), mode="circular"), (2, 4, 4)),
    "pad_integers": Case(lambda lib, x: lib.nn.functional.pad(lib.tensor(PIXELS), (1, -1), value=1.7) * x, (1,)),
    # rearranging
    "cumsum": Case(lambda lib, x: lib.cumsum(x, 1), (2, 3, 2)),
    "sort": Case(lambda lib, x: lib.sort(x, 0, descending=True), (4, 3)),
    "sort_nan": Case(
        lambda lib, x: lib.sort(x, descending=True)[0], np.array([2.0, np.nan, -np.inf, 3.0]), second=False
    ),
    "sort_stable": Case(lambda lib, x: lib.sort(lib.tensor([1, 0, 1, 0]), stable=True, descending=True)[1] * x, (4,)),
    "argsort": Case(lambda lib, x: lib.argsort(x, 1) * x, (3, 4)),
    "topk": Case(lambda lib, x: lib.topk(x, 2, 1), (3, 4)),
    "topk_smallest": Case(lambda lib, x: x.topk(2, 0, largest=False), (3, 4)),
    "tril": Case(lambda lib, x: lib.tril(x, -1), (2, 3, 4)),
    "triu": Case(lambda lib, x: x.triu(1), (3, 4)),
    "roll": Case(lambda lib, x: lib.roll(x, (1, -2), (0, 1)), (3, 4)),
    "roll_flat": Case(lambda lib, x: lib.roll(x, 5), (3, 4)),
    "tile": Case(lambda lib, x: lib.tile(x, (2,)) + x.tile((2, 1, 2))[0, :2], (2, 3)),
    "repeat_interleave": Case(lambda lib, x: x.repeat_interleave(lib.tensor([2, 0, 1]), 1), (2, 3)),
    "repeat_interleave_flat": Case(lambda lib, x: lib.repeat_interleave(x, 2), (2, 3)),
    "meshgrid": Case(lambda lib, x, y: lib.meshgrid(x, y, indexing="ij"), (2,), (3,)),
    "meshgrid_xy": Case(lambda lib, x, y, z: lib.meshgrid(x, y, z, indexing="xy"), (2,), (3,), (1,)),
    "scatter": Case(lambda lib, x, s: lib.scatter(x, 0, lib.tensor([[0, 2, 1]]), s), (3, 3), (1, 3)),
    "scatter_number": Case(lambda lib, x: x.scatter(1, lib.tensor([[2], [0]]), 7.0), (2, 3)),
    "scatter_add": Case(lambda lib, x, s: lib.scatter_add(x, 1, lib.tensor(PLACES), s), (2, 4), (2, 3)),
    "einsum_product": Case(lambda lib, a, b: lib.einsum("ij,jk->ik", a, b), (2, 3), (3, 4)),
    "einsum_attention": Case(lambda lib, q, k: lib.einsum("bqhd,bkhd->bhqk", q, k), (2, 3, 2, 4), (2, 5, 2, 4)),
    "einsum_trace": Case(lambda lib, a, b: lib.einsum("ij,ij", a, b), (2, 3), (2, 3)),
    "einsum_three": Case(lambda lib, a, b, c: lib.einsum("bn,anm,bm->ba", a, b, c), (2, 3), (4, 3, 5), (2, 5)),
    "einsum_dots": Case(lambda lib, a, b: lib.einsum("...ij,jk->...ik", a, b), (2, 2, 3), (3, 4)),
    "einsum_sum": Case(lambda lib, a: lib.einsum("ijk->ki", a), (2, 3, 4)),
}


def results(lib: Any, inputs: list[Any], case: Case) -> list[np.ndarray[Any, Any]]:
    """Return the outputs, the gradients where there are any, and the gradients of Σ gradient²."""
    outputs = case.call(lib, *inputs)
    outputs = [y for y in (outputs if isinstance(outputs, (tuple, list)) else [outputs]) if y is not None]
    found = [y.detach() for y in outputs]
    loss = sum(
        (y * lib.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape).cos()).sum()
        for y in outputs
        if y.requires_grad
    )
    first = lib.autograd.grad(loss, inputs, create_graph=case.second, allow_unused=True)
    found += [None if g is None else g.detach() for g in first]
    if case.second:
        curved = sum((g * g).sum() for g in first if g is not None)
        second = lib.autograd.grad(curved, inputs, allow_unused=True) if curved.requires_grad else [None] * len(inputs)
        found += [lib.zeros_like(x) if g is None else g for g, x in zip(second, inputs, strict=True)]
    return [np.array(y.detach().numpy()) for y in found if y is not None]


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    with minidl.use_kernels(request.param):
        yield request.param


def compare(name: str, dtype: Any, expected: list[Any]) -> None:
    inputs = [minidl.from_numpy(x).requires_grad_() for x in CASES[name].arrays(dtype)]
    actual = results(minidl, inputs, CASES[name])
    rtol = 1e-11 if dtype == np.float64 else 2e-4
    for a, b in zip(actual, expected, strict=True):
        assert a.shape == b.shape
        scale = np.max(np.abs(b), initial=1, where=np.isfinite(b))
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)
    assert all(a.dtype == dtype for a in actual if a.dtype.kind == "f")


@pytest.mark.parametrize("name", CASES)
def test_golden_figures(name: str, mode: str) -> None:
    with np.load(GOLDEN) as golden:
        expected = [golden[key] for key in golden.files if key.rpartition(" ")[0] == name]
    compare(name, np.float64, expected)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", CASES)
def test_float32_follows_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    inputs = [torch.tensor(x, requires_grad=True) for x in CASES[name].arrays(np.float32)]
    compare(name, np.float32, results(torch, inputs, CASES[name]))


# -- what the table can't say ----------------------------------------------------------------------------------------

SAME_SHAPE = (
    "elu",
    "selu",
    "celu",
    "hardtanh",
    "relu6",
    "hardsigmoid",
    "hardswish",
    "logsigmoid",
    "mish",
    "softsign",
    "tanhshrink",
)


@pytest.mark.parametrize("name", SAME_SHAPE)
def test_nan_passes(name: str) -> None:
    assert np.isnan(getattr(F, name)(minidl.tensor([float("nan")])).item())


@pytest.mark.parametrize("name", ["elu", "selu", "celu", "hardtanh", "relu6", "hardsigmoid", "hardswish", "mish"])
def test_in_place(name: str) -> None:
    x = minidl.tensor([-1.0, 2.0])
    expected = getattr(F, name)(x).tolist()
    assert getattr(F, name)(x, inplace=True) is x
    assert x.tolist() == expected


@pytest.mark.parametrize("momentum", [0.1, 1.0])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_running_statistics_like_torch(name: str, momentum: float, mode: str) -> None:
    torch = pytest.importorskip("torch")
    draw = np.random.default_rng(0).standard_normal
    found = []
    for lib, make in ((minidl, minidl.from_numpy), (torch, torch.tensor)):
        draw = np.random.default_rng(0).standard_normal
        mean, var = make(draw(3)), make(draw(3) ** 2)
        flag = {"training" if name == "batch_norm" else "use_input_stats": True}
        for _ in range(2):
            y = getattr(lib.nn.functional, name)(make(draw((4, 3, 5))), mean, var, momentum=momentum, **flag)
        found.append([np.array(part.numpy()) for part in (y, mean, var)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_running_statistics_need_no_gradient() -> None:
    x, mean = minidl.randn(4, 3, requires_grad=True), minidl.zeros(3)
    F.batch_norm(x, mean, minidl.ones(3), training=True).sum().backward()
    assert mean.abs().sum() > 0
    assert not mean.requires_grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_variance_does_not_cancel(norm: str, dtype: Any, mode: str) -> None:
    """mean(x²) - mean(x)² of these has no digit left in float32."""
    x = minidl.from_numpy((np.arange(8.0) + 4000).astype(dtype))
    y = (
        F.layer_norm(x, (8,), eps=0.0)
        if norm == "layer"
        else F.batch_norm(x[:, None], None, None, training=True, eps=1e-30)
    )
    exact = (np.arange(8.0) - 3.5) / np.arange(8.0).std()
    np.testing.assert_allclose(y.numpy().ravel(), exact, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(2, 6, 0), (3, 4, 2, 0), (0, 4, 3)])
def test_images_without_places(shape: tuple[int, ...]) -> None:
    x, w = minidl.zeros(*shape, requires_grad=True), minidl.ones(shape[1], requires_grad=True)
    for y in (F.group_norm(x, 2, w), F.batch_norm(x, None, None, w, training=True), F.instance_norm(x, weight=w)):
        assert y.shape == shape
        dx, dw = minidl.autograd.grad(y.sum(), (x, w))
        assert dx.shape == shape and dw.tolist() == [0.0] * shape[1]


def test_embedding_max_norm_shortens_in_place() -> None:
    torch = pytest.importorskip("torch")
    table = np.random.default_rng(0).standard_normal((4, 3)) * 3
    ours, theirs = minidl.from_numpy(table.copy()).requires_grad_(), torch.tensor(table, requires_grad=True)
    y = F.embedding(minidl.tensor([2, 0, 2]), ours, max_norm=1.0)
    expected = torch.nn.functional.embedding(torch.tensor([2, 0, 2]), theirs.clone(), max_norm=1.0)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    np.testing.assert_array_equal(ours.detach().numpy()[[1, 3]], table[[1, 3]])


def test_embedding_adds_up_what_is_looked_up_often(mode: str) -> None:
    table = minidl.zeros(3, 2, requires_grad=True)
    F.embedding(minidl.tensor([[0, 2], [2, 2]]), table).sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [3.0, 3.0]]


@pytest.mark.parametrize("space", [1, 2])
def test_dropout_of_channels(space: int) -> None:
    minidl.manual_seed(0)
    drop = F.dropout1d if space == 1 else F.dropout2d
    y = drop(minidl.ones(50, 4, *(3,) * space), p=0.5).numpy().reshape(200, -1)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :1]).all()
    assert 60 < (y[:, 0] == 0).sum() < 140


def test_dropout_of_attention() -> None:
    minidl.manual_seed(0)
    x = minidl.ones(64, 64)
    y = F.scaled_dot_product_attention(x, x, x, dropout_p=0.5).numpy()
    assert 0.9 < y.mean() < 1.1
    assert y.std() > 0


def test_scatter_takes_a_part_of_src() -> None:
    y = minidl.zeros(2, 3).scatter_add(1, minidl.tensor([[0, 0]]), minidl.ones(2, 3))
    assert y.tolist() == [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert minidl.zeros(2).scatter_(0, minidl.tensor([1]), 5.0).tolist() == [0.0, 5.0]


def test_plain_arrays_give_plain_answers() -> None:
    x = np.ones((1, 2, 4))
    for y in (
        F.avg_pool1d(x, 2),
        F.layer_norm(x, (4,)),
        F.batch_norm(x, None, None, training=True),
        F.pad(x, (1, 1)),
        F.elu(x),
    ):
        assert isinstance(y, np.ndarray)


ONE = minidl.ones(1)
IMAGE, LINE, SQUARE = minidl.ones(1, 2, 4, 4), minidl.ones(1, 2, 4), minidl.ones(2, 2)
TABLE = minidl.ones(3, 2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: F.batch_norm(minidl.ones(1, 3), None, None, training=True),
            ArgumentError,
            r"more than 1 value per channel .* \(1, 3\)",
        ),
        (lambda: F.batch_norm(LINE, None, None), ArgumentError, "running_mean and running_var are needed"),
        (lambda: F.batch_norm(LINE, ONE, ONE), ShapeError, r"running_mean has shape \(1,\), expected \(2,\)"),
        (
            lambda: F.layer_norm(LINE, (3,)),
            ShapeError,
            r"normalized_shape is \(3,\), the input \(1, 2, 4\) must end with",
        ),
        (lambda: F.layer_norm(LINE, (4,), ONE), ShapeError, r"weight has shape \(1,\)"),
        (
            lambda: F.group_norm(LINE, 3),
            ArgumentError,
            "num_groups: got 3, expected a positive divisor of the 2 channels",
        ),
        (
            lambda: F.embedding(minidl.tensor([[0, 1], [3, 0]]), TABLE),
            IndexOutOfRange,
            r"index 3 at \(1, 0\) .* 3 embeddings, 0 to 2",
        ),
        (lambda: F.embedding(minidl.tensor([-1]), TABLE), IndexOutOfRange, "index -1 at 0"),
        (lambda: F.embedding(ONE, TABLE), DTypeError, "expected int64 or int32 indices"),
        (
            lambda: F.embedding(minidl.tensor([0]), TABLE, padding_idx=3),
            ArgumentError,
            "padding_idx: got 3, expected -3 to 2",
        ),
        (lambda: F.conv1d(minidl.ones(1, 3, 4), minidl.ones(2, 2, 2)), ShapeError, "conv1d: the input has 3 channels"),
        (lambda: F.conv1d(LINE, SQUARE), ShapeError, r"conv1d: weight has shape \(2, 2\)"),
        (lambda: F.conv_transpose2d(IMAGE, minidl.ones(3, 1, 2, 2)), ShapeError, "has 2 channels .* the weight 3"),
        (
            lambda: F.conv_transpose2d(IMAGE, minidl.ones(2, 1, 2, 2), output_padding=1),
            ArgumentError,
            "output_padding: got 1",
        ),
        (
            lambda: F.avg_pool2d(IMAGE, 2, padding=2),
            ArgumentError,
            "padding: got 2, expected at most half of kernel_size 2",
        ),
        (lambda: F.avg_pool2d(IMAGE, 5), ShapeError, r"\(4, 4\) is smaller than the kernel \(5, 5\)"),
        (
            lambda: F.avg_pool2d(SQUARE, 1),
            ShapeError,
            r"input has shape \(2, 2\), expected \(N, channels, height, width\)",
        ),
        (lambda: F.adaptive_avg_pool2d(IMAGE, -1), ShapeError, "output_size is -1"),
        (
            lambda: F.scaled_dot_product_attention(SQUARE, SQUARE, SQUARE, minidl.ones(3, 3) > 0),
            ShapeError,
            r"attn_mask: got shape \(3, 3\)",
        ),
        (
            lambda: F.scaled_dot_product_attention(SQUARE, SQUARE, SQUARE, minidl.tensor([1, 0])),
            DTypeError,
            "attn_mask: got int64, expected bool or float32",
        ),
        (
            lambda: F.scaled_dot_product_attention(SQUARE, SQUARE, SQUARE, SQUARE, is_causal=True),
            ArgumentError,
            "not both",
        ),
        (lambda: F.scaled_dot_product_attention(SQUARE, minidl.ones(2, 3), SQUARE), ShapeError, r"key \(2, 3\)"),
        (lambda: F.binary_cross_entropy(minidl.tensor([1.5]), ONE), ArgumentError, "probabilities from 0 to 1"),
        (
            lambda: F.binary_cross_entropy_with_logits(SQUARE, ONE),
            ShapeError,
            r"target has shape \(1,\), expected the input's \(2, 2\)",
        ),
        (lambda: F.smooth_l1_loss(ONE, ONE, beta=-1.0), ArgumentError, "beta: got -1.0"),
        (lambda: F.huber_loss(ONE, ONE, delta=0.0), ArgumentError, "delta: got 0.0"),
        (lambda: F.pad(LINE, (1,)), ShapeError, "got 1 sizes"),
        (
            lambda: F.pad(LINE, (4, 0), mode="reflect"),
            ArgumentError,
            r"\(4, 0\) for a dimension of size 4, expected at most 3",
        ),
        (lambda: F.pad(LINE, (1, 0), mode="mirror"), ArgumentError, "mode: got 'mirror'"),
        (lambda: F.pad(LINE, (-3, -3)), ShapeError, "cuts off more than the 4 places"),
        (lambda: F.prelu(SQUARE, minidl.ones(3)), ShapeError, r"expected \(1,\) or \(2,\)"),
        (lambda: F.glu(minidl.ones(3)), ShapeError, "must have an even size"),
        (lambda: F.celu(ONE, 0.0), ArgumentError, "alpha is 0"),
        (lambda: minidl.topk(ONE, 2), ArgumentError, "k: got 2, expected 0 to 1"),
        (lambda: minidl.tril(ONE), ShapeError, "at least two dimensions"),
        (
            lambda: minidl.einsum("ij,jk->ik", SQUARE, TABLE),
            ShapeError,
            "'j' in .* is 2 in one place and 3 in another",
        ),
        (lambda: minidl.einsum("ij->ij", SQUARE, SQUARE), ArgumentError, "names 1 operands, got 2"),
        (lambda: minidl.einsum("ijk->i", SQUARE), ShapeError, r"'ijk' .* does not fit an operand of shape \(2, 2\)"),
        (lambda: minidl.einsum("i2->i", SQUARE), ArgumentError, "expected letters"),
        (lambda: minidl.einsum("ij->ik", SQUARE), ArgumentError, "must name letters of the operands"),
        (
            lambda: minidl.scatter(SQUARE, 1, minidl.tensor([[2]]), 1.0),
            IndexOutOfRange,
            "got 2 for a dimension of size 2",
        ),
        (lambda: minidl.scatter(SQUARE, 1, minidl.tensor([0]), 1.0), ShapeError, "does not fit into src"),
        (lambda: minidl.repeat_interleave(SQUARE, minidl.tensor([1, -1]), 0), ArgumentError, "at least 0"),
        (lambda: minidl.roll(SQUARE, (1, 2), 0), ArgumentError, "got 2 shifts for 1 dims"),
    ],
)
def test_bad_input(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


HEADS: dict[str, Any] = {
    "embed_dim_to_check": 4,
    "num_heads": 2,
    "in_proj_weight": minidl.ones(12, 4),
    "in_proj_bias": None,
    "bias_k": None,
    "bias_v": None,
    "add_zero_attn": False,
    "dropout_p": 0.0,
    "out_proj_weight": minidl.ones(4, 4),
    "out_proj_bias": None,
}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"num_heads": 3}, ArgumentError, "3 heads do not divide the width 4"),
        (
            {"attn_mask": minidl.ones(2, 3) > 0},
            ShapeError,
            r"attn_mask: got shape \(2, 3\), expected \(3, 3\) or \(4, 3, 3\)",
        ),
        ({"attn_mask": minidl.zeros(3, 3).long()}, DTypeError, "attn_mask: got int64"),
        (
            {"key_padding_mask": minidl.ones(3, 2) > 0},
            ShapeError,
            r"key_padding_mask: got shape \(3, 2\), expected \(2, 3\)",
        ),
        ({"is_causal": True}, ArgumentError, "give attn_mask too"),
        ({"embed_dim_to_check": 6}, ShapeError, "query has 4 features"),
    ],
)
def test_bad_input_of_multi_head_attention(options: dict[str, Any], error: type[Exception], words: str) -> None:
    x = minidl.ones(3, 2, 4)
    with pytest.raises(error, match=words):
        F.multi_head_attention_forward(x, x, x, **{**HEADS, **options})


if __name__ == "__main__":
    import torch

    figures = {}
    for key, case in CASES.items():
        values = results(torch, [torch.tensor(x, requires_grad=True) for x in case.arrays(np.float64)], case)
        figures |= {f"{key} {k}": value for k, value in enumerate(values)}
    np.savez_compressed(GOLDEN, **figures)
