"""BERT: a Transformer encoder that turns texts into vectors (Devlin, Chang, Lee & Toutanova 2019).

Modules have the names of the published weights, so that a file's keys say where they belong.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import minidl

from .. import nn
from ..errors import ArgumentError, ShapeError, StateError
from .pretrained import check_sizes, fill, folder_of, read_config, read_json, read_weights
from .wordpiece import WordPiece

F = nn.functional
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": F.gelu, "gelu_new": lambda x: F.gelu(x, approximate="tanh"), "relu": F.relu, "silu": F.silu,
}  # fmt: skip


@dataclass
class BertConfig:
    """The sizes of a BERT, under the names of config.json; the defaults are those of the base model.

    >>> from minidl.models import BertConfig
    >>> BertConfig(hidden_size=384, num_hidden_layers=6).num_attention_heads
    12
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise ArgumentError(
                f"BertConfig: hidden_size {self.hidden_size} does not divide into num_attention_heads "
                f"{self.num_attention_heads}"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise ArgumentError(
                f"BertConfig: hidden_act is {self.hidden_act!r}, expected one of {', '.join(ACTIVATIONS)}"
            )


class BertOutput(NamedTuple):
    """What a BERT makes: a vector for each token (N, T, hidden), and one for each text (N, hidden), or None."""

    last_hidden_state: Any
    pooler_output: Any


class Embeddings(nn.Module):
    """The sum of the vectors of token, place and kind of sentence, normalised."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, tokens: Any, kinds: Any) -> Any:
        """Return (N, T, hidden)."""
        places = self.position_embeddings(minidl.arange(tokens.shape[1]))
        x = self.word_embeddings(tokens) + self.token_type_embeddings(kinds) + places
        return self.dropout(self.LayerNorm(x))


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √d) V in each head (Vaswani et al. 2017, eq. 1)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.heads, self.dropout = config.num_attention_heads, config.attention_probs_dropout_prob
        self.query, self.key, self.value = nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, x: Any, mask: Any) -> Any:
        """Return (N, T, hidden); where the mask (N, 1, 1, T) is False, nobody looks."""
        n, t, size = x.shape

        def split(y: Any) -> Any:
            return y.reshape(n, t, self.heads, size // self.heads).transpose(1, 2)  # (N, heads, T, d)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        y = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0)
        return y.transpose(1, 2).reshape(n, t, size)


class Added(nn.Module):
    """LayerNorm(W x + b + what came before): the end of both halves of a layer."""

    def __init__(self, inputs: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, x: Any, before: Any) -> Any:
        """Return the sum, normalised."""
        return self.LayerNorm(self.dropout(self.dense(x)) + before)


class Layer(nn.Module):
    """Attention, then two layers of neurons for each token; to each, its input is added."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": SelfAttention(config), "output": Added(config.hidden_size, config)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.intermediate_size)})
        self.output = Added(config.intermediate_size, config)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, x: Any, mask: Any) -> Any:
        """Return (N, T, hidden)."""
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(self.activation(self.intermediate["dense"](x)), x)


