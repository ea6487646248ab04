"""Co-occurrence counts against counting by hand, and their independence of chunks, threads and shards."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from monoglot.vectors import pair_counts
from monoglot.vectors.pair_counts import PairCounts, count_chunk, count_pairs

texts = st.lists(st.lists(st.integers(0, 6), max_size=12), max_size=8)


def by_hand(lines: list[list[int]], window: int) -> Counter[tuple[int, int]]:
    counts: Counter[tuple[int, int]] = Counter()
    for line in lines:
        for at, first in enumerate(line):
            for distance, second in enumerate(line[at + 1 : at + 1 + window], start=1):
                counts[first, second] += window + 1 - distance
    return counts


def flat(lines: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([token for line in lines for token in line], dtype=np.uint16)
    return ids, np.cumsum([0, *map(len, lines)])


def entries(matrix) -> dict[tuple[int, int], int]:
    coordinates = matrix.tocoo()
    return {(int(a), int(b)): int(n) for a, b, n in zip(*coordinates.coords, coordinates.data, strict=True)}


@given(texts, st.integers(1, pair_counts.WIDEST_WINDOW))
def test_pairs_of_a_chunk(lines, window):
    assert entries(count_chunk(*flat(lines), 7, window)) == dict(by_hand(lines, window))


@given(st.lists(texts, max_size=4))
def test_shards_add_up_to_the_whole(shards):
    whole, apart = PairCounts(7), PairCounts(7)
    whole.add(count_chunk(*flat([line for shard in shards for line in shard]), 7, 3))
    for shard in reversed(shards):
        apart.add(count_chunk(*flat(shard), 7, 3))

    assert entries(apart.total()) == entries(whole.total())


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("chunk_tokens", [10, 5_000, 10**7])
def test_whole_corpus_is_counted_once(german, monkeypatch, threads, chunk_tokens):
    corpus, vocabulary = german
    monkeypatch.setattr(pair_counts, "CHUNK_TOKENS", chunk_tokens)
    lines = [
        corpus.ids[a:b].tolist() for a, b in zip(corpus.offsets[:300], corpus.offsets[1:301], strict=True)
    ]
    corpus = type(corpus)(corpus.ids[: corpus.offsets[300]], corpus.offsets[:301])

    assert entries(count_pairs(corpus, vocabulary.size, window=4, threads=threads)) == dict(by_hand(lines, 4))


def test_memory_is_bounded_and_frequent_pairs_survive():
    generator = np.random.default_rng(0)
    counts = PairCounts(1_000, most_pairs=5_000)
    for _ in range(20):
        line = generator.integers(2, 1_000, 3_000)
        line[::3], line[1::3] = 0, 1
        counts.add(count_chunk(line.astype(np.uint16), np.array([0, 3_000]), 1_000, 1))
        assert counts._total.nnz + counts._recent.nnz < 5_000 + 3_000

    total = counts.total()
    assert total.nnz <= 5_000
    assert total[0, 1] == 20 * 1_000
