"""Which tokens of a line make up a word, whatever the tokenizer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int64

from monoglot.tokenization.scripts import script_of

UNSPACED_SCRIPTS = frozenset(
    {"Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Javanese"}
)
"""Scripts that don't put spaces between words."""


def word_bounds(line: str, offsets: Int64[np.ndarray, "tokens 2"]) -> Int64[np.ndarray, " words_and_one"]:
    """Give where in a line's tokens each word begins, and their number at the end.

    A word is what stands between whitespace, so that every tokenizer has the same words; a token of nothing
    but whitespace belongs to the word that follows. In scripts without spaces each token is a word, unless it
    is only part of a character.

    Args:
        line: The text.
        offsets: First and last-plus-one character of each token.
    """
    if not len(offsets):
        return np.zeros(1, np.int64)
    word_of, unspaced = _characters(line)
    starts = offsets[:, 0]
    last = np.clip(offsets[:, 1] - 1, starts, len(line) - 1)
    other_word = word_of[last[1:]] != word_of[last[:-1]]
    beside_unspaced = unspaced[last[1:]] | unspaced[last[:-1]]
    apart = starts[1:] >= offsets[:-1, 1]
    begins = np.flatnonzero(other_word | (beside_unspaced & apart)) + 1
    return np.concatenate([[0], begins, [len(offsets)]])


def _characters(line: str) -> tuple[Int64[np.ndarray, " chars"], Bool[np.ndarray, " chars"]]:
    """The number of each character's word, and whether its script has no spaces."""
    space = np.fromiter((character.isspace() for character in line), bool, len(line))
    unspaced = np.fromiter((_is_unspaced(character) for character in line), bool, len(line))
    ends = np.zeros(len(line), np.int64)
    ends[1:] = space[1:] & ~space[:-1]  # the first space after a word belongs to the next word
    return np.cumsum(ends), unspaced


@lru_cache(1 << 16)
def _is_unspaced(character: str) -> bool:
    return character > "\u0e00" and script_of(character) in UNSPACED_SCRIPTS
