"""Windowed co-occurrence counts of tokens: exact, in bounded memory, in any order."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from scipy.sparse import csr_array

from monoglot.errors import VectorsError
from monoglot.progress import SILENT, Progress
from monoglot.tokenization.encoding import Ids, TokenizedCorpus
from monoglot.vectors.cooccurrence.pair_table import PairTable, merge_tables, write_table

CHUNK_TOKENS = 1 << 21
CHUNK_PAIRS = 16 << 21
"""Pairs, equal ones apart, that are sorted at one time."""
MOST_PAIRS = 25_000_000
MOST_WRITTEN = 8
"""Tables on disk that are merged into one when there are this many."""


@dataclass
class PairCounts:
    """Adds up counts in bounded memory; the sum is exact, and the same in whatever order parts are added.

    What does not fit waits on disk: 12 bytes for each pair of each part that had to be written.

    Attributes:
        size: Number of tokens.
        folder: Where there is room for what does not fit into memory.
        most_pairs: How many different pairs are held in memory.
    """

    size: int
    folder: Path
    most_pairs: int = MOST_PAIRS

    def __post_init__(self) -> None:
        self._token_counts = np.zeros(self.size, dtype=np.int64)
        self._total = self._recent = csr_array((self.size, self.size), dtype=np.int64)
        self._written: list[Path] = []
        self._names = count()

    def add(self, counts: csr_array, token_counts: Int64[np.ndarray, " size"]) -> None:
        """Add the counts of another part of the corpus."""
        self._token_counts += token_counts
        self._recent = self._recent + counts
        # Many small sums before a large one: each pair is copied a few times, not once for each part.
        if 2 * self._recent.nnz >= self._total.nnz or self._held > self.most_pairs:
            self._merge()
        if self._held > self.most_pairs:
            self._written.append(self._new_folder())
            self._write(self._written[-1])
            self._total = csr_array((self.size, self.size), dtype=np.int64)
        if len(self._written) == MOST_WRITTEN:
            merged = self._new_folder()
            merge_tables([PairTable.open(part) for part in self._written], merged)
            for part in self._written:
                shutil.rmtree(part)
            self._written = [merged]

    def save(self, folder: Path) -> PairTable:
        """Write the sum as a table."""
        self._merge()
        if not self._written:
            return self._write(folder, self._token_counts)
        last = self._write(self._new_folder(), self._token_counts)
        return merge_tables([*map(PairTable.open, self._written), last], folder)

    def total(self) -> csr_array:
        """How often (weighted by nearness) token ``row`` stood before token ``column``.

        If there are more than ``most_pairs`` different pairs, only the most frequent ones.
        """
        self._merge()
        return self.save(self._new_folder()).most_frequent(self.most_pairs) if self._written else self._total

    @property
    def _held(self) -> int:
        return int(self._total.nnz + self._recent.nnz)

    def _merge(self) -> None:
        self._total = self._total + self._recent
        self._recent = csr_array((self.size, self.size), dtype=np.int64)

    def _write(self, folder: Path, token_counts: Int64[np.ndarray, " size"] | None = None) -> PairTable:
        counted = np.zeros(self.size, dtype=np.int64) if token_counts is None else token_counts
        return write_table(folder, counted, iter([self._total]))

    def _new_folder(self) -> Path:
        return self.folder / str(next(self._names))


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
    corpus can be counted apart, anywhere, and added up to exactly the same (see ``count_shard``).

    Args:
        corpus: The text.
        size: Number of tokens in the vocabulary.
        window: Largest distance, at least 1.
        most_pairs: How many different pairs are held in memory and kept in the end, the most frequent ones.
        threads: How many parts are counted at a time; the result is the same for any number.
        progress: Where to show how far the work is.

    Returns:
        Entry ``[a, b]`` is the weighted count of ``a`` before ``b``.

    Raises:
        VectorsError: If the window is empty, or so wide that counts would overflow.
    """
    with tempfile.TemporaryDirectory(prefix="monoglot-") as folder:
        counts = PairCounts(size, Path(folder), most_pairs)
        _count_into(counts, corpus, window, threads, progress)
        return counts.total()