class BertModel(nn.Module):
    """The encoder: called with the numbers of tokens (N, T), it returns a BertOutput.

    Args of a call:
        input_ids: numbers of tokens, (N, T).
        attention_mask: 1 for tokens, 0 for what fills up, (N, T); by default all are tokens.
        token_type_ids: 0 for the first sentence, 1 for the second, (N, T); by default 0.

    >>> import minidl
    >>> from minidl.models import BertConfig, BertModel
    >>> model = BertModel(BertConfig(100, 32, 2, 4, 64))
    >>> model(minidl.tensor([[1, 2, 3]])).last_hidden_state.shape
    (1, 3, 32)
    """

    def __init__(self, config: BertConfig, pooler: bool = True) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": layers})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.hidden_size)}) if pooler else None
        self.tokenizer: WordPiece | None = None
        self.pooling, self.normalised, self.length = "mean", False, config.max_position_embeddings

    def forward(self, input_ids: Any, attention_mask: Any = None, token_type_ids: Any = None) -> BertOutput:
        """Return the vectors of tokens and texts."""
        if input_ids.ndim != 2:
            raise ShapeError(f"input_ids has shape {tuple(input_ids.shape)}, expected (N, T)")
        if input_ids.shape[1] > self.config.max_position_embeddings:
            raise ShapeError(
                f"input_ids has {input_ids.shape[1]} tokens, expected at most {self.config.max_position_embeddings}"
            )
        kinds = minidl.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        mask = None if attention_mask is None else (attention_mask != 0)[:, None, None, :]
        x = self.embeddings(input_ids, kinds)
        for layer in self.encoder["layer"]:
            x = layer(x, mask)
        pooled = None if self.pooler is None else minidl.tanh(self.pooler["dense"](x[:, 0]))
        return BertOutput(x, pooled)

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike[str]) -> BertModel:
        """Return the model of a folder with config.json, model.safetensors and vocab.txt, ready for use.

        How `encode` makes one vector of many, and up to which length, is read from modules.json and the files it names,
        where they are there. Raises ArgumentError where there is no folder, StateError for files that do not fit.
        """
        folder = folder_of(path, "config.json, model.safetensors, vocab.txt")
        config = read_config(folder, BertConfig)
        weights = read_weights(folder, "bert.")
        size = config.hidden_size
        check_sizes(folder, weights, {
            "embeddings.word_embeddings.weight": (config.vocab_size, size),
            "embeddings.position_embeddings.weight": (config.max_position_embeddings, size),
            f"encoder.layer.{config.num_hidden_layers - 1}.output.dense.weight": (size, config.intermediate_size),
        })  # fmt: skip
        model = cls(config, pooler="pooler.dense.weight" in weights)
        fill(model, folder, weights)
        if (folder / "vocab.txt").is_file():
            model.tokenizer = WordPiece.from_pretrained(folder)
        pooling = read_json(folder / "1_Pooling" / "config.json", missing={})
        chosen = [kind for kind in POOLINGS if pooling.get(f"pooling_mode_{NAMES[kind]}")]
        if len(chosen) > 1 or (pooling and not chosen):
            raise StateError(f"{folder / '1_Pooling' / 'config.json'}: expected one pooling of {', '.join(POOLINGS)}")
        model.pooling = chosen[0] if chosen else "mean"
        model.normalised = (folder / "2_Normalize").exists() or "Normalize" in modules(folder)
        longest = read_json(folder / "sentence_bert_config.json", missing={}).get("max_seq_length")
        if isinstance(longest, int) and 2 <= longest <= model.length:
            model.length = longest
        return model.eval()

    def encode(self, texts: str | Sequence[str], batch_size: int = 32) -> Any:
        """Return a vector for each text, (N, hidden), or (hidden) for a single one: the mean over its tokens.

        Texts longer than the model's length are cut.
        """
        if self.tokenizer is None:
            raise StateError(
                "encode: the model has no tokenizer; from_pretrained reads vocab.txt, or set model.tokenizer"
            )
        if isinstance(texts, str):
            return self.encode([texts])[0]
        rows = [self.tokenizer.encode(text, self.length) for text in texts]
        if not rows:
            return minidl.zeros(0, self.config.hidden_size)
        order = sorted(range(len(rows)), key=lambda k: len(rows[k]))  # batches of about one length
        vectors: list[Any] = [None] * len(rows)
        was_training = self.training
        self.eval()
        try:
            with minidl.no_grad():
                for start in range(0, len(order), batch_size):
                    chosen = order[start : start + batch_size]
                    for place, vector in zip(chosen, self.vectors([rows[k] for k in chosen]), strict=True):
                        vectors[place] = vector
        finally:
            self.train(was_training)
        return minidl.stack(vectors)

    def vectors(self, rows: Sequence[Sequence[int]]) -> Any:
        """Return a vector for each row of tokens, (N, hidden)."""
        assert self.tokenizer is not None
        longest, fill_up = max(map(len, rows)), self.tokenizer.numbers["[PAD]"]
        tokens = minidl.tensor([[*row, *[fill_up] * (longest - len(row))] for row in rows])
        mask = minidl.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        result = POOLINGS[self.pooling](self(tokens, mask).last_hidden_state, mask.unsqueeze(2))
        return F.normalize(result, dim=1) if self.normalised else result


# how the vectors of tokens x (N, T, hidden) become one; m (N, T, 1) is 0 where there is no token
POOLINGS: dict[str, Callable[[Any, Any], Any]] = {
    "mean": lambda x, m: (x * m.to(x.dtype)).sum(1) / m.to(x.dtype).sum(1),
    "cls": lambda x, m: x[:, 0],
    "max": lambda x, m: minidl.where(m != 0, x, minidl.tensor(-float("inf"))).amax(dim=1),
}
NAMES = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}


def modules(folder: Any) -> str:
    """Return what modules.json says, as text; nothing where there is none."""
    path = folder / "modules.json"
    return str(path.read_text(encoding="utf-8")) if path.is_file() and path.stat().st_size < 2**20 else ""
