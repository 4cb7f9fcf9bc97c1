"""How good is text that a model writes? Perplexity and BLEU."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ArgumentTypeError, ShapeError
from .inputs import as_array, as_reals, labels_and_scores


def perplexity(y_true: Any, y_score: Any, *, ignore_index: int | None = -100) -> float:
    """Return exp(-1/N sum_n ln softmax(y_score_n)[y_true_n]): among how many equal choices the model seems to waver.

    Args:
        y_true: tokens of any shape.
        y_score: logits of the C tokens, y_true's shape with C behind it.
        ignore_index: tokens, such as padding, that do not count.

    >>> from minidl import metrics
    >>> metrics.perplexity([[0, 1]], [[[0.0, 0.0], [1.0, 1.0]]])
    2.0
    """
    true, scores = as_array(y_true), as_reals("y_score", y_score)
    if scores.shape[:-1] != true.shape or scores.ndim < 2:
        raise ShapeError(f"y_true has the shape {true.shape} and y_score {scores.shape}, expected (...) and (..., C)")
    counts = true.reshape(-1) != ignore_index
    true, scores = labels_and_scores(true.reshape(-1)[counts], scores.reshape(true.size, -1)[counts], (2,))
    highest = scores.max(axis=1)
    log_sums = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    loss = float(np.mean(log_sums - scores[np.arange(len(true)), true]))
    return math.exp(loss) if loss < 709 else math.inf


def bleu(references: Sequence[Any], hypotheses: Sequence[Any], *, max_n: int = 4, tokenize: str = "13a") -> float:
    """Return the BLEU score of a corpus, from 0 to 100: how many n-grams of the hypotheses stand in the references.

        BLEU = 100 · min(1, e^(1 - r/c)) · (p_1 ··· p_max_n)^(1/max_n)

    where p_n is the share of n-grams found in a reference, each as often as there, c the length of all hypotheses and r
    that of the references nearest in length. The k-th p_n without a match counts as 1 / (2^k · number of n-grams).

    Args:
        references: for each hypothesis its reference, or a list of several.
        hypotheses: texts, or lists of tokens.
        tokenize: how texts become tokens: "13a" as in the workshops on machine translation, "char" or "none" (at
            spaces).

    Source: Papineni et al. (2002), BLEU; the values are sacrebleu's.

    >>> from minidl import metrics
    >>> round(metrics.bleu(["the cat sat on the mat"], ["the cat sat on a mat"]), 2)
    53.73
    """
    if tokenize not in TOKENIZERS:
        raise ArgumentError(f"tokenize is {tokenize!r}, expected {', '.join(map(repr, TOKENIZERS))}")
    if isinstance(references, str) or isinstance(hypotheses, str) or len(references) != len(hypotheses):
        raise ShapeError("references and hypotheses must be lists of one length: a reference, or several, for each")
    if not hypotheses:
        raise ArgumentError("references and hypotheses are empty: no sample, so nothing to measure")
    right, total = [0] * max_n, [0] * max_n
    length = reference_length = 0
    for several, hypothesis in zip(references, hypotheses, strict=True):
        found = _tokens(hypothesis, tokenize)
        choices = [_tokens(each, tokenize) for each in _choices(several, hypothesis)]
        length += len(found)
        reference_length += min((abs(len(each) - len(found)), len(each)) for each in choices)[1]
        for n in range(1, max_n + 1):
            most: Counter[Any] = Counter()
            for each in choices:
                most |= _ngrams(each, n)
            grams = _ngrams(found, n)
            right[n - 1] += (grams & most).total()
            total[n - 1] += grams.total()
    if not any(right) or not all(total):
        return 0.0
    logarithms, missed = 0.0, 0
    for matches, count in zip(right, total, strict=True):
        missed += matches == 0
        logarithms += math.log(matches / count if matches else 1 / (2**missed * count))
    brevity = min(1.0, math.exp(1 - reference_length / length))
    return 100 * brevity * math.exp(logarithms / max_n)


def _ngrams(tokens: Sequence[Any], n: int) -> Counter[Any]:
    return Counter(tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1))


def _choices(references: Any, hypothesis: Any) -> list[Any]:
    """Return the references of a hypothesis: it is a text and they are texts, or all of them are lists of tokens."""
    one = isinstance(references, str) if isinstance(hypothesis, str) else not _is_nested(references)
    choices = [references] if one else list(references)
    if not choices:
        raise ArgumentError("a hypothesis has no reference")
    return choices


def _is_nested(references: Any) -> bool:
    return len(references) > 0 and isinstance(references[0], list | tuple)


def _tokens(text: Any, tokenize: str) -> Sequence[Any]:
    if isinstance(text, str):
        return TOKENIZERS[tokenize](text.rstrip())
    if not isinstance(text, Sequence):
        raise ArgumentTypeError(f"expected a text or a list of tokens, got a {type(text).__name__}")
    return text


def _workshop_tokens(text: str) -> list[str]:
    """Split off punctuation as mteval-v13a does: not the dot and comma within numbers."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(entity, character)
    text = re.sub(r"([{-~\[-` -&(-+:-@/])", r" \1 ", f" {text} ")
    text = re.sub(r"([^0-9])([.,])", r"\1 \2 ", text)
    text = re.sub(r"([.,])([^0-9])", r" \1 \2", text)
    return re.sub(r"([0-9])(-)", r"\1 \2 ", text).split()


TOKENIZERS: dict[str, Callable[[str], Sequence[str]]] = {
    "13a": _workshop_tokens,
    "char": lambda text: "".join(text.split()),
    "none": str.split,
}
