"""GPT-2: a Transformer that says which token comes next (Radford et al. 2019).

Modules have the names of the published weights.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import minidl

from .. import nn
from ..errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from .byte_pairs import END, ByteLevelBPE
from .pretrained import check_sizes, fill, folder_of, read_config, read_weights

F = nn.functional
Cache = list[tuple[Any, Any]]  # keys and values of each layer, (N, heads, T, d)


@dataclass
class GPT2Config:
    """The sizes of a GPT-2, under the names of config.json; the defaults are those of the smallest published one.

    >>> from minidl.models import GPT2Config
    >>> GPT2Config().n_embd
    768
    """

    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    activation_function: str = "gelu_new"
    layer_norm_epsilon: float = 1e-5
    embd_pdrop: float = 0.1
    resid_pdrop: float = 0.1
    attn_pdrop: float = 0.1

    def __post_init__(self) -> None:
        if self.n_embd % self.n_head:
            raise ArgumentError(f"GPT2Config: n_embd {self.n_embd} does not divide into n_head {self.n_head}")
        if self.activation_function not in ("gelu_new", "gelu", "relu"):
            raise ArgumentError(
                f"GPT2Config: activation_function is {self.activation_function!r}, expected gelu_new, gelu or relu"
            )


class Conv1D(nn.Module):
    """y = x W + b, with W stored (in, out) as the published files have it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.normal_(minidl.empty(inputs, outputs), std=0.02))
        self.bias = nn.Parameter(minidl.zeros(outputs))

    def forward(self, x: Any) -> Any:
        """Return (..., out)."""
        return F.linear(x, self.weight.T, self.bias)


class Attention(nn.Module):
    """softmax(Q Kᵀ / √d) V in each head, where a token sees itself and those before it."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.heads, self.dropout = config.n_head, config.attn_pdrop
        self.c_attn = Conv1D(config.n_embd, 3 * config.n_embd)
        self.c_proj = Conv1D(config.n_embd, config.n_embd)

    def forward(self, x: Any, past: tuple[Any, Any] | None) -> tuple[Any, tuple[Any, Any]]:
        """Return (N, T, embedding), and the keys and values of all tokens so far."""
        n, t, size = x.shape
        parts = self.c_attn(x).reshape(n, t, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        if past is not None:
            k, v = minidl.cat([past[0], k], dim=2), minidl.cat([past[1], v], dim=2)
        before = k.shape[2] - t
        seen = minidl.ones(t, before + t, dtype=minidl.bool).tril(before)  # token i sees keys 0 .. before + i
        y = F.scaled_dot_product_attention(q, k, v, seen, self.dropout if self.training else 0.0)
        return self.c_proj(y.transpose(1, 2).reshape(n, t, size)), (k, v)


class MLP(nn.Module):
    """Two layers of neurons for each token."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        inner = config.n_inner or 4 * config.n_embd
        self.c_fc, self.c_proj = Conv1D(config.n_embd, inner), Conv1D(inner, config.n_embd)
        self.kind = config.activation_function

    def forward(self, x: Any) -> Any:
        """Return (N, T, embedding)."""
        y = self.c_fc(x)
        y = F.relu(y) if self.kind == "relu" else F.gelu(y, approximate="tanh" if self.kind == "gelu_new" else "none")
        return self.c_proj(y)


