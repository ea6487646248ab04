"""Co-occurrence counts against counting by hand, and their independence of chunks, threads and shards."""

from __future__ import annotations

import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.sparse import csr_array

from monoglot.errors import VectorsError
from monoglot.tokenization.encoding import CorpusWriter
from monoglot.vectors.cooccurrence import pair_counts, pair_table
from monoglot.vectors.cooccurrence.pair_counts import (
    PairCounts,
    count_chunk,
    count_pairs,
    count_shards,
)
from monoglot.vectors.engines.cooccurrence import Cooccurrence

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


@given(texts, st.integers(1, 40))
def test_pairs_of_a_chunk(lines, window):
    assert entries(count_chunk(*flat(lines), 7, window)) == dict(by_hand(lines, window))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 40))
def test_windows_of_any_width_count_like_a_loop(line, window):
    assert entries(count_chunk(*flat([line, line[::-1]]), 7, window)) == dict(
        by_hand([line, line[::-1]], window)
    )


@pytest.mark.parametrize(("window", "size"), [(0, 7), (-3, 7), (1 << 60, 7), (1 << 24, 1 << 21)])
def test_a_window_that_can_not_be_counted_is_refused(window, size):
    with pytest.raises(VectorsError, match=f"window of {window:,}"):
        count_chunk(*flat([[1, 2, 3]]), size, window)


def held(lines: list[list[int]], size: int = 7) -> tuple[csr_array, np.ndarray]:
    ids, offsets = flat(lines)
    return count_chunk(ids, offsets, size, 3), np.bincount(ids, minlength=size)


@settings(max_examples=25, deadline=None)
@given(st.lists(texts, max_size=5), st.integers(1, 40))
def test_parts_add_up_to_the_whole_in_any_order_and_memory(parts, most_pairs):
    with tempfile.TemporaryDirectory() as folder:
        whole, apart = (
            PairCounts(7, Path(folder) / name, most) for name, most in [("a", 99), ("b", most_pairs)]
        )
        whole.add(*held([line for part in parts for line in part]))
        for part in reversed(parts):
            apart.add(*held(part))
        tables = [counts.save(Path(folder) / name) for name, counts in [("whole", whole), ("apart", apart)]]
        for one, other in zip(*(vars(table).values() for table in tables), strict=True):
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes()


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


def test_memory_is_bounded_and_frequent_pairs_survive(tmp_path, monkeypatch):
    monkeypatch.setattr(pair_table, "BLOCK_PAIRS", 700)
    monkeypatch.setattr(pair_counts, "MOST_WRITTEN", 3)
    generator = np.random.default_rng(0)
    counts, exact = PairCounts(1_000, tmp_path, most_pairs=5_000), Counter()
    for _ in range(30):
        line = generator.integers(2, 1_000, 3_000)
        line[::3] = 0
        exact += by_hand([line.tolist()], 1)
        part = count_chunk(line.astype(np.uint16), np.array([0, 3_000]), 1_000, 1)
        counts.add(part, np.bincount(line, minlength=1_000))
        assert counts._held <= 5_000

    # The lowest count at which no more than 5,000 pairs are left: all of these, and no others.
    least = next(n for n in range(1, 99) if sum(c >= n for c in exact.values()) <= 5_000)
    assert next(counts._names) > 6
    assert len(list(tmp_path.iterdir())) <= 3
    assert entries(counts.total()) == {pair: n for pair, n in exact.items() if n >= least}
    assert counts.total()[[0]].sum() == 30 * 1_000


@pytest.fixture(scope="module")
def shards(german, tmp_path_factory) -> list[Path]:
    """The German corpus in three parts."""
    corpus, _ = german
    folder = tmp_path_factory.mktemp("shards")
    bounds = [0, 400, 401, corpus.lines]
    for number, (first, last) in enumerate(pairwise(bounds)):
        ids = [corpus.ids[a:b].tolist() for a, b in pairwise(corpus.offsets[first : last + 1].tolist())]
        with CorpusWriter(folder / f"part-{number}", 1_000) as writer:
            writer.write(ids, [True] * len(ids))
    return [folder / f"part-{number}" for number in range(3)]


def counted_on_ray(work, parts):
    import ray
    from ray.util.multiprocessing import Pool

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000, log_to_driver=False)
    try:
        with Pool(2) as pool:
            return pool.map(work, parts)
    finally:
        ray.shutdown()


def counted_by_processes(work, parts):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, parts))


@pytest.mark.parametrize("run", [map, counted_by_processes, counted_on_ray])
def test_shards_counted_apart_give_the_same_vectors(german, shards, tmp_path, run):
    corpus, vocabulary = german
    engine = Cooccurrence(context_dim=20, form_dim=20, most_pairs=3_000)
    sizes = {"size": vocabulary.size, "window": engine.window, "most_pairs": 5_000}
    table = count_shards(shards, folder=tmp_path, run=run, **sizes)
    apart = engine.train_on_counts(table, vocabulary, seed=1)
    whole = engine.train(corpus, vocabulary, seed=1)

    assert len(table) > engine.most_pairs
    for name in ("matrix", "usable", "counts"):
        assert getattr(apart, name).tobytes() == getattr(whole, name).tobytes()


def test_parts_need_names_of_their_own(tmp_path):
    with pytest.raises(VectorsError, match=r"folders called a, b, b; each needs a name of its own"):
        count_shards(
            [tmp_path / "a", tmp_path / "b", tmp_path / "c" / "b"], size=3, folder=tmp_path, window=1
        )
