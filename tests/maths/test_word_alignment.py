import numpy as np
import pytest

from monoglot.maths import word_alignment as translation
from monoglot.maths.sparse import offsets
from monoglot.maths.word_alignment import Sequences, count_links


def sequences(rows, kinds=20):
    lengths = np.array([len(row) for row in rows], np.int64)
    return Sequences(np.array([x for row in rows for x in row], np.int64), offsets(lengths), kinds)


def linked(links):
    pairs = zip(links.source.tolist(), links.target.tolist(), strict=True)
    return dict(zip(pairs, links.counts.tolist(), strict=True))


@pytest.fixture
def code():
    """Sentences in which each symbol s is translated by s + 10, in another order."""
    rng = np.random.default_rng(0)
    source = [rng.permutation(8)[: rng.integers(2, 6)].tolist() for _ in range(300)]
    target = [[s + 10 for s in rng.permutation(row).tolist()] for row in source]
    return source, target


def test_a_simple_code_is_learned(code):
    source, target = code
    counts = linked(count_links(*map(sequences, code)))
    right = sum(n for (s, t), n in counts.items() if t == s + 10)
    assert right / sum(map(len, target)) > 0.85  # chance would be a third
    assert {t for _, t in counts} == {s + 10 for row in source for s in row}


def test_chunks_make_no_difference(code, monkeypatch):
    whole = linked(count_links(*map(sequences, code)))
    monkeypatch.setattr(translation, "CHUNK_LINKS", 40)
    assert linked(count_links(*map(sequences, code))) == whole


def test_a_symbol_that_stands_for_nothing_is_not_linked():
    rng = np.random.default_rng(0)
    source = [rng.permutation(40)[:8].tolist() for _ in range(300)]
    target = [[s + 50 for s in row] for row in source]
    for row in target:
        row.insert(int(rng.integers(0, 9)), 99)
    counts = linked(count_links(sequences(source, 100), sequences(target, 100)))
    assert sum(n for (s, t), n in counts.items() if t == s + 50) == 300 * 8
    assert sum(n for (_, t), n in counts.items() if t == 99) < 0.05 * 300


def test_equal_symbols_go_by_their_place():
    # Only the place tells which 1 the 11 is the translation of; all are linked with a 1 or 2 nearby.
    counts = linked(count_links(sequences([[1, 2]] * 5), sequences([[11, 12]] * 5)))
    assert counts == {(1, 11): 5, (2, 12): 5}


def test_empty_sides_and_no_sequences():
    assert linked(count_links(sequences([[], [1], []]), sequences([[2], [], []]))) == {}
    assert linked(count_links(sequences([]), sequences([]))) == {}