class Block(nn.Module):
    """Attention and neurons, each on normalised inputs and added to them."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x: Any, past: tuple[Any, Any] | None) -> tuple[Any, tuple[Any, Any]]:
        """Return (N, T, embedding), and keys and values."""
        y, present = self.attn(self.ln_1(x), past)
        x = x + self.dropout(y)
        return x + self.dropout(self.mlp(self.ln_2(x))), present


class GPT2(nn.Module):
    """The language model: called with tokens (N, T), it returns scores of the next token at each place.

    A call returns (scores (N, T, vocabulary), cache); given back as `past`, the cache saves computing the tokens before
    anew. Scores are the products with the embeddings of all tokens.

    >>> import minidl
    >>> from minidl.models import GPT2, GPT2Config
    >>> model = GPT2(GPT2Config(vocab_size=50, n_positions=16, n_embd=32, n_layer=2, n_head=4)).eval()
    >>> scores, cache = model(minidl.tensor([[1, 2, 3]]))
    >>> scores.shape
    (1, 3, 50)
    >>> model.generate(minidl.tensor([[1, 2, 3]]), max_new_tokens=4).shape
    (1, 7)
    """

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.dropout = nn.Dropout(config.embd_pdrop)
        self.h = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.tokenizer: ByteLevelBPE | None = None
        for table in (self.wte, self.wpe):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, input_ids: Any, past: Cache | None = None) -> tuple[Any, Cache]:
        """Return scores of the next token at each place, and the cache."""
        if input_ids.ndim != 2:
            raise ShapeError(f"input_ids has shape {tuple(input_ids.shape)}, expected (N, T)")
        before = past[0][0].shape[2] if past else 0
        end = before + input_ids.shape[1]
        if end > self.config.n_positions:
            raise ShapeError(f"input_ids: there are {end} tokens, expected at most {self.config.n_positions}")
        x = self.dropout(self.wte(input_ids) + self.wpe(minidl.arange(before, end)))
        cache: Cache = []
        for place, block in enumerate(self.h):
            x, present = block(x, past[place] if past else None)
            cache.append(present)
        return F.linear(self.ln_f(x), self.wte.weight), cache

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike[str]) -> GPT2:
        """Return the model of a folder with config.json, model.safetensors, vocab.json and merges.txt, ready for use.

        Raises ArgumentError where there is no folder, StateError for files that do not fit.
        """
        folder = folder_of(path, "config.json, model.safetensors, vocab.json, merges.txt")
        config = read_config(folder, GPT2Config)
        weights = read_weights(folder, "transformer.")
        inner = config.n_inner or 4 * config.n_embd
        check_sizes(folder, weights, {
            "wte.weight": (config.vocab_size, config.n_embd), "wpe.weight": (config.n_positions, config.n_embd),
            f"h.{config.n_layer - 1}.mlp.c_fc.weight": (config.n_embd, inner),
        })  # fmt: skip
        model = cls(config)
        fill(model, folder, weights)
        if (folder / "vocab.json").is_file():
            model.tokenizer = ByteLevelBPE.from_pretrained(folder)
        return model.eval()

    def generate(
        self, prompt: Any, max_new_tokens: int = 20, *, temperature: float | None = None, top_k: int | None = None,
        top_p: float | None = None, generator: Any = None, use_cache: bool = True,
    ) -> Any:  # fmt: skip
        """Go on with a prompt, token by token.

        Without temperature, top_k and top_p the likeliest token is taken, else one is drawn from softmax(scores /
        temperature), cut to the `top_k` likeliest tokens, or to the fewest whose probabilities reach `top_p` (Holtzman
        et al. 2020).

        Args:
            prompt: a text, or tokens (N, T).
            max_new_tokens: how many tokens to add, at most up to the model's length; a text ends at <|endoftext|>.
            generator: of random numbers.
            use_cache: keep keys and values; without, every step computes all tokens anew, to the same end.

        Returns a text for a text, tokens (N, T + new) for tokens.
        """
        check_options(max_new_tokens, temperature, top_k, top_p)
        end = None
        if isinstance(prompt, str):
            if self.tokenizer is None:
                raise StateError("generate: the model has no tokenizer; give tokens, or set model.tokenizer")
            tokens = minidl.tensor([self.tokenizer.encode(prompt)], dtype=minidl.int64)
            end = self.tokenizer.numbers.get(END)
        else:
            tokens = prompt
        if not isinstance(tokens, minidl.Tensor):
            raise ArgumentTypeError(f"prompt: got {type(tokens).__name__}, expected a text or tokens (N, T)")
        if tokens.ndim != 2 or tokens.shape[1] == 0:
            raise ShapeError(f"prompt: tokens of shape {tuple(tokens.shape)}, expected (N, T) with T of at least 1")
        was_training = self.training
        self.eval()
        try:
            with minidl.no_grad():
                scores, cache = self(tokens)
                for _ in range(min(max_new_tokens, self.config.n_positions - tokens.shape[1])):
                    chosen = choose(scores[:, -1], temperature, top_k, top_p, generator)
                    tokens = minidl.cat([tokens, chosen], dim=1)
                    if (end is not None and int(chosen[0]) == end) or tokens.shape[1] == self.config.n_positions:
                        break
                    scores, cache = self(chosen, cache) if use_cache else self(tokens)
        finally:
            self.train(was_training)
        return self.tokenizer.decode(tokens[0].tolist()) if isinstance(prompt, str) and self.tokenizer else tokens


def check_options(count: int, temperature: float | None, top_k: int | None, top_p: float | None) -> None:
    """Refuse options that make no sense."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ArgumentError(f"max_new_tokens: got {count!r}, expected a whole number of 0 or more")
    if temperature is not None and not 0 < temperature < float("inf"):
        raise ArgumentError(
            f"temperature: got {temperature!r}, expected a number above 0; leave it out for the likeliest"
        )
    if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1):
        raise ArgumentError(f"top_k: got {top_k!r}, expected a whole number of at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ArgumentError(f"top_p: got {top_p!r}, expected a share above 0, at most 1")


def choose(scores: Any, temperature: float | None, top_k: int | None, top_p: float | None, generator: Any) -> Any:
    """Return a token for each row of scores, (N, 1)."""
    if temperature is None and top_k is None and top_p is None:
        return scores.argmax(dim=1, keepdim=True)
    scores = scores / (temperature or 1.0)
    if top_k is not None and top_k < scores.shape[1]:
        least = scores.topk(top_k, dim=1).values[:, -1:]
        scores = scores.masked_fill(scores < least, -float("inf"))
    if top_p is not None:
        ordered, places = scores.sort(dim=1, descending=True)
        p = F.softmax(ordered, dim=1)
        beyond = p.cumsum(dim=1) - p >= top_p  # those before it reach top_p already
        scores = scores.scatter(1, places, ordered.masked_fill(beyond, -float("inf")))
    return minidl.multinomial(F.softmax(scores, dim=1), 1, generator=generator)
