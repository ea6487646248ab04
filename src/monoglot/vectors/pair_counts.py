"""Which tokens stand near each other: windowed co-occurrence counts in one pass and bounded memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from jaxtyping import Int64
from scipy.sparse import csr_array

from monoglot.progress import SILENT, Progress
from monoglot.tokenization.tokenized_corpus import Ids, TokenizedCorpus

CHUNK_TOKENS = 1 << 21
MOST_PAIRS = 40_000_000
WIDEST_WINDOW = 15


@dataclass
class PairCounts:
    """Adds up counts; the sum does not depend on the order or on how the corpus was divided.

    That holds as long as there are no more than ``most_pairs`` different pairs. Beyond that the rarest are
    dropped whenever there are too many, as in lossy counting (Manku & Motwani 2002): memory stays bounded,
    and only pairs that say little are lost.

    Attributes:
        size: Number of tokens.
        most_pairs: How many different pairs are kept; each takes 12 bytes here.
    """

    size: int
    most_pairs: int = MOST_PAIRS
    _total: csr_array = field(init=False)
    _recent: csr_array = field(init=False)

    def __post_init__(self) -> None:
        self._total = csr_array((self.size, self.size), dtype=np.int64)
        self._recent = self._total

    def add(self, counts: csr_array) -> None:
        """Add the counts of another part of the corpus."""
        self._recent = self._recent + counts
        # Many small sums before a large one: each pair is copied a few times, not once for each part.
        if 2 * self._recent.nnz >= self._total.nnz:
            self._merge()

    def total(self) -> csr_array:
        """How often (weighted by nearness) token ``row`` stood before token ``column``."""
        self._merge()
        return self._total

    def _merge(self) -> None:
        self._total = self._total + self._recent
        self._recent = csr_array((self.size, self.size), dtype=np.int64)
        if self._total.nnz > self.most_pairs:
            drop = self._total.nnz - self.most_pairs * 3 // 4
            self._total.data[self._total.data <= np.partition(self._total.data, drop)[drop]] = 0
            self._total.eliminate_zeros()


def count_pairs(
    corpus: TokenizedCorpus,
    size: int,
    *,
    window: int,
    most_pairs: int = MOST_PAIRS,
    threads: int = 1,
    progress: Progress = SILENT,
) -> csr_array:
    """Count how often one token stands up to ``window`` tokens before another, in the same line.

    A pair at a distance of ``d`` tokens counts ``window + 1 - d``, as it does on average where the width of
    the window is drawn at random for each token (word2vec). These are whole numbers, so that parts of a
    corpus can be counted apart, anywhere, and added up to exactly the same.

    Args:
        corpus: The text.
        size: Number of tokens in the vocabulary.
        window: Largest distance, at most 15.
        most_pairs: How many different pairs are kept (see ``PairCounts``).
        threads: How many parts are counted at a time; the result is the same for any number.
        progress: Where to show how far the work is.

    Returns:
        Entry ``[a, b]`` is the weighted count of ``a`` before ``b``.
    """
    counts = PairCounts(size, most_pairs)
    chunks = corpus.lines_in_chunks(CHUNK_TOKENS)
    with ThreadPoolExecutor(threads) as pool, progress.task("counting neighbours", corpus.tokens) as advance:
        while group := list(islice(chunks, threads)):
            for part in pool.map(lambda chunk: count_chunk(chunk[0], chunk[1], size, window), group):
                counts.add(part)
            advance(sum(len(ids) for ids, _ in group))
    return counts.total()


def count_chunk(ids: Ids, offsets: Int64[np.ndarray, " lines+1"], size: int, window: int) -> csr_array:
    """Count the pairs of some whole lines; see ``count_pairs``."""
    bits = WIDEST_WINDOW.bit_length()
    tokens = ids.astype(np.int64)
    lines = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    keys = np.concatenate(
        [
            ((tokens[:-distance] * size + tokens[distance:]) << bits | (window + 1 - distance))[
                lines[:-distance] == lines[distance:]
            ]
            for distance in range(1, window + 1)
        ]
    )
    keys.sort()
    pairs, weights = keys >> bits, keys & WIDEST_WINDOW
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    summed = np.add.reduceat(weights, first) if len(first) else weights
    rows, columns = np.divmod(pairs[first], size)
    indptr = np.searchsorted(rows, np.arange(size + 1))
    # Eight bytes for an index would be twice the memory.
    return csr_array((summed, columns.astype(np.int32), indptr.astype(np.int32)), shape=(size, size))
