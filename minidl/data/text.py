"""Text: cleaned, cut into tokens, and tokens as numbers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import minidl

from ..errors import ArgumentError, ArgumentTypeError, IndexOutOfRange

# Chinese and Japanese characters and Korean syllables: each is a word for `words`.
IDEOGRAPHS = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\W{IDEOGRAPHS}]+(?:['’][^\W{IDEOGRAPHS}]+)*|[^\w\s]")


def normalize_text(text: str, *, lower: bool = True, form: Literal["NFC", "NFD", "NFKC", "NFKD"] = "NFKC") -> str:
    """Return a text in one spelling: Unicode's `form` (NFKC makes full-width letters plain), no control characters,
    runs of space as one.

    >>> from minidl.data import normalize_text
    >>> normalize_text("  Ｈello,\\u3000 \\u00a0深度\\u200b学习！ ")
    'hello, 深度学习!'
    """
    if not isinstance(text, str):
        raise ArgumentTypeError(f"normalize_text: expected a str, got {type(text).__name__}")
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise ArgumentError(f"form is {form!r}, expected 'NFC', 'NFD', 'NFKC' or 'NFKD'")
    text = unicodedata.normalize(form, text)
    text = "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    return " ".join((text.lower() if lower else text).split())


def words(text: str) -> list[str]:
    """Return the words and punctuation marks of a text; a Chinese character is a word.

    >>> from minidl.data import words
    >>> words("It's 3 o'clock, 学习!")
    ["It's", '3', "o'clock", ',', '学', '习', '!']
    """
    return WORD.findall(text)


def characters(text: str) -> list[str]:
    """Return the characters of a text.

    >>> from minidl.data import characters
    >>> characters("ab 学")
    ['a', 'b', ' ', '学']
    """
    return list(text)


def ngrams(tokens: Sequence[Any], n: int) -> list[tuple[Any, ...]]:
    """Return all runs of n tokens.

    >>> from minidl.data import ngrams
    >>> ngrams(["a", "b", "c"], 2)
    [('a', 'b'), ('b', 'c')]
    """
    if not isinstance(n, int) or n < 1:
        raise ArgumentError(f"n is {n!r}, expected a positive int")
    return [tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1)]


class Vocab:
    """Tokens and their numbers: the special ones first, then the others by how often they occur.

    Args:
        texts: lists of tokens.
        min_freq: leave out tokens that occur less often.
        max_size: the largest number of tokens, with the special ones.
        specials: tokens that stand for something else; `unknown` is one of them or None.
        unknown: what stands for tokens outside; with None such a token raises IndexOutOfRange.

    >>> from minidl.data import Vocab
    >>> vocab = Vocab([["the", "cat"], ["the", "dog"]])
    >>> vocab(["the", "cow"]), vocab.decode([2, 3])
    ([2, 1], ['the', 'cat'])
    """

    def __init__(
        self,
        texts: Iterable[Sequence[str]],
        min_freq: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = ("<pad>", "<unk>"),
        unknown: str | None = "<unk>",
    ) -> None:
        if unknown is not None and unknown not in specials:
            raise ArgumentError(f"unknown is {unknown!r}, expected one of the specials {list(specials)} or None")
        counts = Counter(token for text in texts for token in text)
        often = sorted((token for token in counts if counts[token] >= min_freq), key=lambda token: -counts[token])
        self.tokens = [*specials, *(token for token in often if token not in specials)][:max_size]
        self.numbers = {token: number for number, token in enumerate(self.tokens)}
        self.unknown = unknown

    def __call__(self, tokens: Sequence[str]) -> list[int]:
        """Return the numbers of tokens."""
        return [self[token] for token in tokens]

    def __getitem__(self, token: str) -> int:
        number = self.numbers.get(token)
        if number is None and self.unknown is None:
            raise IndexOutOfRange(f"the token {token!r} is not among the {len(self)} of the vocabulary")
        return self.numbers[self.unknown] if number is None else number  # type: ignore[index]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Return the tokens of numbers."""
        numbers = [int(number) for number in numbers]
        for number in numbers:
            if not 0 <= number < len(self):
                raise IndexOutOfRange(f"there is no token {number}; the vocabulary has {len(self)}")
        return [self.tokens[number] for number in numbers]

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self.numbers


