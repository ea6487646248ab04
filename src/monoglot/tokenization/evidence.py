"""How often tokens and words occur in the corpus and in an English text: what the audit's rules look at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64

_INNER_WORD = re.compile(r"(?<=[^\W\d_] )[^\W\d_]+|(?<=[,;] )[^\W\d_]+")


@dataclass(frozen=True)
class TextCounts:
    """How often tokens and words occur in a text.

    Attributes:
        tokens: Count of each target id, the text being cut by the target tokenizer.
        words: Count of each word in its own case, as ``count_words`` gives them.
    """

    tokens: Int64[np.ndarray, " target"]
    words: Mapping[str, int]

    @cached_property
    def all_tokens(self) -> int:
        """Number of tokens of the text."""
        return int(self.tokens.sum())

    @cached_property
    def all_words(self) -> int:
        """Number of words counted."""
        return sum(self.words.values())

    @cached_property
    def caseless_words(self) -> Mapping[str, int]:
        """Count of each word whatever its case, by its lower-cased form."""
        counts: Counter[str] = Counter()
        for word, count in self.words.items():
            counts[word.lower()] += count
        return counts


@dataclass(frozen=True)
class Evidence:
    """The texts that tell what sort of token a token is.

    Attributes:
        corpus: The corpus of the target language.
        english: Any English text of some megabytes; without one only the script tells a foreign token.
    """

    corpus: TextCounts
    english: TextCounts | None = None


def count_words(lines: Iterable[str]) -> Counter[str]:
    """Count the words that follow another word, a comma or a semicolon on their line.

    Those are not the first of a sentence, so that a capital letter says something about the word.
    """
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(_INNER_WORD.findall(line))
    return counts
