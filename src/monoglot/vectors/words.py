"""Which words of a tokenised corpus contain which tokens."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool, Int64
from scipy.sparse import csr_array

from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import Ids, TokenizedCorpus
from monoglot.tokenization.vocabulary import Vocabulary

CHUNK_TOKENS = 1 << 21
LONGEST_WORD_TOKENS = 32
NO_WORD_CATEGORIES = "PSZC"
"""Punctuation, symbols, separators and control characters are not part of words."""


def count_tokens_in_words(
    corpus: TokenizedCorpus,
    vocabulary: Vocabulary,
    columns: Mapping[str, int],
    *,
    progress: Progress = SILENT,
) -> csr_array:
    """Count how often each token occurs within each of some words.

    A word of the corpus is a token and those after it that continue its word; punctuation and the like are
    words of their own, so that ``Haus.`` counts for ``Haus``. A word that has no column as it is written
    counts for the one in lower case.

    Args:
        corpus: The text.
        vocabulary: Its tokens.
        columns: A number for each of the words.
        progress: Where to show how far the work is.

    Returns:
        A row for each target id, as many columns as the numbers span.
    """
    forms = [b""] * vocabulary.size
    for token in vocabulary.tokens:
        forms[token.id] = token.form
    apart = _stands_apart(vocabulary)
    begins = apart.copy()
    begins[[token.id for token in vocabulary.tokens if token.word_start is not False]] = True
    total = csr_array((vocabulary.size, 1 + max(columns.values(), default=-1)), dtype=np.int64)
    with progress.task("looking for words", corpus.tokens) as advance:
        for ids, offsets in corpus.lines_in_chunks(CHUNK_TOKENS):
            for words, times in _distinct_words(ids, offsets, begins, apart):
                texts = (
                    b"".join([forms[id] for id in word]).decode("utf-8", "replace") for word in words.tolist()
                )
                found = np.array(
                    [columns.get(text, columns.get(text.lower(), -1)) for text in texts], np.int64
                )
                known, length = found >= 0, words.shape[1]
                entries = (words[known].ravel(), np.repeat(found[known], length))
                total = total + csr_array((np.repeat(times[known], length), entries), shape=total.shape)
            advance(len(ids))
    return total


def _stands_apart(vocabulary: Vocabulary) -> Bool[np.ndarray, " size"]:
    """Which ids are no part of a word: special tokens, punctuation and the like."""
    apart = np.zeros(vocabulary.size, dtype=bool)
    for token in vocabulary.tokens:
        text = token.form.decode("utf-8", "ignore")
        categories = [unicodedata.category(character)[0] for character in text]
        apart[token.id] = bool(token.roles) or (text != "" and set(categories) <= set(NO_WORD_CATEGORIES))
    return apart


def _distinct_words(
    ids: Ids,
    offsets: Int64[np.ndarray, " lines+1"],
    begins: Bool[np.ndarray, " size"],
    apart: Bool[np.ndarray, " size"],
) -> Iterator[tuple[Int64[np.ndarray, "words length"], Int64[np.ndarray, " words"]]]:
    """The different words of some lines, those of one length at a time, and how often each occurs."""
    first = begins[ids]
    first[1:] |= apart[ids[:-1]]
    first[offsets[:-1][np.diff(offsets) > 0]] = True
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=len(ids))
    for length in range(1, LONGEST_WORD_TOKENS + 1):
        words = ids[starts[lengths == length][:, None] + np.arange(length)]
        if len(words):
            # Rows as opaque values: many times faster than np.unique(axis=0).
            rows = (
                np.ascontiguousarray(words).view(np.dtype((np.void, words.dtype.itemsize * length))).ravel()
            )
            distinct, times = np.unique(rows, return_counts=True)
            yield distinct.view(words.dtype).reshape(-1, length).astype(np.int64), times
