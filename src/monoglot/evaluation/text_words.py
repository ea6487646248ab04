"""Which tokens of a line make up a word, whatever the tokenizer."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64

from monoglot.tokenization.spelling import script_of

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
    word_of, (_, unspaced) = spaced_words(line), character_kinds(line)
    starts, last = offsets[:, 0], last_characters(line, offsets)
    other_word = word_of[last[1:]] != word_of[last[:-1]]
    beside_unspaced = unspaced[last[1:]] | unspaced[last[:-1]]
    apart = starts[1:] >= offsets[:-1, 1]
    begins = np.flatnonzero(other_word | (beside_unspaced & apart)) + 1
    return np.concatenate([[0], begins, [len(offsets)]])


def last_characters(line: str, offsets: Int64[np.ndarray, "tokens 2"]) -> Int64[np.ndarray, " tokens"]:
    """Give the last character of each token; some tokens (a lone ``▁``) stand for no character."""
    starts = np.minimum(offsets[:, 0], len(line) - 1)
    last: Int64[np.ndarray, " tokens"] = np.clip(offsets[:, 1] - 1, starts, len(line) - 1)
    return last


def spaced_words(line: str) -> Int64[np.ndarray, " characters"]:
    """Give the number of the word that each character is part of; whitespace is part of the word after it."""
    space, _ = character_kinds(line)
    begins = np.zeros(len(line), np.int64)
    begins[1:] = space[1:] & ~space[:-1]  # the first space after a word begins the next one
    begins[len(line.rstrip()) :] = 0  # but for the last one
    return np.cumsum(begins)


def character_kinds(line: str) -> tuple[Bool[np.ndarray, " characters"], Bool[np.ndarray, " characters"]]:
    """Tell which characters are whitespace, and which are of a script without spaces."""
    points = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), np.uint32)
    different, place = np.unique(points, return_inverse=True)
    characters = [chr(point) for point in different.tolist()]
    space = np.array([character.isspace() for character in characters], bool)
    unspaced = np.array([script_of(character) in UNSPACED_SCRIPTS for character in characters], bool)
    return space[place], unspaced[place]
