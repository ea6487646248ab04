"""Texts to match a teacher on: sentences, whole lines, and lists of words for rare tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import Vocabulary, plain_backend

SENTENCE_END = re.compile(r"(?<=[.!?…।؟۔:;])[\"'»”’)]?\s+|(?<=[。！？])")
LEAST_CHARACTERS = 8
LONGEST_WORD_CHARACTERS = 40
LIST_WORDS = 16
MOST_WORD_TYPES = 1_000_000


def cut_sentences(line: str) -> list[str]:
    """Cut a line behind what ends a sentence in most scripts; short remains are left out.

    Where exactly sentences end is of no importance here: what counts is that texts are short.
    """
    pieces = [piece.strip() for piece in SENTENCE_END.split(line)]
    return [piece for piece in pieces if len(piece) >= LEAST_CHARACTERS] or [line]


def mixed_lengths(lines: Iterable[str], whole_lines: float, rng: np.random.Generator) -> Iterator[str]:
    """Give some lines whole, and the sentences of the others.

    Args:
        lines: Lines of text.
        whole_lines: Share of the lines that stay whole.
        rng: Chooses them.
    """
    for line in lines:
        if rng.random() < whole_lines:
            yield line
        else:
            yield from cut_sentences(line)


@dataclass(frozen=True)
class WordLists:
    """Lists of words in which every token that a corpus uses occurs, as far as its words have it.

    A corpus shows most tokens of a new vocabulary a few times in a million, so that their embeddings hardly
    learn; some tens of thousands of words show each of them.

    Attributes:
        words: The most frequent word of each token, each once.
    """

    words: Sequence[str]

    @classmethod
    def of(cls, lines: Iterable[str], tokenizer: PreTrainedTokenizerFast) -> WordLists:
        """Choose the words: from the most frequent on, each that has a token not seen before."""
        counts: Counter[str] = Counter()
        for line in lines:
            counts.update(line.split())
            if len(counts) > MOST_WORD_TYPES:
                counts = Counter({word: count for word, count in counts.items() if count > 1})
        bare: Counter[str] = Counter()
        for word, count in counts.items():
            bare[_without_marks(word)] += count
        ranked = sorted((-count, word) for word, count in bare.items())
        words = [word for count, word in ranked if count < -1 and 0 < len(word) <= LONGEST_WORD_CHARACTERS]
        encodings = plain_backend(tokenizer).encode_batch_fast(words, add_special_tokens=False)
        unseen = np.ones(Vocabulary.of(tokenizer).size, bool)
        chosen = []
        for word, encoding in zip(words, encodings, strict=True):
            if unseen[encoding.ids].any():
                unseen[encoding.ids] = False
                chosen.append(word)
        return cls(chosen)

    def texts(self, rng: np.random.Generator) -> Iterator[str]:
        """Lists of 16 words in random order, without end: all words once, then once more."""
        while self.words:
            order = rng.permutation(len(self.words))
            for start in range(0, len(order), LIST_WORDS):
                yield " ".join(self.words[index] for index in order[start : start + LIST_WORDS])


def _without_marks(word: str) -> str:
    """A word without the punctuation around it."""
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while end > start and not (word[end - 1].isalnum() or word[end - 1] > "\u02ff"):
        end -= 1  # vowel signs are no letters to Python, but belong to their word
    return word[start:end]