def count_shard(
    corpus: Path,
    *,
    size: int,
    folder: Path,
    window: int,
    most_pairs: int = MOST_PAIRS,
    threads: int = 1,
) -> Path:
    """Count one part of a corpus, exactly, and write a table that can be merged with others.

    Made to be run by other processes or on other machines; everything it is given and gives can be sent.

    Args:
        corpus: Folder of the part, tokenized.
        size: Number of tokens in the vocabulary.
        folder: Where tables go; this one is named like the part.
        window: Largest distance.
        most_pairs: How many different pairs are held in memory.
        threads: How many threads count.

    Returns:
        Folder of the table.
    """
    with tempfile.TemporaryDirectory(prefix="monoglot-") as temporary:
        counts = PairCounts(size, Path(temporary), most_pairs)
        _count_into(counts, TokenizedCorpus.open(corpus), window, threads, SILENT)
        counts.save(folder / corpus.name)
    return folder / corpus.name


def count_shards(
    corpora: Sequence[Path],
    *,
    size: int,
    folder: Path,
    window: int,
    most_pairs: int = MOST_PAIRS,
    run: Callable[[Callable[[Path], Path], Sequence[Path]], Iterable[Path]] = map,
) -> PairTable:
    """Count the parts of a corpus apart and add them up: the same as counting it in one pass.

    Args:
        corpora: Folders of the parts, each tokenized by itself; their names must differ.
        size: Number of tokens in the vocabulary.
        folder: Where the tables go: one for each part, and ``total``.
        window: Largest distance.
        most_pairs: How many different pairs each worker holds in memory.
        run: How to run a function on each part: ``map`` of `concurrent.futures.ProcessPoolExecutor` for the
            cores of this machine, of `ray.util.multiprocessing.Pool` for a cluster, or any other.

    Returns:
        The table of the whole corpus.

    Raises:
        VectorsError: If two parts have the same name.
    """
    names = [corpus.name for corpus in corpora]
    if len({*names, "total"}) <= len(names):
        raise VectorsError(
            f"the parts of the corpus are in folders called {', '.join(sorted(names))}; "
            "each needs a name of its own, other than 'total'."
        )
    work = partial(count_shard, size=size, folder=folder, window=window, most_pairs=most_pairs)
    return merge_tables([PairTable.open(table) for table in run(work, corpora)], folder / "total")


def _count_into(
    counts: PairCounts, corpus: TokenizedCorpus, window: int, threads: int, progress: Progress
) -> None:
    """Count a whole corpus, chunk by chunk; chunks are the smaller the more pairs each token has."""
    check_window(window, counts.size)
    chunks = corpus.lines_in_chunks(max(1, min(CHUNK_TOKENS, CHUNK_PAIRS // window)))
    with ThreadPoolExecutor(threads) as pool, progress.task("counting neighbors", corpus.tokens) as advance:
        while group := list(islice(chunks, threads)):
            parts = pool.map(lambda chunk: count_chunk(chunk[0], chunk[1], counts.size, window), group)
            for (ids, _), part in zip(group, parts, strict=True):
                counts.add(part, np.bincount(ids, minlength=counts.size))
                advance(len(ids))


def check_window(window: int, size: int) -> None:
    """Refuse a window that can't be counted.

    Raises:
        VectorsError: If it is empty, or a pair and its weight don't fit into 63 bits together.
    """
    if window < 1:
        raise VectorsError(f"a window of {window} tokens has no neighbors: give 1 or more")
    if (size * size - 1).bit_length() + window.bit_length() > 63:
        raise VectorsError(
            f"a window of {window:,} tokens is too wide for a vocabulary of {size:,}: counts would overflow"
        )


def count_chunk(ids: Ids, offsets: Int64[np.ndarray, " lines+1"], size: int, window: int) -> csr_array:
    """Count the pairs of some whole lines; see ``count_pairs``."""
    check_window(window, size)
    bits = window.bit_length()  # the heaviest weight is the window's width
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
    pairs, weights = keys >> bits, keys & ((1 << bits) - 1)
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    summed = np.add.reduceat(weights, first) if len(first) else weights
    rows, columns = np.divmod(pairs[first], size)
    indptr = np.searchsorted(rows, np.arange(size + 1))
    # Eight bytes for an index would be twice the memory.
    return csr_array((summed, columns.astype(np.int32), indptr.astype(np.int32)), shape=(size, size))
