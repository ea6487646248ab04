"""Statistical word alignment: which symbols of two sequences correspond, learned from many pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from monoglot.maths.sparse import concatenated_ranges, offsets

CHUNK_LINKS = 1 << 22
"""How many possible links are held at once."""
ITERATIONS = 5
NULL = 0.08
"""Prior probability that a symbol stands for nothing."""
TENSION = 4.0
"""How strongly symbols at like places in their sequences are preferred."""


@dataclass(frozen=True)
class Sequences:
    """Many sequences of symbols, one after the other.

    Attributes:
        symbols: All symbols.
        indptr: Where each sequence begins, and where the last one ends.
        kinds: How many different symbols there may be.
    """

    symbols: Int64[np.ndarray, " symbols"]
    indptr: Int64[np.ndarray, " sequences_plus_one"]
    kinds: int

    @property
    def lengths(self) -> Int64[np.ndarray, " sequences"]:
        """How long each sequence is."""
        return np.diff(self.indptr)


@dataclass(frozen=True)
class Links:
    """How often symbols were linked: the ``i``-th pair, ``counts[i]`` times."""

    source: Int64[np.ndarray, " pairs"]
    target: Int64[np.ndarray, " pairs"]
    counts: Int64[np.ndarray, " pairs"]


def count_links(source: Sequences, target: Sequences) -> Links:
    """Link each target symbol with the source symbol that it most likely stands for, or with none, and count.

    The model is that of Dyer, Chahuneau & Smith 2013, "A Simple, Fast, and Effective Reparameterization of
    IBM Model 2", with its usual constants held fixed:
    ``p(f, j | i) ∝ exp(-4 |i/m - j/n|) t(f | e_j)``, with 0.08 for no source symbol at all; ``t`` comes from
    five iterations of expectation maximization.

    Args:
        source: The sequences of one side.
        target: Those that say the same, as many.

    Returns:
        The pairs that were linked at least once, by source symbol, then by target symbol.
    """
    known = np.zeros(0, np.int64)
    for chunk in _chunks(source, target):
        known = np.union1d(known, chunk.keys)
    table = _Table(known, np.ones(len(known)), np.full(target.kinds, 1.0))
    for _ in range(ITERATIONS):
        table = table.after(_chunks(source, target), target.kinds)
    counts = np.zeros(len(known), np.int64)
    for chunk in _chunks(source, target):
        counts += np.bincount(table.best_links(chunk), minlength=len(known))
    found = counts > 0
    return Links(known[found] // target.kinds, known[found] % target.kinds, counts[found])


@dataclass(frozen=True)
class _Chunk:
    """All possible links of some target symbols: those of the ``i``-th are ``starts[i]:starts[i + 1]``."""

    keys: Int64[np.ndarray, " links"]
    prior: Float64[np.ndarray, " links"]
    starts: Int64[np.ndarray, " targets_plus_one"]
    targets: Int64[np.ndarray, " targets"]


def _chunks(source: Sequences, target: Sequences) -> Iterator[_Chunk]:
    """The links of some sequences at a time; sequences without symbols have none."""
    possible = source.lengths * target.lengths
    ends = np.cumsum(possible)
    first = 0
    while first < len(possible):
        limit = (ends[first - 1] if first else 0) + CHUNK_LINKS
        last = max(first + 1, int(np.searchsorted(ends, limit, side="right")))
        some = np.arange(first, last)
        if len(some := some[possible[some] > 0]):
            yield _chunk(source, target, some)
        first = last


def _chunk(source: Sequences, target: Sequences, some: Int64[np.ndarray, " sequences"]) -> _Chunk:
    m, n = target.lengths[some], source.lengths[some]
    of = np.repeat(np.arange(len(some)), m)  # the sequence of each target symbol
    i = concatenated_ranges(np.zeros(len(some), np.int64), m)
    targets = target.symbols[concatenated_ranges(target.indptr[some], m)]
    j = concatenated_ranges(np.zeros(len(of), np.int64), n[of])
    places = concatenated_ranges(source.indptr[some][of], n[of])
    distance = np.abs(np.repeat((i + 0.5) / m[of], n[of]) - (j + 0.5) / np.repeat(n[of], n[of]))
    starts, prior = offsets(n[of]), np.exp(-TENSION * distance)
    prior *= (1 - NULL) / np.repeat(np.add.reduceat(prior, starts[:-1]), n[of])
    keys = source.symbols[places] * target.kinds + np.repeat(targets, n[of])
    return _Chunk(keys, prior, starts, targets)


@dataclass(frozen=True)
class _Table:
    """Translation probabilities of the pairs that occur, and of target symbols that stand for nothing."""

    keys: Int64[np.ndarray, " pairs"]
    probabilities: Float64[np.ndarray, " pairs"]
    from_nothing: Float64[np.ndarray, " target_kinds"]

    def scores(
        self, chunk: _Chunk
    ) -> tuple[Int64[np.ndarray, " links"], Float64[np.ndarray, " links"], Float64[np.ndarray, " targets"]]:
        """The number of each link's pair, its score, and that of standing for nothing."""
        pairs = np.searchsorted(self.keys, chunk.keys)
        return pairs, chunk.prior * self.probabilities[pairs], NULL * self.from_nothing[chunk.targets]

    def after(self, chunks: Iterator[_Chunk], kinds: int) -> _Table:
        """The table after one iteration of expectation maximization."""
        counts, nothing = np.zeros(len(self.keys)), np.zeros(kinds)
        for chunk in chunks:
            pairs, scores, none = self.scores(chunk)
            total = np.add.reduceat(scores, chunk.starts[:-1]) + none
            scores /= np.repeat(total, np.diff(chunk.starts))
            counts += np.bincount(pairs, scores, minlength=len(counts))
            nothing += np.bincount(chunk.targets, none / total, minlength=kinds)
        sources, of = np.unique(self.keys // kinds, return_inverse=True)
        totals = np.bincount(of, counts, minlength=len(sources))
        return _Table(self.keys, counts / totals[of], nothing / max(nothing.sum(), 1e-300))

    def best_links(self, chunk: _Chunk) -> Int64[np.ndarray, " linked"]:
        """The number of the pair that each target symbol is linked by, where it is."""
        pairs, scores, none = self.scores(chunk)
        best = np.maximum.reduceat(scores, chunk.starts[:-1])
        of = np.repeat(np.arange(len(best)), np.diff(chunk.starts))
        candidates = np.flatnonzero((scores == best[of]) & (scores > none[of]))
        _, first = np.unique(of[candidates], return_index=True)
        return pairs[candidates[first]]
