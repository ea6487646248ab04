"""Sorts tokens into symbols, names, English, other foreign words, and words of the language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from monoglot.tokenization.overlap import is_symbolic
from monoglot.tokenization.parts import Token
from monoglot.tokenization.scripts import COMMON, script_of
from monoglot.tokenization.vocabulary import Vocabulary

_INNER_WORD = re.compile(r"(?<=[^\W\d_] )[^\W\d_]+|(?<=[,;] )[^\W\d_]+")


@dataclass(frozen=True)
class TextCounts:
    """How often tokens and words occur in a text.

    Attributes:
        tokens: Count of each target id, the text being segmented by the target tokenizer.
        words: Count of each word in its own case, as ``count_inner_words`` gives them.
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


def count_inner_words(lines: Iterable[str]) -> Counter[str]:
    """Count the words that follow another word, a comma or a semicolon on their line.

    Those are not the first of a sentence, so that a capital letter says something about the word.
    """
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(_INNER_WORD.findall(line))
    return counts


class Kind(StrEnum):
    """The sorts of tokens that are told apart."""

    SPECIAL = "special"
    SYMBOLS = "symbols"
    NAMES = "names"
    FOREIGN = "foreign"
    TARGET = "target"
    UNCLEAR = "unclear"


RULES = {
    Kind.SPECIAL: "special tokens, and bytes that are only part of a character",
    Kind.SYMBOLS: "nothing but numbers, punctuation, other symbols and whitespace",
    Kind.FOREIGN: "letters of a script that writes less than a tenth of the corpus; or at least 4 times as "
    "frequent in English as in the corpus, at most each 10,000th token of the corpus, and no fragment of up "
    "to 3 letters",
    Kind.NAMES: "a word that English capitalizes in at least 9 of 10 cases and uses at least a tenth as "
    "often as the corpus; or that the corpus so capitalizes, if less than a quarter of its words are",
    Kind.TARGET: "at least 4 times as frequent in the corpus as in English; without an English text, all "
    "that the corpus has at least 5 times",
    Kind.UNCLEAR: "the rest: single letters of an alphabet, tokens that are rare, or frequent in both texts",
}
"""How each kind is recognized; names are looked for before frequencies are compared.

Frequencies are those of the word, if the token begins a word or has 4 letters and the texts have it as a word
at least 5 times, else those of the token. Only a token that begins a word has to agree with it in case.
"""

_LEAST_COUNT = 5
_RATIO = 4.0
_COMMON_RATE = 1e-4
_FRAGMENT_LETTERS = 3
_CAPITALISED = 0.9
_NAME_RATIO = 0.1
_NOUN_CAPITALS = 0.25
_MAIN_SCRIPT = 0.1
_WITHOUT_ALPHABET = frozenset({"Han", "Hiragana", "Katakana", "Hangul"})


def kinds_of(vocabulary: Vocabulary, evidence: Evidence) -> list[Kind]:
    """Tell the kind of each token of a vocabulary, by ``RULES``.

    Args:
        vocabulary: The target vocabulary, of exact canonicalization.
        evidence: Counts of tokens and words.

    Returns:
        A kind for each of ``vocabulary.tokens``.
    """
    rules = _Rules(vocabulary, evidence)
    return [rules.kind(token) for token in vocabulary.tokens]


class _Rules:
    """The rules with what they look up."""

    def __init__(self, vocabulary: Vocabulary, evidence: Evidence) -> None:
        self.corpus, self.english = evidence.corpus, evidence.english
        self.main_scripts = _main_scripts(vocabulary, evidence.corpus)
        self.capitals_mean_names = _capitals_mean_names(evidence.corpus)

    def kind(self, token: Token) -> Kind:
        text = token_text(token)
        if text is None:
            return Kind.SPECIAL
        if is_symbolic(token.form):
            return Kind.SYMBOLS
        script = script_of(text)
        if script not in self.main_scripts:
            return Kind.UNCLEAR if script == COMMON else Kind.FOREIGN
        if len(text) == 1 and script not in _WITHOUT_ALPHABET:
            return Kind.UNCLEAR
        return Kind.NAMES if token.word_start and self._is_name(text) else self._language(token, text)

    def _is_name(self, word: str) -> bool:
        if not (word.isalpha() and word.istitle()):
            return False
        if self.capitals_mean_names and _is_capitalised(word, self.corpus):
            return True
        return (
            self.english is not None
            and _is_capitalised(word, self.english)
            and _rate(self.english.words.get(word, 0), self.english.all_words)
            >= _NAME_RATIO * _rate(self.corpus.words.get(word, 0), self.corpus.all_words)
        )

    def _language(self, token: Token, text: str) -> Kind:
        if self.english is None:
            return Kind.TARGET if self.corpus.tokens[token.id] >= _LEAST_COUNT else Kind.UNCLEAR
        texts = (self.corpus, self.english)
        is_fragment = token.word_start is False and len(text) <= _FRAGMENT_LETTERS
        counts = [0 if is_fragment else _word_count(token, text, one) for one in texts]
        totals = [one.all_words for one in texts]
        if sum(counts) < _LEAST_COUNT:
            counts = [int(one.tokens[token.id]) for one in texts]
            totals = [one.all_tokens for one in texts]
        if sum(counts) < _LEAST_COUNT:
            return Kind.UNCLEAR
        here, there = (_rate(count, total) for count, total in zip(counts, totals, strict=True))
        if here >= _RATIO * there:
            return Kind.TARGET
        is_rare = self.corpus.tokens[token.id] <= _COMMON_RATE * self.corpus.all_tokens
        return Kind.FOREIGN if there >= _RATIO * here and is_rare and not is_fragment else Kind.UNCLEAR


def token_text(token: Token) -> str | None:
    """Give the text of a token; ``None`` for special tokens and parts of characters."""
    if token.roles:
        return None
    try:
        return token.form.decode()
    except UnicodeDecodeError:
        return None


def _word_count(token: Token, text: str, counts: TextCounts) -> int:
    """How often a token's text is a word; inside a word, where nouns lose their capitals, in any case."""
    if token.word_start is False:
        return counts.caseless_words.get(text.lower(), 0)
    return counts.words.get(text, 0)


def _rate(count: int, total: int) -> float:
    """Relative frequency, never zero."""
    return (count + 0.5) / (total + 1)


def _is_capitalised(word: str, text: TextCounts) -> bool:
    own = text.words.get(word, 0)
    both = own + text.words.get(word.lower(), 0)
    return both >= _LEAST_COUNT and own >= _CAPITALISED * both


def _main_scripts(vocabulary: Vocabulary, corpus: TextCounts) -> frozenset[str]:
    """The scripts that write at least a tenth of the corpus' tokens that have letters."""
    frequency: Counter[str] = Counter()
    for token in vocabulary.tokens:
        if corpus.tokens[token.id]:
            frequency[script_of(token_text(token) or "")] += int(corpus.tokens[token.id])
    frequency.pop(COMMON, None)
    return frozenset(s for s, count in frequency.items() if count >= _MAIN_SCRIPT * frequency.total())


def _capitals_mean_names(corpus: TextCounts) -> bool:
    """Whether few words of the corpus are capitalized: the language doesn't capitalize all nouns."""
    capitalized = sum(count for word, count in corpus.words.items() if word[0].isupper())
    return capitalized < _NOUN_CAPITALS * corpus.all_words