class BytePairEncoder:
    """Byte-pair encoding: of the 256 bytes, again and again, the most frequent pair of neighbours becomes one token.

    So any text has tokens, frequent words one and rare ones several. Token 256 + k is the pair `merges[k]`. Pieces of a
    text are words with the space before them; no token reaches over two pieces. Source: R. Sennrich, B. Haddow,
    A. Birch (2016), Neural machine translation of rare words with subword units.

    >>> from minidl.data import BytePairEncoder
    >>> encoder = BytePairEncoder().train(["low lower lowest"] * 3, vocab_size=258)
    >>> encoder.encode("low"), encoder.decode([257]), encoder.decode(encoder.encode("学习 low"))
    ([257], 'low', '学习 low')
    """

    def __init__(self, merges: Iterable[tuple[int, int]] = ()) -> None:
        self.merges = [(int(a), int(b)) for a, b in merges]
        for k, pair in enumerate(self.merges):
            if not all(0 <= part < 256 + k for part in pair):
                raise ArgumentError(f"merge {k} is {pair}, expected two tokens from 0 to {255 + k}")

    def train(self, texts: Iterable[str], vocab_size: int) -> BytePairEncoder:
        """Learn merges from texts until there are `vocab_size` tokens or no pair occurs twice; return the encoder."""
        if vocab_size < 256:
            raise ArgumentError(f"vocab_size is {vocab_size}, expected at least the 256 bytes")
        pieces = Counter(piece for text in texts for piece in self._pieces(text))
        words = {piece: list(piece.encode()) for piece in pieces}
        self.merges = []
        while len(self) < vocab_size:
            pairs: Counter[tuple[int, int]] = Counter()
            for piece, tokens in words.items():
                for pair in pairwise(tokens):
                    pairs[pair] += pieces[piece]
            if not pairs or max(pairs.values()) < 2:
                break
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))  # of equally frequent ones the first by number
            words = {piece: joined(tokens, best, len(self)) for piece, tokens in words.items()}
            self.merges.append(best)
        return self

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text: in each piece the merges that were learned first are done first."""
        rank = {pair: k for k, pair in enumerate(self.merges)}
        result: list[int] = []
        for piece in self._pieces(text):
            tokens = list(piece.encode())
            while True:
                pairs = [pair for pair in pairwise(tokens) if pair in rank]
                if not pairs:
                    break
                best = min(pairs, key=rank.__getitem__)
                tokens = joined(tokens, best, 256 + rank[best])
            result += tokens
        return result

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens; bytes that are no UTF-8 become U+FFFD."""
        pieces = [bytes([k]) for k in range(256)]
        for a, b in self.merges:
            pieces.append(pieces[a] + pieces[b])
        numbers = [int(token) for token in tokens]
        for number in numbers:
            if not 0 <= number < len(pieces):
                raise IndexOutOfRange(f"there is no token {number}; the encoder has {len(pieces)}")
        return b"".join(pieces[number] for number in numbers).decode(errors="replace")

    def __len__(self) -> int:
        return 256 + len(self.merges)

    @staticmethod
    def _pieces(text: str) -> list[str]:
        return re.findall(r"\s?\S+|\s+", text)


def joined(tokens: Sequence[int], pair: tuple[int, int], number: int) -> list[int]:
    """Return the tokens with each occurrence of the pair as one token, from left to right."""
    result: list[int] = []
    for token in tokens:
        if result and (result[-1], token) == pair:
            result[-1] = number
        else:
            result.append(token)
    return result


def pad(
    sequences: Sequence[Sequence[int]], value: int = 0, length: int | None = None
) -> tuple[minidl.Tensor, minidl.Tensor]:
    """Return the sequences as one int64 Tensor (N, length), filled up with `value`, and their lengths (N,).

    A sequence longer than `length`, by default that of the longest, is cut.

    >>> from minidl.data import pad
    >>> tokens, lengths = pad([[5, 6, 7], [8]])
    >>> tokens.tolist(), lengths.tolist()
    ([[5, 6, 7], [8, 0, 0]], [3, 1])
    """
    if not sequences:
        raise ArgumentError("pad: there are no sequences")
    longest = max(map(len, sequences)) if length is None else length
    cut = [list(sequence)[:longest] for sequence in sequences]
    rows = [row + [value] * (longest - len(row)) for row in cut]
    return minidl.tensor(rows, dtype=minidl.int64), minidl.tensor([len(row) for row in cut], dtype=minidl.int64)
