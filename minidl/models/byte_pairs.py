"""GPT-2's tokenizer: bytes, joined pair by pair in the order in which the pairs were learned."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from ..errors import ArgumentError, StateError
from .pretrained import folder_of, read_json, read_text

END = "<|endoftext|>"
SHORTENED = re.compile("'(?:s|t|re|ve|m|ll|d)")
# on one letter for each character: L letter, N number, O other, S space, and " " itself
WORD = re.compile(r" ?L+| ?N+| ?O+|[ S]+(?![LNO])|[ S]+")


class ByteLevelBPE:
    """Texts as numbers of byte pairs; nothing is unknown (Sennrich et al. 2016; Radford et al. 2019, section 2.2).

    Args:
        numbers: the number of each token, as in vocab.json; bytes are written as printable characters.
        merges: pairs of tokens that are joined, the first ones first, as in merges.txt.

    >>> from minidl.models import ByteLevelBPE
    >>> tokenizer = ByteLevelBPE({"h": 0, "i": 1, "hi": 2, "Ġ": 3, "Ġhi": 4}, [("h", "i"), ("Ġ", "hi")])
    >>> tokenizer.encode("hi hi")
    [2, 4]
    >>> tokenizer.decode([2, 4])
    'hi hi'
    """

    def __init__(self, numbers: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> None:
        self.numbers = dict(numbers)
        self.names = {number: token for token, number in numbers.items()}
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
        self.known: dict[str, list[int]] = {}  # words that have been seen

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike[str]) -> ByteLevelBPE:
        """Read vocab.json and merges.txt of a folder.

        >>> ByteLevelBPE.from_pretrained("gpt2")
        Traceback (most recent call last):
        minidl.errors.ArgumentError: from_pretrained: there is no folder 'gpt2'. ...
        """
        folder = folder_of(path, "vocab.json, merges.txt")
        numbers = read_json(folder / "vocab.json")
        if not all(type(number) is int and number >= 0 for number in numbers.values()):
            raise StateError(f"{folder / 'vocab.json'}: expected whole numbers as values")
        merges = []
        for place, line in enumerate(read_text(folder / "merges.txt").split("\n"), 1):
            if not line.strip() or (place == 1 and line.startswith("#version")):
                continue
            pair = line.rstrip("\r").split(" ")
            if len(pair) != 2:
                raise StateError(f"{folder / 'merges.txt'}, line {place}: found {line[:40]!r}, expected two tokens")
            merges.append((pair[0], pair[1]))
        return cls(numbers, merges)

    def encode(self, text: str) -> list[int]:
        """Return the numbers of a text."""
        numbers: list[int] = []
        for part in re.split(f"({re.escape(END)})", text) if END in self.numbers else [text]:
            if part == END and END in self.numbers:
                numbers.append(self.numbers[END])
                continue
            for word in words_of(part):
                if word not in self.known:
                    self.known[word] = self.joined(word)
                numbers += self.known[word]
        return numbers

    def joined(self, word: str) -> list[int]:
        """Return the numbers of a word: again and again, the neighbours whose pair was learned first are joined."""
        parts = [LETTERS[byte] for byte in word.encode("utf-8", "surrogatepass")]
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            first = min(pairs, key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if first not in self.ranks:
                break
            merged: list[str] = []
            for part in parts:
                if merged and (merged[-1], part) == first:
                    merged[-1] += part
                else:
                    merged.append(part)
            parts = merged
        if missing := [part for part in parts if part not in self.numbers]:
            raise ArgumentError(f"encode: the vocabulary has no {missing[0]!r}, which {word!r} needs")
        return [self.numbers[part] for part in parts]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of numbers; bytes that are no UTF-8 become U+FFFD."""
        found = []
        for number in numbers:
            if number not in self.names:
                raise ArgumentError(f"decode: there is no token {number}, expected 0 to {max(self.names)}")
            found.append(self.names[number])
        pieces = [END.encode() if token == END else bytes(BYTES[letter] for letter in token) for token in found]
        return b"".join(pieces).decode("utf-8", "replace")


def letters() -> dict[int, str]:
    """Return a printable character for each byte: itself, or one from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + k) for k, byte in enumerate(others)}}


LETTERS = letters()
BYTES = {letter: byte for byte, letter in LETTERS.items()}


def kind(character: str) -> str:
    """Return L, N, S, O or a space for a character."""
    if character == " ":
        return " "
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f":
        return "S"
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "O"


def words_of(text: str) -> list[str]:
    """Return the words of a text, each with the space before it; marks and numbers are words of their own."""
    kinds = "".join(map(kind, text))
    words, place = [], 0
    while place < len(text):
        match = SHORTENED.match(text, place) or WORD.match(kinds, place)
        assert match is not None
        words.append(text[place : match.end()])
        place = match.end()
    return words
