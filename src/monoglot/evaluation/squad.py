"""SQuAD's scores: exact match and F1 of answers, after its normalisation (Rajpurkar et al. 2016)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalized(answer: str) -> str:
    """Lower-case, drop ASCII punctuation and English articles: what the official script does."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, expected: str) -> float:
    """Compute whether two answers are the same, 0 or 1."""
    return float(normalized(answer) == normalized(expected))


def overlap_f1(answer: str, expected: str) -> float:
    """Compute the F1 of the words that two answers share; words are what stands between whitespace."""
    given, wanted = normalized(answer).split(), normalized(expected).split()
    shared = sum((Counter(given) & Counter(wanted)).values())
    if not shared:
        return float(given == wanted)
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def squad_scores(answers: Sequence[str], expected: Sequence[Sequence[str]]) -> dict[str, float]:
    """Compute means over questions; of several accepted answers the likest counts.

    Args:
        answers: One for each question.
        expected: The accepted answers of each.
    """

    def mean(compare: Callable[[str, str], float]) -> float:
        pairs = zip(answers, expected, strict=True)
        return float(np.mean([max(compare(answer, one) for one in accepted) for answer, accepted in pairs]))

    return {"f1": mean(overlap_f1), "exact_match": mean(exact_match), "questions": len(answers)}
