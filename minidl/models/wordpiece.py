"""BERT's tokenizer: words, then the longest pieces of words that a vocabulary has."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import ArgumentError, StateError
from .pretrained import folder_of, read_json, read_text

LONGEST = 100  # a word of more characters is unknown
SPECIAL = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")


class WordPiece:
    """Texts as numbers of word pieces (Schuster & Nakajima 2012; Devlin et al. 2019, section 3).

    Args:
        tokens: the vocabulary; a token's number is its place. A piece inside a word begins with ##.
        lowercase: bring texts to lower case and take accents away, as "uncased" models want it.

    >>> from minidl.models import WordPiece
    >>> pieces = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "!"])
    >>> pieces.tokens("Unaffable!")
    ['un', '##aff', '##able', '!']
    >>> pieces.encode("Unaffable!")
    [2, 4, 5, 6, 7, 3]
    >>> pieces.decode([4, 5, 6, 7])
    'unaffable !'
    """

    def __init__(self, tokens: Sequence[str], lowercase: bool = True) -> None:
        self.vocabulary = list(tokens)
        self.numbers = {token: number for number, token in enumerate(tokens)}
        self.lowercase = lowercase
        for token in ("[UNK]", "[CLS]", "[SEP]", "[PAD]"):
            if token not in self.numbers:
                raise ArgumentError(f"WordPiece: the vocabulary has no {token}")
        self.special = re.compile("(" + "|".join(re.escape(t) for t in SPECIAL if t in self.numbers) + ")")

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike[str]) -> WordPiece:
        """Read vocab.txt of a folder, and tokenizer_config.json where it is there.

        >>> WordPiece.from_pretrained("bert-base-uncased")
        Traceback (most recent call last):
        minidl.errors.ArgumentError: from_pretrained: there is no folder 'bert-base-uncased'. ...
        """
        folder = folder_of(path, "vocab.txt")
        lines = read_text(folder / "vocab.txt").split("\n")
        tokens = [line.rstrip("\r") for line in lines]
        while tokens and not tokens[-1]:
            tokens.pop()
        options = read_json(folder / "tokenizer_config.json", missing={})
        try:
            return cls(tokens, bool(options.get("do_lower_case", True)))
        except ArgumentError as error:
            raise StateError(f"{Path(folder) / 'vocab.txt'}: {error.message}") from error

    def tokens(self, text: str) -> list[str]:
        """Return the pieces of a text."""
        pieces: list[str] = []
        for part in self.special.split(text):
            if part in self.numbers and part in SPECIAL:
                pieces.append(part)
                continue
            for word in words_of(part, self.lowercase):
                pieces += self.pieces(word)
        return pieces

    def pieces(self, word: str) -> list[str]:
        """Return the pieces of a word, each the longest that the vocabulary has there; [UNK] where it has none."""
        if len(word) > LONGEST:
            return ["[UNK]"]
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self.numbers:
                    found.append(piece)
                    start = end
                    break
            else:
                return ["[UNK]"]
        return found

    def encode(self, text: str, length: int | None = None) -> list[int]:
        """Return [CLS], the numbers of the pieces, [SEP], at most `length` of them."""
        numbers = [self.numbers[piece] for piece in self.tokens(text)]
        if length is not None:
            if length < 2:
                raise ArgumentError(f"length: got {length}, expected at least 2, for [CLS] and [SEP]")
            numbers = numbers[: length - 2]
        return [self.numbers["[CLS]"], *numbers, self.numbers["[SEP]"]]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the words of numbers, without [CLS], [SEP] and [PAD]."""
        tokens = [self.vocabulary[number] for number in numbers]
        return " ".join(token for token in tokens if token not in SPECIAL).replace(" ##", "")


def words_of(text: str, lowercase: bool) -> list[str]:
    """Return words and marks: cleaned, each Chinese character and each mark for itself."""
    characters = []
    for character in text:
        control = unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs") and character not in "\t\n\r"
        if control or character == "\ufffd":
            continue
        if is_chinese(ord(character)):
            characters += [" ", character, " "]
        else:
            characters.append(" " if character.isspace() else character)
    cleaned = "".join(characters)
    if lowercase:
        decomposed = unicodedata.normalize("NFD", cleaned)
        cleaned = "".join(c for c in decomposed if unicodedata.category(c) != "Mn").lower()
    words: list[str] = []
    for word in cleaned.split():
        start = 0
        for place, character in enumerate(word):
            if is_mark(character):
                words += [word[start:place], character]
                start = place + 1
        words.append(word[start:])
    return [word for word in words if word]


def is_mark(character: str) -> bool:
    """Return whether it is punctuation; all ASCII that is no letter, digit or space counts."""
    ascii_mark = character.isascii() and 32 < ord(character) < 127 and not character.isalnum()
    return ascii_mark or unicodedata.category(character)[0] == "P"


CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


def is_chinese(code: int) -> bool:
    """Return whether it is in a block of Chinese characters."""
    return any(first <= code <= last for first, last in CHINESE)
