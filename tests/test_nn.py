"""Layers and losses: values and gradients against PyTorch's, their shapes, options and errors.

The golden figures in golden/nn.npz were computed with PyTorch 2.13 in float64; `python tests/test_nn.py` computes them
anew where torch is installed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import ArgumentError, ArgumentTypeError, DTypeError, IndexOutOfRange, ShapeError

GOLDEN = Path(__file__).parent / "golden" / "nn.npz"

LABELS = np.array([1, 0, 3])
SIGNS = np.array([[1, -1, 1, 1], [-1, 1, -1, 1], [1, 1, 1, -1]])
PROBABILITIES = np.linspace(0.1, 0.9, 12).reshape(3, 4)

# name: (the module, made of minidl.nn or torch.nn alike; shapes of its inputs, or the inputs themselves)
CASES = {
    "linear": (lambda nn: nn.Linear(5, 3), [(4, 5)]),
    "linear_no_bias": (lambda nn: nn.Linear(5, 3, bias=False), [(4, 5)]),
    "linear_vector": (lambda nn: nn.Linear(5, 3), [(5,)]),
    "linear_many_dims": (lambda nn: nn.Linear(5, 3), [(2, 1, 3, 5)]),
    "linear_one": (lambda nn: nn.Linear(1, 1), [(1, 1)]),
    "linear_no_rows": (lambda nn: nn.Linear(5, 3), [(0, 5)]),
    "net": (lambda nn: nn.Sequential(nn.Flatten(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)), [(4, 2, 4)]),
    "conv": (lambda nn: nn.Conv2d(2, 3, 3), [(2, 2, 5, 6)]),
    "conv_unbatched": (lambda nn: nn.Conv2d(2, 3, 3, padding=1), [(2, 5, 6)]),
    "conv_options": (
        lambda nn: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), groups=2, bias=False),
        [(2, 4, 7, 6)],
    ),
    "conv_same": (lambda nn: nn.Conv2d(1, 2, (4, 3), padding="same", dilation=(1, 2)), [(2, 1, 6, 7)]),
    "conv_valid": (lambda nn: nn.Conv2d(1, 2, 2, stride=2, padding="valid"), [(1, 1, 5, 5)]),
    "pool": (lambda nn: nn.MaxPool2d(2), [(2, 3, 4, 5)]),
    "pool_options": (lambda nn: nn.MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2), ceil_mode=True), [(2, 2, 7, 6)]),
    "pool_unbatched": (lambda nn: nn.MaxPool2d(2, 1), [(3, 4, 5)]),
    "lenet": (
        lambda nn: nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(2, 3, 2),
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(27, 4),
            nn.LogSoftmax(dim=1),
        ),
        [(2, 1, 8, 8)],
    ),
    "flatten": (lambda nn: nn.Flatten(), [(2, 3, 4)]),
    "flatten_middle": (lambda nn: nn.Flatten(0, 1), [(2, 3, 4)]),
    "unflatten": (lambda nn: nn.Unflatten(1, (2, -1)), [(2, 6)]),
    "identity": (lambda nn: nn.Identity(), [(2, 3)]),
    "relu": (lambda nn: nn.ReLU(), [(3, 4)]),
    "tanh": (lambda nn: nn.Tanh(), [(3, 4)]),
    "sigmoid": (lambda nn: nn.Sigmoid(), [(3, 4)]),
    "gelu": (lambda nn: nn.GELU(), [(3, 4)]),
    "gelu_tanh": (lambda nn: nn.GELU("tanh"), [(3, 4)]),
    "softmax": (lambda nn: nn.Softmax(dim=0), [(3, 4)]),
    "log_softmax": (lambda nn: nn.LogSoftmax(dim=-1), [(3, 4)]),
    "dropout_eval": (lambda nn: nn.Dropout(0.5).eval(), [(3, 4)]),
    "rnn": (lambda nn: nn.RNN(3, 4), [(5, 2, 3)]),
    "rnn_state": (lambda nn: nn.RNN(3, 4), [(5, 2, 3), (1, 2, 4)]),
    "rnn_relu": (lambda nn: nn.RNN(3, 4, nonlinearity="relu", bias=False), [(4, 2, 3)]),
    "rnn_one_step": (lambda nn: nn.RNN(3, 4), [(1, 2, 3), (1, 2, 4)]),
    "rnn_batch_first": (lambda nn: nn.RNN(3, 4, batch_first=True), [(2, 5, 3), (1, 2, 4)]),
    "rnn_unbatched": (lambda nn: nn.RNN(3, 4, batch_first=True), [(5, 3), (1, 4)]),
    "rnn_deep": (lambda nn: nn.RNN(3, 4, 2, bidirectional=True, batch_first=True), [(2, 5, 3), (4, 2, 4)]),
    "rnn_deep_eval": (lambda nn: nn.RNN(3, 4, num_layers=2, dropout=0.5).eval(), [(2, 3, 3)]),
    "cross_entropy": (lambda nn: nn.CrossEntropyLoss(), [(3, 4), LABELS]),
    "cross_entropy_sum": (lambda nn: nn.CrossEntropyLoss(reduction="sum"), [(3, 4), LABELS]),
    "cross_entropy_options": (
        lambda nn: nn.CrossEntropyLoss(weights(nn), ignore_index=0, label_smoothing=0.1, reduction="mean"),
        [(3, 4), LABELS],
    ),
    "cross_entropy_images": (lambda nn: nn.CrossEntropyLoss(reduction="none"), [(2, 4, 3), np.array([LABELS, LABELS])]),
    "cross_entropy_probabilities": (lambda nn: nn.CrossEntropyLoss(), [(3, 4), np.full((3, 4), 0.25)]),
    "nll": (lambda nn: nn.NLLLoss(weights(nn)), [(3, 4), LABELS]),
    "nll_ignored": (lambda nn: nn.NLLLoss(ignore_index=3, reduction="none"), [(3, 4), LABELS]),
    "mse": (lambda nn: nn.MSELoss(), [(3, 4), (3, 4)]),
    "mse_none": (lambda nn: nn.MSELoss(reduction="none"), [(3, 4), (3, 4)]),
    "l1": (lambda nn: nn.L1Loss(), [(3, 4), (3, 4)]),
    "l1_sum": (lambda nn: nn.L1Loss(reduction="sum"), [(3, 4), (3, 4)]),
    "bce_weight": (lambda nn: nn.BCELoss(reduction="sum"), [PROBABILITIES, np.full((3, 4), 0.25)]),
    "bce_logits": (lambda nn: nn.BCEWithLogitsLoss(pos_weight=weights(nn)), [(3, 4), np.full((3, 4), 0.25)]),
    "poisson": (lambda nn: nn.PoissonNLLLoss(full=True), [(3, 4), PROBABILITIES * 8]),
    "gaussian": (lambda nn: nn.GaussianNLLLoss(full=True, reduction="sum"), [(3, 4), (3, 4), PROBABILITIES]),
    "hinge_embedding": (lambda nn: nn.HingeEmbeddingLoss(0.5), [(3, 4), SIGNS]),
    "soft_margin": (lambda nn: nn.SoftMarginLoss(reduction="none"), [(3, 4), SIGNS]),
    "margin_ranking": (lambda nn: nn.MarginRankingLoss(0.5), [(3, 4), (3, 4), SIGNS]),
    "cosine_embedding": (lambda nn: nn.CosineEmbeddingLoss(0.1), [(3, 4), (3, 4), SIGNS[:, 0]]),
    "multi_margin": (lambda nn: nn.MultiMarginLoss(2, 0.5, weights(nn)), [(3, 4), LABELS]),
    "multilabel_margin": (lambda nn: nn.MultiLabelMarginLoss(), [(3, 4), np.array([[0, 2, -1, 1]] * 3)]),
    "multilabel_soft_margin": (lambda nn: nn.MultiLabelSoftMarginLoss(weights(nn)), [(3, 4), PROBABILITIES]),
    "triplet_margin": (lambda nn: nn.TripletMarginLoss(2.0, swap=True), [(3, 4), (3, 4), (3, 4)]),
    "triplet_distance": (
        lambda nn: nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: ((x - y) ** 2).sum(1)),
        [(3, 4), (3, 4), (3, 4)],
    ),
    "softshrink": (lambda nn: nn.Softshrink(0.3), [(3, 4)]),
    "hardshrink": (lambda nn: nn.Hardshrink(), [(3, 4)]),
    "rrelu_eval": (lambda nn: nn.RReLU().eval(), [(3, 4)]),
    "softmax2d": (lambda nn: nn.Softmax2d(), [(2, 3, 2, 2)]),
}


def using(nn, module, forward):
    """A module around another that calls it as `forward(module, *inputs)` says."""

    class Using(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, *inputs):
            return forward(library(nn), self.inner, *inputs)

    return Using()


def lstm_from(nn, *args, **options):
    """An LSTM, or a cell, that takes its two states one by one."""
    kind = options.pop("kind", "LSTM")
    return using(nn, getattr(nn, kind)(*args, **options), lambda lib, lstm, x, h, c: lstm(x, (h, c)))


def on_packed(nn, kind, lengths, *args, **options):
    """A recurrent layer that reads sequences of these lengths and fills up what it returns."""

    def forward(lib, layer, x, *states):
        rnn, first = lib.nn.utils.rnn, layer.batch_first
        packed = rnn.pack_padded_sequence(x, lib.tensor(lengths), first, enforce_sorted=False)
        output, last = layer(packed, *([states] if len(states) == 2 else states))
        return rnn.pad_packed_sequence(output, first)[0], last

    return using(nn, getattr(nn, kind)(*args, **options), forward)


def flat(outputs):
    """Return the Tensors of an answer, which may be tuples of tuples."""
    return [y for part in outputs for y in flat(part)] if isinstance(outputs, tuple) else [outputs]


RECURRENT = {
    "lstm": (lambda nn: nn.LSTM(3, 4), [(5, 2, 3)]),
    "lstm_no_bias": (lambda nn: nn.LSTM(3, 4, bias=False), [(5, 2, 3)]),
    "lstm_state": (lambda nn: lstm_from(nn, 3, 4), [(5, 2, 3), (1, 2, 4), (1, 2, 4)]),
    "lstm_one_step": (lambda nn: lstm_from(nn, 3, 4), [(1, 1, 3), (1, 1, 4), (1, 1, 4)]),
    "lstm_unbatched": (lambda nn: lstm_from(nn, 3, 4, batch_first=True), [(5, 3), (1, 4), (1, 4)]),
    "lstm_deep": (
        lambda nn: lstm_from(nn, 3, 4, 2, batch_first=True, bidirectional=True),
        [(2, 5, 3), (4, 2, 4), (4, 2, 4)],
    ),
    "lstm_deep_eval": (lambda nn: nn.LSTM(3, 4, num_layers=3, dropout=0.5).eval(), [(2, 3, 3)]),
    "lstm_packed": (lambda nn: on_packed(nn, "LSTM", [2, 5, 3], 3, 4), [(5, 3, 3)]),
    "lstm_packed_deep": (
        lambda nn: on_packed(nn, "LSTM", [2, 5, 5, 1], 3, 2, 2, batch_first=True, bidirectional=True),
        [(4, 5, 3), (4, 4, 2), (4, 4, 2)],
    ),
    "gru": (lambda nn: nn.GRU(3, 4), [(5, 2, 3)]),
    "gru_no_bias": (lambda nn: nn.GRU(3, 4, bias=False), [(5, 2, 3)]),
    "gru_state": (lambda nn: nn.GRU(3, 4), [(5, 2, 3), (1, 2, 4)]),
    "gru_unbatched": (lambda nn: nn.GRU(3, 4, batch_first=True), [(5, 3), (1, 4)]),
    "gru_deep": (lambda nn: nn.GRU(3, 4, 2, bidirectional=True, batch_first=True), [(2, 5, 3), (4, 2, 4)]),
    "gru_packed": (lambda nn: on_packed(nn, "GRU", [2, 5, 3], 3, 4), [(5, 3, 3), (1, 3, 4)]),
    "gru_packed_deep": (
        lambda nn: on_packed(nn, "GRU", [5, 4, 1], 3, 2, 2, bidirectional=True),
        [(5, 3, 3), (4, 3, 2)],
    ),
    "rnn_packed": (lambda nn: on_packed(nn, "RNN", [4, 5, 1], 3, 4, 2, batch_first=True), [(3, 5, 3), (2, 3, 4)]),
    "rnn_packed_relu": (
        lambda nn: on_packed(nn, "RNN", [1, 2], 3, 4, nonlinearity="relu", bidirectional=True),
        [(2, 2, 3)],
    ),
    "rnn_cell": (lambda nn: nn.RNNCell(3, 4), [(2, 3), (2, 4)]),
    "rnn_cell_relu": (lambda nn: nn.RNNCell(3, 4, bias=False, nonlinearity="relu"), [(3,), (4,)]),
    "rnn_cell_zeros": (lambda nn: nn.RNNCell(3, 4), [(2, 3)]),
    "lstm_cell": (lambda nn: lstm_from(nn, 3, 4, kind="LSTMCell"), [(2, 3), (2, 4), (2, 4)]),
    "lstm_cell_one": (lambda nn: nn.LSTMCell(3, 4, bias=False), [(3,)]),
    "gru_cell": (lambda nn: nn.GRUCell(3, 4), [(2, 3), (2, 4)]),
    "gru_cell_one": (lambda nn: nn.GRUCell(3, 4, bias=False), [(3,)]),
}

# bool masks say True where a query must not look; a first argument that is no Tensor is written into the forward
CAUSAL = np.triu(np.ones((4, 4), bool), 1)
PADDING = np.array([[False, False, False, True], [False, False, True, True]])


def attention(nn, *args, **options):
    """A MultiheadAttention, and how it is called: `masks` are arrays by the names of its arguments."""
    masks, call = options.pop("masks", {}), options.pop("call", {})
    itself = options.pop("itself", False)

    def forward(lib, layer, query, *others):
        key, value = (query, query) if itself else others
        given = {name: lib.tensor(mask) for name, mask in masks.items()}
        given = {name: m.to(query.dtype) if "float" in str(m.dtype) else m for name, m in given.items()}
        output, weights = layer(query, key, value, **given, **call)
        return output if weights is None else (output, weights)

    return using(nn, nn.MultiheadAttention(*args, **options), forward)


CONVOLUTIONS = {
    "conv1d": (lambda nn: nn.Conv1d(2, 3, 3), [(2, 2, 6)]),
    "conv1d_options": (
        lambda nn: nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False),
        [(2, 4, 9)],
    ),
    "conv1d_same": (lambda nn: nn.Conv1d(2, 3, (4,), padding="same"), [(1, 2, 6)]),
    "conv1d_unbatched": (lambda nn: nn.Conv1d(2, 3, 2, padding="valid"), [(2, 6)]),
    "conv_transpose1d": (lambda nn: nn.ConvTranspose1d(3, 2, 3, stride=2, padding=1, output_padding=1), [(2, 3, 5)]),
    "conv_transpose2d": (lambda nn: nn.ConvTranspose2d(3, 2, 3), [(2, 3, 4, 5)]),
    "conv_transpose2d_options": (
        lambda nn: nn.ConvTranspose2d(
            4, 6, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), groups=2, bias=False, dilation=(2, 1)
        ),
        [(2, 4, 3, 4)],
    ),
    "conv_transpose2d_unbatched": (lambda nn: nn.ConvTranspose2d(3, 2, 2, 2), [(3, 4, 5)]),
    "conv_transpose2d_size": (
        lambda nn: using(
            nn, nn.ConvTranspose2d(1, 2, 3, stride=2, padding=1), lambda lib, layer, x: layer(x, output_size=[8, 9])
        ),
        [(1, 1, 4, 5)],
    ),
}

POOLS = {
    "max_pool1d": (lambda nn: nn.MaxPool1d(2), [(2, 3, 5)]),
    "max_pool1d_options": (lambda nn: nn.MaxPool1d(3, 2, 1, 2, ceil_mode=True), [(3, 9)]),
    "avg_pool1d": (lambda nn: nn.AvgPool1d(3, stride=2, padding=1, count_include_pad=False), [(2, 3, 6)]),
    "avg_pool1d_unbatched": (lambda nn: nn.AvgPool1d(2, ceil_mode=True), [(3, 5)]),
    "avg_pool": (lambda nn: nn.AvgPool2d(2), [(2, 3, 4, 5)]),
    "avg_pool_options": (lambda nn: nn.AvgPool2d((3, 2), (2, 1), (1, 0), ceil_mode=True), [(2, 2, 6, 5)]),
    "avg_pool_inside": (lambda nn: nn.AvgPool2d(3, 2, 1, True, False), [(2, 2, 6, 5)]),
    "avg_pool_divisor": (lambda nn: nn.AvgPool2d(2, divisor_override=3), [(2, 4, 5)]),
    "adaptive_avg_pool1d": (lambda nn: nn.AdaptiveAvgPool1d(3), [(2, 3, 7)]),
    "adaptive_avg_pool": (lambda nn: nn.AdaptiveAvgPool2d((3, 2)), [(2, 3, 7, 5)]),
    "adaptive_avg_pool_one": (lambda nn: nn.AdaptiveAvgPool2d(1), [(2, 3, 4, 5)]),
    "adaptive_avg_pool_none": (lambda nn: nn.AdaptiveAvgPool2d((None, 8)), [(3, 4, 5)]),
}

NORMS = {
    "batch_norm1d": (lambda nn: nn.BatchNorm1d(3), [(5, 3)]),
    "batch_norm1d_long": (lambda nn: nn.BatchNorm1d(3, momentum=0.3, eps=1e-2), [(2, 3, 4)]),
    "batch_norm1d_eval": (lambda nn: nn.BatchNorm1d(3).eval(), [(5, 3)]),
    "batch_norm2d": (lambda nn: nn.BatchNorm2d(3), [(2, 3, 4, 5)]),
    "batch_norm2d_eval": (lambda nn: nn.BatchNorm2d(3).eval(), [(2, 3, 4, 5)]),
    "batch_norm2d_plain": (lambda nn: nn.BatchNorm2d(3, affine=False), [(2, 3, 4, 5)]),
    "batch_norm2d_no_bias": (lambda nn: nn.BatchNorm2d(3, bias=False), [(2, 3, 4, 5)]),
    "batch_norm2d_cumulative": (
        lambda nn: using(nn, nn.BatchNorm2d(3, momentum=None), lambda lib, norm, x: norm(norm(x) + x)),
        [(2, 3, 4, 5)],
    ),
    "batch_norm2d_untracked": (lambda nn: nn.BatchNorm2d(3, track_running_stats=False).eval(), [(2, 3, 4, 5)]),
    "batch_norm2d_twice": (
        lambda nn: using(nn, nn.BatchNorm2d(3), lambda lib, norm, x: norm(norm(x) + x)),
        [(2, 3, 4, 5)],
    ),
    "instance_norm1d": (lambda nn: nn.InstanceNorm1d(3), [(2, 3, 5)]),
    "instance_norm1d_unbatched": (lambda nn: nn.InstanceNorm1d(3, affine=True), [(3, 5)]),
    "instance_norm2d": (lambda nn: nn.InstanceNorm2d(3, affine=True), [(2, 3, 4, 5)]),
    "instance_norm2d_tracked": (lambda nn: nn.InstanceNorm2d(3, track_running_stats=True), [(2, 3, 4, 5)]),
    "instance_norm2d_eval": (
        lambda nn: nn.InstanceNorm2d(3, affine=True, track_running_stats=True).eval(),
        [(2, 3, 4, 5)],
    ),
    "layer_norm": (lambda nn: nn.LayerNorm(5), [(2, 3, 5)]),
    "layer_norm_two": (lambda nn: nn.LayerNorm((3, 5), eps=1e-3), [(2, 3, 5)]),
    "layer_norm_plain": (lambda nn: nn.LayerNorm([5], elementwise_affine=False), [(2, 5)]),
    "layer_norm_no_bias": (lambda nn: nn.LayerNorm(5, bias=False), [(5,)]),
    "group_norm": (lambda nn: nn.GroupNorm(2, 4), [(3, 4, 5, 2)]),
    "group_norm_plain": (lambda nn: nn.GroupNorm(3, 6, affine=False, eps=1e-3), [(2, 6)]),
    "rms_norm": (lambda nn: nn.RMSNorm(5), [(2, 3, 5)]),
    "rms_norm_options": (lambda nn: nn.RMSNorm((3, 5), eps=1e-3, elementwise_affine=False), [(2, 3, 5)]),
}

WORDS = np.array([[1, 0, 4], [4, 4, 2]])

EMBEDDINGS = {
    "embedding": (lambda nn: nn.Embedding(5, 3), [WORDS]),
    "embedding_padding": (lambda nn: nn.Embedding(5, 3, padding_idx=-1), [WORDS]),
    "embedding_max_norm": (lambda nn: nn.Embedding(5, 3, max_norm=0.5, norm_type=1.0), [WORDS]),
}

ATTENTION = {
    "attention": (lambda nn: attention(nn, 6, 2), [(3, 2, 6), (4, 2, 6), (4, 2, 6)]),
    "attention_itself": (lambda nn: attention(nn, 6, 3, batch_first=True, itself=True), [(2, 4, 6)]),
    "attention_unbatched": (lambda nn: attention(nn, 6, 2), [(3, 6), (4, 6), (4, 6)]),
    "attention_unbatched_padding": (
        lambda nn: attention(nn, 6, 2, bias=False, masks={"key_padding_mask": PADDING[0]}),
        [(3, 6), (4, 6), (4, 6)],
    ),
    "attention_no_weights": (
        lambda nn: attention(nn, 6, 2, batch_first=True, call={"need_weights": False}),
        [(2, 3, 6), (2, 4, 6), (2, 4, 6)],
    ),
    "attention_each_head": (
        lambda nn: attention(nn, 6, 2, kdim=5, vdim=3, call={"average_attn_weights": False}),
        [(3, 2, 6), (4, 2, 5), (4, 2, 3)],
    ),
    "attention_masks": (
        lambda nn: attention(
            nn, 6, 2, itself=True, batch_first=True, masks={"attn_mask": CAUSAL, "key_padding_mask": PADDING}
        ),
        [(2, 4, 6)],
    ),
    "attention_masks_no_weights": (
        lambda nn: attention(
            nn,
            6,
            2,
            itself=True,
            batch_first=True,
            call={"need_weights": False},
            masks={"attn_mask": CAUSAL * 0.5, "key_padding_mask": PADDING * -2.0},
        ),
        [(2, 4, 6)],
    ),
    "attention_mask_of_each_head": (
        lambda nn: attention(nn, 6, 2, itself=True, masks={"attn_mask": np.stack([CAUSAL, CAUSAL & False] * 2)}),
        [(4, 2, 6)],
    ),
    "attention_causal": (
        lambda nn: attention(
            nn, 6, 2, itself=True, masks={"attn_mask": CAUSAL}, call={"need_weights": False, "is_causal": True}
        ),
        [(4, 2, 6)],
    ),
    "attention_more_keys": (
        lambda nn: attention(nn, 6, 2, itself=True, add_bias_kv=True, add_zero_attn=True, masks={"attn_mask": CAUSAL}),
        [(4, 2, 6)],
    ),
    "attention_eval": (lambda nn: attention(nn, 6, 2, dropout=0.5, itself=True).eval(), [(4, 2, 6)]),
    "encoder_layer": (lambda nn: nn.TransformerEncoderLayer(6, 2, 8, 0.0), [(4, 2, 6)]),
    "encoder_layer_options": (
        lambda nn: nn.TransformerEncoderLayer(
            6, 3, 8, 0.0, "gelu", 1e-3, batch_first=True, norm_first=True, bias=False
        ),
        [(2, 4, 6)],
    ),
    "encoder_layer_eval": (lambda nn: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True).eval(), [(2, 4, 6)]),
    "encoder_layer_module": (lambda nn: nn.TransformerEncoderLayer(6, 2, 8, 0.0, activation=nn.Tanh()), [(4, 6)]),
    "encoder": (
        lambda nn: using(
            nn,
            nn.TransformerEncoder(
                nn.TransformerEncoderLayer(6, 2, 8, 0.0), 2, nn.LayerNorm(6), enable_nested_tensor=False
            ),
            lambda lib, encoder, x: encoder(x, mask=lib.tensor(CAUSAL), src_key_padding_mask=lib.tensor(PADDING)),
        ),
        [(4, 2, 6)],
    ),
    "decoder_layer": (lambda nn: nn.TransformerDecoderLayer(6, 2, 8, 0.0), [(3, 2, 6), (4, 2, 6)]),
    "decoder_layer_options": (
        lambda nn: nn.TransformerDecoderLayer(6, 2, 8, 0.0, nn.Sigmoid(), batch_first=True, norm_first=True),
        [(2, 3, 6), (2, 4, 6)],
    ),
    "decoder": (
        lambda nn: using(
            nn,
            nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), 2),
            lambda lib, decoder, x, memory: decoder(
                x, memory, tgt_mask=lib.tensor(CAUSAL), memory_key_padding_mask=lib.tensor(PADDING)
            ),
        ),
        [(4, 2, 6), (4, 2, 6)],
    ),
    "transformer": (
        lambda nn: using(
            nn,
            nn.Transformer(6, 2, 1, 2, 8, 0.0, batch_first=True),
            lambda lib, net, src, tgt: net(src, tgt, tgt_mask=net.generate_square_subsequent_mask(3).to(src.dtype)),
        ),
        [(2, 4, 6), (2, 3, 6)],
    ),
}

ACTIVATIONS = {
    "leaky_relu": (lambda nn: nn.LeakyReLU(), [(3, 4)]),
    "leaky_relu_slope": (lambda nn: nn.LeakyReLU(0.3), [(3, 4)]),
    "prelu": (lambda nn: nn.PReLU(), [(3, 4)]),
    "prelu_channels": (lambda nn: nn.PReLU(4, init=0.5), [(3, 4, 2)]),
    "elu": (lambda nn: nn.ELU(), [(3, 4)]),
    "elu_alpha": (lambda nn: nn.ELU(0.5), [(3, 4)]),
    "selu": (lambda nn: nn.SELU(), [(3, 4)]),
    "celu": (lambda nn: nn.CELU(0.5), [(3, 4)]),
    "silu": (lambda nn: nn.SiLU(), [(3, 4)]),
    "mish": (lambda nn: nn.Mish(), [(3, 4)]),
    "hardtanh": (lambda nn: nn.Hardtanh(), [(3, 4)]),
    "hardtanh_range": (lambda nn: nn.Hardtanh(-0.5, 0.25), [(3, 4)]),
    "relu6": (lambda nn: nn.ReLU6(), [(3, 4)]),
    "hardsigmoid": (lambda nn: nn.Hardsigmoid(), [(3, 4)]),
    "hardswish": (lambda nn: nn.Hardswish(), [(3, 4)]),
    "log_sigmoid": (lambda nn: nn.LogSigmoid(), [(3, 4)]),
    "softplus": (lambda nn: nn.Softplus(), [(3, 4)]),
    "softplus_options": (lambda nn: nn.Softplus(2.0, 1.0), [(3, 4)]),
    "softsign": (lambda nn: nn.Softsign(), [(3, 4)]),
    "tanhshrink": (lambda nn: nn.Tanhshrink(), [(3, 4)]),
    "threshold": (lambda nn: nn.Threshold(0.1, 20.0), [(3, 4)]),
    "glu": (lambda nn: nn.GLU(0), [(4, 3)]),
    "softmin": (lambda nn: nn.Softmin(dim=1), [(3, 4)]),
}

PADS = {
    "zero_pad1d": (lambda nn: nn.ZeroPad1d((1, 2)), [(2, 3, 4)]),
    "zero_pad2d": (lambda nn: nn.ZeroPad2d(1), [(2, 3, 4, 5)]),
    "constant_pad1d": (lambda nn: nn.ConstantPad1d(2, 0.5), [(3, 4)]),
    "constant_pad2d": (lambda nn: nn.ConstantPad2d((1, 0, -1, 2), 0.5), [(2, 3, 4, 5)]),
    "reflection_pad1d": (lambda nn: nn.ReflectionPad1d((3, 1)), [(2, 3, 4)]),
    "reflection_pad2d": (lambda nn: nn.ReflectionPad2d((1, 2, 3, 0)), [(2, 3, 4, 5)]),
    "replication_pad1d": (lambda nn: nn.ReplicationPad1d(3), [(2, 3, 4)]),
    "replication_pad2d": (lambda nn: nn.ReplicationPad2d((1, 2, 3, 0)), [(3, 4, 5)]),
}

HALVES = np.random.default_rng(0).uniform(0.05, 0.95, (3, 4))

LOSSES = {
    "smooth_l1": (lambda nn: nn.SmoothL1Loss(), [(3, 4), (3, 4)]),
    "smooth_l1_beta": (lambda nn: nn.SmoothL1Loss(reduction="none", beta=0.5), [(3, 4), (3, 4)]),
    "huber": (lambda nn: nn.HuberLoss(), [(3, 4), (3, 4)]),
    "huber_delta": (lambda nn: nn.HuberLoss("sum", delta=0.5), [(3, 4), (3, 4)]),
    "bce": (lambda nn: nn.BCELoss(), [HALVES, HALVES[::-1].copy()]),
    "bce_weight": (lambda nn: nn.BCELoss(weights(nn), reduction="sum"), [HALVES, HALVES[::-1].copy()]),
    "bce_logits": (lambda nn: nn.BCEWithLogitsLoss(), [(3, 4), HALVES]),
    "bce_logits_options": (
        lambda nn: nn.BCEWithLogitsLoss(weights(nn), reduction="none", pos_weight=weights(nn)),
        [(3, 4), HALVES],
    ),
    "kl_div": (lambda nn: nn.KLDivLoss(reduction="batchmean"), [np.log(HALVES), HALVES[::-1].copy()]),
    "kl_div_log": (lambda nn: nn.KLDivLoss(reduction="sum", log_target=True), [np.log(HALVES), np.log(HALVES[::-1])]),
}

CASES |= RECURRENT | CONVOLUTIONS | POOLS | NORMS | EMBEDDINGS | ATTENTION | ACTIVATIONS | PADS | LOSSES


def library(nn):
    """Return minidl or torch, of which `nn` is a part."""
    if nn is minidl.nn:
        return minidl
    import torch

    return torch


def weights(nn):
    return library(nn).tensor([1.0, 2.0, 0.5, 3.0], dtype=library(nn).float64)


def inputs_of(name):
    rng = np.random.default_rng(list(name.encode()))
    return [shape if isinstance(shape, np.ndarray) else rng.standard_normal(shape) for shape in CASES[name][1]], rng


def run(nn, name, values, dtype="float64"):
    """Return the outputs of a case and all gradients of Σ output · cotangent; `values` are its inputs, weights, ..."""
    lib = library(nn)
    module = CASES[name][0](nn).to(getattr(lib, dtype))
    state = {key.removeprefix("state."): value for key, value in values.items() if key.startswith("state.")}
    module.load_state_dict({key: lib.tensor(as_kind(value, dtype)) for key, value in state.items()})
    inputs = []
    for k in range(len(CASES[name][1])):
        x = values[f"input.{k}"]
        inputs.append(lib.tensor(as_kind(x, dtype), requires_grad=x.dtype.kind == "f"))
    outputs = flat(module(*inputs))
    total = sum((y * lib.tensor(values[f"cotangent.{k}"].astype(dtype))).sum() for k, y in enumerate(outputs))
    total.backward()
    found = {f"output.{k}": y.detach().numpy() for k, y in enumerate(outputs)}
    found |= {f"d_input.{k}": x.grad.numpy() for k, x in enumerate(inputs) if x.requires_grad}
    found |= {f"d.{key}": p.grad.numpy() for key, p in module.named_parameters()}
    found |= {f"after.{key}": buffer.numpy() for key, buffer in module.named_buffers()}
    return found


def as_kind(value, dtype):
    """Return an array in this dtype if it is floating."""
    return value.astype(dtype) if value.dtype.kind == "f" else value


def given(name, torch):
    """Return the inputs, weights and cotangents of a case, drawn with its name as the seed."""
    inputs, rng = inputs_of(name)
    module = CASES[name][0](torch.nn).to(torch.float64)
    outputs = flat(module(*map(torch.tensor, inputs)))
    values = {f"input.{k}": x for k, x in enumerate(inputs)}
    values |= {f"state.{key}": rng.standard_normal(tuple(v.shape)) * 0.5 for key, v in module.named_parameters()}
    values |= {f"state.{key}": v.numpy().copy() for key, v in module.named_buffers()}  # running values, after one run
    values |= {f"cotangent.{k}": rng.standard_normal(tuple(y.shape)) for k, y in enumerate(outputs)}
    return values


def write_golden():
    import torch

    kept = {}
    for name in CASES:
        values = given(name, torch)
        for key, value in {**values, **run(torch.nn, name, values)}.items():
            kept[f"{name}/{key}"] = value
    np.savez_compressed(GOLDEN, **kept)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        cases: dict = {name: {} for name in CASES}
        for key in file.files:
            name, _, part = key.partition("/")
            cases[name][part] = file[key]
    return cases


ROUNDED = ("hardsigmoid",)  # PyTorch's gradient has a factor 1/6 rounded to float32, in float64 too


def assert_same(name, found, expected, dtype):
    exact = dtype == "float64" and name not in ROUNDED
    tolerance = {"rtol": 1e-12, "atol": 1e-13} if exact else {"rtol": 1e-5, "atol": 2e-6}
    for key, value in found.items():
        assert value.dtype == (dtype if expected[key].dtype.kind == "f" else expected[key].dtype), key
        assert value.shape == expected[key].shape, key
        np.testing.assert_allclose(value, expected[key], err_msg=key, **tolerance)


@pytest.mark.parametrize("mode", ["compiled", "reference", "formula"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_golden(golden, name, dtype, mode):
    with minidl.use_kernels(mode):
        found = run(nn, name, golden[name], dtype)
    assert {key for key in golden[name] if key.startswith(("output", "d", "after"))} == set(found)
    assert_same(name, found, golden[name], dtype)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", CASES)
def test_live(name):
    torch = pytest.importorskip("torch")
    values = given(name, torch)
    assert_same(name, run(nn, name, values), run(torch.nn, name, values), "float64")


@pytest.mark.parametrize("name", CASES)
def test_structure_is_torchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = (CASES[name][0](library.nn) for library in (minidl, torch))
    assert repr(ours) == repr(theirs)
    assert ours.training == theirs.training
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    for key, value in state.items():
        assert value.shape == tuple(expected[key].shape), key
        assert f"torch.{value.dtype}" == str(expected[key].dtype), key
    assert [key for key, _ in ours.named_parameters()] == [key for key, _ in theirs.named_parameters()]


def test_not_contiguous_inputs():
    x = minidl.tensor(np.arange(24.0).reshape(4, 6).T[::2])  # (3, 4), strides in both dimensions
    layer = nn.Linear(4, 2, dtype=minidl.float64)
    np.testing.assert_array_equal(layer(x).tolist(), layer(minidl.tensor(x.numpy().copy())).tolist())
    rnn = nn.RNN(4, 2, batch_first=True, dtype=minidl.float64)
    y = minidl.tensor(np.arange(40.0).reshape(5, 4, 2).transpose(2, 0, 1))
    np.testing.assert_array_equal(rnn(y)[0].tolist(), rnn(minidl.tensor(y.numpy().copy()))[0].tolist())


def test_nan_passes():
    for layer in (nn.Linear(2, 2), nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.Softmax(dim=0)):
        assert np.isnan(layer(minidl.tensor([float("nan"), 1.0])).detach().numpy()).any(), layer
    assert np.isnan(nn.MaxPool2d(2)(minidl.full((1, 2, 2), float("nan"))).item())
    output, h_n = nn.RNN(2, 2)(minidl.full((3, 1, 2), float("nan")))
    assert np.isnan(output.detach().numpy()).all()
    assert np.isnan(h_n.detach().numpy()).all()


def test_plain_arrays_are_taken():
    assert nn.Linear(2, 3)(np.ones((4, 2), np.float32)).shape == (4, 3)
    assert nn.Flatten()(np.ones((4, 2, 3))).shape == (4, 6)
    assert nn.RNN(2, 3)(np.ones((4, 1, 2), np.float32))[0].shape == (4, 1, 3)


# -- Dropout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [minidl.float32, minidl.float64])
def test_dropout(dtype):
    minidl.manual_seed(0)
    x = minidl.ones(100, 100, dtype=dtype, requires_grad=True)
    dropout = nn.Dropout(0.3)
    y = dropout(x)
    assert y.dtype == dtype
    kept = y.detach().numpy() != 0
    np.testing.assert_allclose(y.detach().numpy()[kept], 1 / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 0.02
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())  # the same mask on the way back
    assert not np.array_equal(dropout(x).detach().numpy(), y.detach().numpy())
    np.testing.assert_array_equal(dropout.eval()(x).detach().numpy(), 1)
    assert nn.Dropout(1.0)(x).abs().sum().item() == 0
    assert nn.Dropout(0.0)(x).sum().item() == 10_000
    z = minidl.ones(50)
    assert nn.Dropout(0.5, inplace=True)(z) is z
    assert set(z.tolist()) == {0.0, 2.0}


def test_inplace_relu():
    z = minidl.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(z) is z
    assert z.tolist() == [0.0, 2.0]


# -- RNN -------------------------------------------------------------------------------------------------------------


def test_rnn_names_and_order():
    rnn = nn.RNN(3, 4, num_layers=2, bidirectional=True)
    assert [(name, p.shape) for name, p in rnn.named_parameters()] == [
        ("weight_ih_l0", (4, 3)), ("weight_hh_l0", (4, 4)), ("bias_ih_l0", (4,)), ("bias_hh_l0", (4,)),
        ("weight_ih_l0_reverse", (4, 3)), ("weight_hh_l0_reverse", (4, 4)),
        ("bias_ih_l0_reverse", (4,)), ("bias_hh_l0_reverse", (4,)),
        ("weight_ih_l1", (4, 8)), ("weight_hh_l1", (4, 4)), ("bias_ih_l1", (4,)), ("bias_hh_l1", (4,)),
        ("weight_ih_l1_reverse", (4, 8)), ("weight_hh_l1_reverse", (4, 4)),
        ("bias_ih_l1_reverse", (4,)), ("bias_hh_l1_reverse", (4,)),
    ]  # fmt: skip
    assert [[w.shape for w in layer] for layer in nn.RNN(3, 4, bias=False).all_weights] == [[(4, 3), (4, 4)]]
    rnn.flatten_parameters()


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_rnn_shapes(batch):
    rnn = nn.RNN(3, 4, num_layers=2, bidirectional=True)
    output, h_n = rnn(minidl.zeros(5, batch, 3))
    assert output.shape == (5, batch, 8)
    assert h_n.shape == (4, batch, 4)


def test_rnn_is_the_textbooks_formula():
    """h_t = f(W·[h_{t-1}, x_t] + b), with W = [W_hh, W_ih] and b = b_ih + b_hh."""
    rnn = nn.RNN(3, 4, dtype=minidl.float64)
    x = minidl.randn(5, 2, 3, dtype=minidl.float64)
    W = np.concatenate([rnn.weight_hh_l0.detach().numpy(), rnn.weight_ih_l0.detach().numpy()], axis=1)
    b = (rnn.bias_ih_l0 + rnn.bias_hh_l0).detach().numpy()
    h = np.zeros((2, 4))
    for t in range(5):
        h = np.tanh(np.concatenate([h, x[t].numpy()], axis=1) @ W.T + b)
        np.testing.assert_allclose(rnn(x)[0][t].detach().numpy(), h, rtol=1e-12)


@pytest.mark.parametrize("mode", ["compiled", "reference", "formula"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_rnn_gradients_by_finite_differences(steps, layers, bidirectional, mode):
    """Of every input at every time step, every initial state and every weight."""
    minidl.manual_seed(0)
    rnn = nn.RNN(2, 3, layers, bidirectional=bidirectional, dtype=minidl.float64)
    directions = 2 if bidirectional else 1
    x = minidl.randn(steps, 2, 2, dtype=minidl.float64, requires_grad=True)
    h0 = minidl.randn(layers * directions, 2, 3, dtype=minidl.float64, requires_grad=True)
    dy = minidl.randn(steps, 2, 3 * directions, dtype=minidl.float64)
    dh = minidl.randn(layers * directions, 2, 3, dtype=minidl.float64)

    def value():
        output, h_n = rnn(x, h0)
        return (output * dy).sum() + (h_n * dh).sum()

    with minidl.use_kernels(mode):
        value().backward()
        with minidl.no_grad():
            for tensor in (x, h0, *rnn.parameters()):
                values, expected = tensor.array, np.empty(tensor.shape)
                for place in np.ndindex(tensor.shape):
                    kept = values[place]
                    values[place] = kept + 1e-6
                    above = value().item()
                    values[place] = kept - 1e-6
                    expected[place] = (above - value().item()) / 2e-6
                    values[place] = kept
                np.testing.assert_allclose(tensor.grad.numpy(), expected, rtol=1e-6, atol=1e-8)


def test_rnn_dropout_acts_between_the_layers():
    minidl.manual_seed(0)
    rnn = nn.RNN(3, 4, num_layers=2, dropout=1.0)
    dropped, _ = rnn(minidl.ones(2, 1, 3))
    other, _ = rnn(minidl.zeros(2, 1, 3))
    assert dropped.tolist() == other.tolist()  # nothing of the first layer reaches the second
    rnn.eval()
    assert rnn(minidl.ones(2, 1, 3))[0].tolist() != rnn(minidl.zeros(2, 1, 3))[0].tolist()
    with pytest.warns(UserWarning, match="acts between layers"):
        nn.RNN(3, 4, dropout=0.5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("batch", [0, 1])
def test_recurrent_edges(kind, batch):
    layer = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True)
    output, last = layer(minidl.zeros(5, batch, 3))
    assert output.shape == (5, batch, 8)
    assert all(state.shape == (4, batch, 4) for state in flat((last,)))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_packed_and_padded_sequences_give_the_same(kind):
    """What stands in the padding changes nothing; a packed sequence gives each its own last state."""
    minidl.manual_seed(0)
    layer = getattr(nn, kind)(3, 4, 2, bidirectional=True, dtype=minidl.float64)
    x = minidl.randn(5, 3, 3, dtype=minidl.float64)
    lengths = [3, 5, 1]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    output, last = layer(packed)
    assert isinstance(output, nn.utils.rnn.PackedSequence)
    padded, again = nn.utils.rnn.pad_packed_sequence(output)
    assert again.tolist() == lengths
    for k, length in enumerate(lengths):
        alone, its_last = layer(x[:length, k])
        np.testing.assert_allclose(padded[:length, k].tolist(), alone.tolist(), rtol=1e-12)
        for one, other in zip(flat((last,)), flat((its_last,)), strict=True):
            np.testing.assert_allclose(one[:, k].tolist(), other.tolist(), rtol=1e-12)


def test_cells_are_one_step_of_the_layers():
    for kind in ("RNN", "LSTM", "GRU"):
        layer, cell = getattr(nn, kind)(3, 4), getattr(nn, kind + "Cell")(3, 4)
        cell.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
        x, state = minidl.randn(6, 2, 3), None
        for step in x:
            state = cell(step, state)
        last = flat((layer(x)[1],))
        for one, other in zip(flat((state,)), last, strict=True):
            np.testing.assert_allclose(one.tolist(), other[0].tolist(), rtol=1e-6, atol=1e-7)


X = minidl.zeros(5, 2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LSTM(3, 4)(X, X), TypeError, r"LSTM: hx must be a pair \(h_0, c_0\), got Tensor"),
        (lambda: nn.LSTM(3, 4)(X, (X,)), TypeError, "got 1 values"),
        (
            lambda: nn.LSTM(3, 4, 2)(X, (minidl.zeros(1, 2, 4), minidl.zeros(2, 2, 4))),
            ShapeError,
            r"LSTM: h_0 must have the shape \(num_layers·directions, N, hidden_size\) = \(2, 2, 4\), got \(1, 2, 4\)",
        ),
        (
            lambda: nn.LSTM(3, 4)(X, (minidl.zeros(1, 2, 4), minidl.zeros(1, 3, 4))),
            ShapeError,
            r"c_0 must have the shape .* = \(1, 2, 4\), got \(1, 3, 4\)",
        ),
        (
            lambda: nn.GRU(3, 4, 2, bidirectional=True)(X, minidl.zeros(2, 2, 4)),
            ShapeError,
            r"= \(4, 2, 4\), got \(2, 2",
        ),
        (lambda: nn.GRU(3, 4)(minidl.zeros(5, 2, 7)), ShapeError, "must be input_size=3, got 7"),
        (lambda: nn.GRU(3, 4).double()(X), DTypeError, "the input is float32 and the weights are float64"),
        (
            lambda: nn.GRU(3, 4)(nn.utils.rnn.pack_padded_sequence(minidl.zeros(5, 2, 7), [5, 2])),
            ShapeError,
            r"must be input_size=3, got 7 \(shape \(7, 7\), expected \(Σ lengths, input_size\)\)",
        ),
        (
            lambda: nn.GRU(3, 4)(nn.utils.rnn.pack_padded_sequence(X, [5, 2]), minidl.zeros(1, 3, 4)),
            ShapeError,
            r"= \(1, 2, 4\), got \(1, 3, 4\)",
        ),
        (lambda: nn.LSTM(3, 4, proj_size=2), ArgumentError, "proj_size=2 is not supported, only 0"),
        (lambda: nn.GRU(3, 4, batch_first=1), TypeError, "batch_first must be True or False, got 1"),
        (lambda: nn.RNNCell(3, 4)(minidl.zeros(2, 5)), ShapeError, r"input_size=3, got \(2, 5\)"),
        (lambda: nn.RNNCell(3, 4)(X), ShapeError, r"got \(5, 2, 3\)"),
        (
            lambda: nn.GRUCell(3, 4)(X[0], minidl.zeros(4)),
            ShapeError,
            r"hx must have the shape \(2, 4\), .* got \(4,\)",
        ),
        (lambda: nn.LSTMCell(3, 4)(X[0], minidl.zeros(2, 4)), TypeError, "hx must be a pair"),
        (lambda: nn.LSTMCell(3, 4).double()(X[0]), DTypeError, "the input is float32 and the weights are float64"),
        (lambda: nn.RNNCell(3, 4, nonlinearity="sin"), ArgumentError, "nonlinearity must be one of"),
    ],
)
def test_recurrent_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_rnn_bad_input():
    rnn = nn.RNN(3, 4, num_layers=2, batch_first=True)
    with pytest.raises(ShapeError, match=r"RNN: .* must be input_size=3, got 5 \(shape \(2, 6, 5\), expected \(N, T"):
        rnn(minidl.zeros(2, 6, 5))
    with pytest.raises(ValueError, match=r"must be \(N, T, input_size\), or \(T, input_size\) .* got shape \(3,\)"):
        rnn(minidl.zeros(3))
    with pytest.raises(RuntimeError, match=r"hx must have the shape .* = \(2, 6, 4\), got \(1, 6, 4\)"):
        rnn(minidl.zeros(6, 5, 3), minidl.zeros(1, 6, 4))
    with pytest.raises(
        RuntimeError, match=r"hx must .*\(num_layers·directions, N, hidden_size\) = \(2, 6, 4\), got \(2, 4\)"
    ):
        rnn(minidl.zeros(6, 5, 3), minidl.zeros(2, 4))
    with pytest.raises(RuntimeError, match=r"\(num_layers·directions, hidden_size\) = \(2, 4\), got \(2, 1, 4\)"):
        rnn(minidl.zeros(5, 3), minidl.zeros(2, 1, 4))
    with pytest.raises(
        DTypeError, match=r"the input is float64 and the weights are float32; .*\.to\(minidl\.float32\)"
    ):
        rnn(minidl.zeros(2, 5, 3, dtype=minidl.float64))
    with pytest.raises(DTypeError, match="hx is float64 and the input is float32"):
        rnn(minidl.zeros(2, 5, 3), minidl.zeros(2, 2, 4, dtype=minidl.float64))
    with pytest.raises(ShapeError, match="at least one time step"):
        rnn(minidl.zeros(2, 0, 3))


# -- bad arguments and inputs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Linear(2.5, 3), TypeError, "in_features must be a whole number, got 2.5"),
        (lambda: nn.Linear(3, -1), ValueError, "out_features must be at least 0, got -1"),
        (lambda: nn.Linear(True, 3), TypeError, "in_features must be a whole number, got True"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels must be divisible by groups, got 3 .* 2"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, "out_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 4, 3, groups=0), ValueError, "groups must be at least 1, got 0"),
        (lambda: nn.Conv2d(1, 1, 0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), ValueError, r"kernel_size must be one number or two, .* got \(3, 3, 3\)"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), ValueError, "stride must be at least 1"),
        (lambda: nn.Conv2d(1, 1, 3, padding=-1), ValueError, "padding must be at least 0"),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), ValueError, "padding must be one of 'valid', 'same', got 'full'"),
        (lambda: nn.Conv2d(1, 1, 3, stride=2, padding="same"), ValueError, "padding='same' needs stride 1"),
        (
            lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="circular"),
            ValueError,
            "padding_mode must be one of 'zeros', got",
        ),
        (lambda: nn.MaxPool2d(2, stride=0), ValueError, "stride must be at least 1"),
        (lambda: nn.MaxPool2d("2"), TypeError, "kernel_size must be a whole number, got '2'"),
        (lambda: nn.Dropout(1.5), ValueError, "p must be a probability, a number from 0 to 1, got 1.5"),
        (lambda: nn.Dropout(float("nan")), ValueError, "p must be a probability"),
        (lambda: nn.GELU("fast"), ValueError, "approximate must be one of 'none', 'tanh', got 'fast'"),
        (lambda: nn.Unflatten(1, 3), TypeError, "unflattened_size must be a tuple of sizes, got 3"),
        (lambda: nn.RNN(3, 4, nonlinearity="sigmoid"), ValueError, "nonlinearity must be one of 'tanh', 'relu', got"),
        (lambda: nn.RNN(3, 0), ValueError, "hidden_size must be at least 1, got 0"),
        (lambda: nn.RNN(3, 4, dropout=2), ValueError, "dropout must be a probability"),
        (lambda: nn.RNN(3, 4, bias="no"), TypeError, "bias must be True or False, got 'no'"),
        (lambda: nn.RNN(3, 4, proj_size=2), TypeError, "proj_size"),
        (
            lambda: nn.MSELoss(reduction="average"),
            ValueError,
            "reduction: got 'average', expected one of 'mean', 'sum', 'none'",
        ),
        (lambda: nn.CrossEntropyLoss(label_smoothing=2.0), ValueError, "label_smoothing must be from 0 to 1, got 2.0"),
        (lambda: nn.CrossEntropyLoss([1.0]), TypeError, "'weight' must be a Tensor or None, got list"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_wrong_feature_sizes():
    with pytest.raises(ShapeError, match=r"^Sequential.1 \(Conv2d\): conv2d: the input has 3 channels .* expects 2"):
        nn.Sequential(nn.ReLU(), nn.Conv2d(2, 4, 3))(minidl.zeros(1, 3, 5, 5))
    with pytest.raises(ShapeError, match=r"^Conv2d: conv2d: the kernel reaches over 5 pixels"):
        nn.Conv2d(1, 1, 5)(minidl.zeros(1, 1, 4, 8))
    with pytest.raises(ShapeError, match=r"^MaxPool2d: "):
        nn.MaxPool2d(5)(minidl.zeros(1, 1, 4, 8))
    with pytest.raises(DTypeError, match=r"^Linear: linear: input is int64, expected a floating dtype"):
        nn.Linear(3, 2)(minidl.arange(3))
    with pytest.raises(DTypeError, match="float64 and weight is float32"):
        nn.Linear(3, 2)(minidl.zeros(3, dtype=minidl.float64))


def test_wrong_labels():
    loss, x = nn.CrossEntropyLoss(), minidl.zeros(2, 3)
    with pytest.raises(IndexOutOfRange, match=r"^CrossEntropyLoss: "):
        loss(x, minidl.tensor([0, 3]))
    with pytest.raises(IndexError):
        nn.NLLLoss()(x, minidl.tensor([-1, 0]))
    with pytest.raises((ShapeError, DTypeError), match=r"^CrossEntropyLoss: "):
        loss(x, minidl.tensor([0.0, 1.0]))
    with pytest.raises(ShapeError, match=r"^CrossEntropyLoss: "):
        loss(x, minidl.tensor([0, 1, 2]))


def test_mse_of_a_column_and_a_row_warns():
    with pytest.warns(UserWarning):
        assert nn.MSELoss()(minidl.zeros(3, 1), minidl.ones(3)).item() == 1.0


def test_errors_are_the_usual_python_errors():
    assert issubclass(ArgumentTypeError, TypeError)
    assert issubclass(ArgumentError, ValueError)


IMAGES = minidl.zeros(2, 3, 4, 5)
ROWS = minidl.zeros(2, 4, 6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Conv1d(3, 2, (2, 2)), ArgumentError, r"kernel_size must be one number, got \(2, 2\)"),
        (lambda: nn.Conv1d(3, 2, 2)(minidl.zeros(2, 4, 5)), ShapeError, "^Conv1d: conv1d: .*4 channels"),
        (lambda: nn.ConvTranspose2d(4, 2, 2)(IMAGES), ShapeError, "^ConvTranspose2d: conv_transpose2d: .*3 channels"),
        (lambda: nn.ConvTranspose2d(3, 2, 2, output_padding=-1), ArgumentError, "output_padding must be at least 0"),
        (
            lambda: nn.ConvTranspose2d(3, 2, 2, stride=2)(IMAGES, output_size=(8, 12)),
            ArgumentError,
            r"output_size must be from \(8, 10\) to \(9, 11\) for this input, got \(8, 12\)",
        ),
        (lambda: nn.AvgPool2d(0), ArgumentError, "kernel_size must be at least 1, got 0"),
        (lambda: nn.AvgPool1d((2, 2)), ArgumentError, "kernel_size must be one number, got"),
        (lambda: nn.MaxPool1d(2, padding=-1), ArgumentError, "padding must be at least 0"),
        (lambda: nn.BatchNorm1d(3)(minidl.zeros(1, 3)), ValueError, "^BatchNorm1d: .*more than 1 value per channel"),
        (lambda: nn.BatchNorm2d(3)(minidl.zeros(1, 3, 1, 1)), ValueError, "more than 1 value per channel"),
        (lambda: nn.BatchNorm2d(3)(minidl.zeros(2, 3)), ValueError, r"must be \(N, C, H, W\), got shape \(2, 3\)"),
        (lambda: nn.BatchNorm1d(3)(IMAGES), ValueError, r"must be \(N, C\) or \(N, C, L\), got"),
        (lambda: nn.BatchNorm2d(4)(IMAGES), ShapeError, r"has 3 channels \(shape \(2, 3, 4, 5\)\), expected 4"),
        (lambda: nn.InstanceNorm2d(4, affine=True)(IMAGES[0]), ShapeError, "has 3 channels .* expected 4"),
        (lambda: nn.LayerNorm(4)(IMAGES), ShapeError, "^LayerNorm: layer_norm"),
        (lambda: nn.RMSNorm((3, 5))(IMAGES), ShapeError, "^RMSNorm: rms_norm"),
        (lambda: nn.GroupNorm(2, 3), ArgumentError, "num_channels must be divisible by num_groups, got 3 in 2 groups"),
        (lambda: nn.GroupNorm(2, 4)(IMAGES), ValueError, "^GroupNorm: .* a positive divisor of the 3 channels"),
        (lambda: nn.LayerNorm(2.5), TypeError, "float"),
        (
            lambda: nn.Embedding(5, 3)(minidl.tensor([[1, 2], [5, 0]])),
            IndexOutOfRange,
            r"index 5 at \(1, 0\) is out of",
        ),
        (lambda: nn.Embedding(5, 3)(minidl.tensor([0, -1])), IndexOutOfRange, "index -1 at 1 is out of range"),
        (lambda: nn.Embedding(5, 3)(minidl.tensor([0.0])), DTypeError, r"^Embedding: .*call .long\(\)"),
        (lambda: nn.Embedding(5, 3, padding_idx=5), ArgumentError, "padding_idx must be a row of the table, -5 to 4"),
        (lambda: nn.Embedding(5, 3, sparse=True), ArgumentError, "sparse=True is not supported"),
        (lambda: nn.Embedding.from_pretrained(minidl.zeros(3)), ShapeError, r"got shape \(3,\)"),
        (lambda: nn.MultiheadAttention(6, 4), ArgumentError, "embed_dim must be divisible by num_heads, got 6 for 4"),
        (lambda: nn.TransformerEncoderLayer(6, 4), ArgumentError, "divisible by num_heads"),
        (
            lambda: nn.TransformerEncoderLayer(6, 2, activation="sin"),
            ArgumentError,
            "'relu', 'gelu' or a function, got 'sin'",
        ),
        (
            lambda: nn.MultiheadAttention(6, 2, batch_first=True)(ROWS, ROWS, minidl.zeros(2, 4, 5)),
            ShapeError,
            r"^MultiheadAttention: value must be \(N, length, 6\), .* got shape \(2, 4, 5\)",
        ),
        (
            lambda: nn.MultiheadAttention(6, 2, batch_first=True)(ROWS, ROWS[:, :3], ROWS),
            ShapeError,
            r"key \(3, 2, 6\), value \(4, 2, 6\)",
        ),
        (lambda: nn.MultiheadAttention(6, 2)(ROWS, ROWS[0], ROWS[0]), ShapeError, "key must be"),
        (
            lambda: nn.MultiheadAttention(6, 2)(ROWS, ROWS, ROWS, attn_mask=minidl.zeros(2, 3)),
            ShapeError,
            r"attn_mask: got shape \(2, 3\), expected \(2, 2\) or \(8, 2, 2\)",
        ),
        (
            lambda: nn.MultiheadAttention(6, 2)(ROWS, ROWS, ROWS, minidl.zeros(2, 4)),
            ShapeError,
            r"key_padding_mask: got shape \(2, 4\), expected \(4, 2\)",
        ),
        (
            lambda: nn.MultiheadAttention(6, 2)(ROWS, ROWS, ROWS, attn_mask=minidl.zeros(2, 2, dtype=minidl.int64)),
            DTypeError,
            "attn_mask: got int64, expected bool or float32",
        ),
        (lambda: nn.MultiheadAttention(6, 2)(ROWS, ROWS, ROWS, is_causal=True), ValueError, "attn_mask"),
        (lambda: nn.Transformer(6, 2, 1, 1, 8)(ROWS, minidl.zeros(2, 4, 5)), ShapeError, "of tgt must be d_model=6"),
        (lambda: nn.Transformer(6, 2, 1, 1, 8)(ROWS, ROWS[:, :3]), ShapeError, "the same batch"),
        (
            lambda: nn.ZeroPad2d((1, 2)),
            ArgumentError,
            r"padding must be one number or 4, one for each end, got \(1, 2\)",
        ),
        (lambda: nn.ReflectionPad1d(5)(minidl.zeros(2, 3)), ValueError, "^ReflectionPad1d: pad"),
        (lambda: nn.Hardtanh(1.0, 0.0), ArgumentError, "min_val must be below max_val"),
        (lambda: nn.PReLU(0), ArgumentError, "num_parameters must be at least 1"),
        (lambda: nn.PReLU(3)(ROWS), ShapeError, "^PReLU: prelu"),
        (
            lambda: nn.KLDivLoss(reduction="batch"),
            ArgumentError,
            "got 'batch', expected one of 'mean', 'sum', 'none', 'batchmean'",
        ),
        (lambda: nn.BCELoss()(minidl.zeros(2), minidl.zeros(3)), ValueError, "^BCELoss: "),
        (lambda: nn.BCELoss()(minidl.full((2,), 1.5), minidl.zeros(2)), RuntimeError, "^BCELoss: "),
        (lambda: nn.Dropout2d(1.5), ArgumentError, "p must be a probability"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_bad_input_of_layers(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- what the layers do besides --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "shape"), [(nn.Dropout1d, (200, 5, 7)), (nn.Dropout2d, (200, 5, 3, 4))])
def test_channels_are_dropped_whole(kind, shape):
    minidl.manual_seed(0)
    y = kind(0.3)(minidl.ones(*shape)).numpy().reshape(1000, -1)
    assert (y == y[:, :1]).all()
    kept = y[:, 0] != 0
    np.testing.assert_allclose(y[kept], 1 / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 0.06
    assert (kind(0.3).eval()(minidl.ones(*shape)).numpy() == 1).all()


@pytest.mark.parametrize("name", ["LeakyReLU", "ELU", "SELU", "CELU", "SiLU", "Mish", "Hardtanh", "ReLU6", "Hardswish"])
def test_inplace_activations(name):
    x = minidl.linspace(-8.0, 8.0, 33)
    expected = getattr(nn, name)()(x.clone())
    assert getattr(nn, name)(inplace=True)(x) is x
    assert x.tolist() == expected.tolist()


def test_activations_pass_nan():
    for name in ("LeakyReLU", "PReLU", "ELU", "SELU", "CELU", "SiLU", "Mish", "Hardtanh", "ReLU6", "Hardsigmoid",
                 "Hardswish", "LogSigmoid", "Softplus", "Softsign", "Tanhshrink"):  # fmt: skip
        assert np.isnan(getattr(nn, name)()(minidl.tensor([float("nan"), 1.0])).detach().numpy()).tolist() == [
            True,
            False,
        ], name


def test_batch_norm_counts_and_forgets():
    norm = nn.BatchNorm1d(2)
    norm(minidl.randn(4, 2) + 3)
    assert norm.num_batches_tracked.item() == 1
    assert norm.num_batches_tracked.dtype == minidl.int64
    assert norm.double().num_batches_tracked.dtype == minidl.int64
    assert norm.running_mean.dtype == minidl.float64
    norm.reset_running_stats()
    assert norm.num_batches_tracked.item() == 0
    assert norm.running_mean.tolist() == [0.0, 0.0]
    assert norm.running_var.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("make", [lambda: nn.BatchNorm1d(3), lambda: nn.LayerNorm(3), lambda: nn.GroupNorm(1, 3)])
def test_norms_of_nothing_in_evaluation(make):
    assert make().eval()(minidl.zeros(0, 3)).shape == (0, 3)


def test_the_padding_of_an_embedding_stays():
    words = nn.Embedding(5, 3, padding_idx=-5)
    assert words.padding_idx == 0
    assert words.weight[0].tolist() == [0.0, 0.0, 0.0]
    words(minidl.tensor([0, 1, 1])).sum().backward()
    assert words.weight.grad.tolist() == [[0.0] * 3, [2.0] * 3, *[[0.0] * 3] * 3]


def test_a_pretrained_embedding_is_frozen():
    table = minidl.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = nn.Embedding.from_pretrained(table)
    assert not frozen.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    assert frozen(minidl.tensor(1)).tolist() == [3.0, 4.0]
    assert frozen(minidl.zeros(0, 2, dtype=minidl.int64)).shape == (0, 2, 2)


def test_dropout_of_attention_acts_in_training_alone():
    minidl.manual_seed(0)
    attention = nn.MultiheadAttention(6, 2, dropout=0.5)
    x = minidl.randn(4, 2, 6)
    assert attention(x, x, x)[0].tolist() != attention(x, x, x)[0].tolist()
    attention.eval()
    assert attention(x, x, x)[0].tolist() == attention(x, x, x)[0].tolist()


def test_a_causal_mask_hides_the_future():
    minidl.manual_seed(0)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), 2).eval()
    x = minidl.randn(1, 5, 6)
    y = encoder(x, mask=nn.Transformer.generate_square_subsequent_mask(5), is_causal=True)
    x[0, 3:] = 9.0
    z = encoder(x, mask=nn.Transformer.generate_square_subsequent_mask(5), is_causal=True)
    np.testing.assert_allclose(y[0, :3].tolist(), z[0, :3].tolist(), rtol=1e-5, atol=1e-6)
    assert y[0, 3:].tolist() != z[0, 3:].tolist()


def test_the_layers_of_an_encoder_are_copies():
    layer = nn.TransformerEncoderLayer(6, 2, 8)
    encoder = nn.TransformerEncoder(layer, 2)
    assert encoder.layers[0].linear1.weight is not layer.linear1.weight
    assert encoder.layers[0].linear1.weight.tolist() == encoder.layers[1].linear1.weight.tolist()


def test_not_contiguous_inputs_of_new_layers():
    x = minidl.tensor(np.arange(2 * 8 * 6.0).reshape(6, 8, 2).transpose(2, 1, 0)[:, ::2])  # (2, 4, 6)
    for layer in (
        nn.Conv1d(4, 3, 2), nn.ConvTranspose1d(4, 3, 2), nn.AvgPool1d(2), nn.MaxPool1d(2), nn.BatchNorm1d(4),
        nn.InstanceNorm1d(4), nn.LayerNorm(6), nn.GroupNorm(2, 4), nn.RMSNorm(6), nn.GLU(1),
        nn.LSTM(6, 3), nn.GRU(6, 3), nn.TransformerEncoderLayer(6, 2, 8, 0.0), nn.Mish(), nn.AdaptiveAvgPool1d(4),
    ):  # fmt: skip
        layer = layer.double()
        found, expected = (flat((layer(given),)) for given in (x, minidl.tensor(x.numpy().copy())))
        for one, other in zip(found, expected, strict=True):
            for y, z in zip(flat(one), flat(other), strict=True):
                np.testing.assert_allclose(y.tolist(), z.tolist(), rtol=1e-13)


# -- nn.utils --------------------------------------------------------------------------------------------------------


def with_gradients(*gradients):
    params = [nn.Parameter(minidl.zeros(len(g), dtype=minidl.float64)) for g in gradients]
    for param, g in zip(params, gradients, strict=True):
        param.grad = minidl.tensor(np.array(g))
    return params


@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf"), 3.0])
@pytest.mark.parametrize("max_norm", [1.0, 100.0])
def test_clip_grad_norm(norm_type, max_norm):
    gradients = [3.0, -4.0], [12.0]
    params = [*with_gradients(*gradients), nn.Parameter(minidl.zeros(1))]
    held = params[0].grad
    total = nn.utils.clip_grad_norm_(iter(params), max_norm, norm_type)
    expected = np.linalg.norm([3.0, -4.0, 12.0], norm_type)
    assert total.item() == pytest.approx(expected, rel=1e-12)
    scale = min(1.0, max_norm / (expected + 1e-6))
    np.testing.assert_allclose(np.concatenate([p.grad.numpy() for p in params[:2]]), np.array([3, -4, 12]) * scale)
    assert params[0].grad is held


def test_clip_grad_norm_edges():
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0.0
    (param,) = with_gradients([float("inf")])
    with pytest.raises(RuntimeError, match="the norm of the gradients is inf"):
        nn.utils.clip_grad_norm_(param, 1.0, error_if_nonfinite=True)


def test_clip_grad_value():
    (param,) = with_gradients([3.0, -0.5, -9.0])
    nn.utils.clip_grad_value_(param, 1.0)
    assert param.grad.tolist() == [1.0, -0.5, -1.0]
    with pytest.raises(ValueError, match="clip_value must be 0 or more, got -1"):
        nn.utils.clip_grad_value_(param, -1)


def test_parameters_as_a_vector():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (11,)
    (vector * vector).sum().backward()
    np.testing.assert_allclose(net[0].weight.grad.numpy(), 2 * net[0].weight.detach().numpy())
    weight = net[0].weight
    nn.utils.vector_to_parameters(minidl.arange(11.0), net.parameters())
    assert net[0].weight is weight
    assert weight.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert net[1].bias.tolist() == [10.0]
    with pytest.raises(ShapeError, match=r"a vector of 11 elements, got shape \(10,\)"):
        nn.utils.vector_to_parameters(minidl.arange(10.0), net.parameters())


if __name__ == "__main__":
    write_golden()
