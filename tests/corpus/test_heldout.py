"""The choice of held-out lines: bounded, and a function of the set of lines."""

from __future__ import annotations

from hypothesis import given, strategies as st

from monoglot.corpus import heldout
from monoglot.corpus.heldout import NOTHING, HeldoutChoice, line_key


def choice_of(keys: list[int], size_bytes: int = 10) -> tuple[int, int]:
    choice = HeldoutChoice()
    for key in keys:
        choice.see(key, 2, size_bytes)
    limit, groups = choice.choose(len(keys))
    return limit, len(groups)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2), st.randoms())
def test_order_and_copies_do_not_matter(keys, shuffler):
    again = keys + keys[: len(keys) // 2]
    shuffler.shuffle(again)

    assert choice_of(again) == choice_of(keys)


@given(st.sets(st.integers(0, 2**64 - 1), min_size=2, max_size=300))
def test_some_lines_but_never_more_than_a_tenth(keys):
    limit, count = choice_of(sorted(keys, reverse=True))

    assert count == sum(key <= limit for key in keys) == max(1, len(keys) // 10)


def test_nothing_is_held_out_of_a_single_line():
    assert choice_of([7, 7, 7]) == (NOTHING, 0)


def test_large_corpus_is_counted_exactly_in_bounded_memory(monkeypatch):
    monkeypatch.setattr(heldout, "CANDIDATES", 2_100)
    keys = [line_key(str(number).encode()) for number in range(30_000)]
    choice = HeldoutChoice()
    for key in keys * 2:
        choice.see(key, 2, 10)
        assert len(choice._groups) < 2 * 2_100
    limit, groups = choice.choose(10_000_000)

    assert len(groups) == sum(key <= limit for key in keys) == 2_000
    assert {group.copies for group in groups} == {2}


def test_bytes_are_bounded_too():
    assert choice_of(list(range(1_000)), size_bytes=1_000_000)[1] == 8
    assert choice_of(list(range(1_000)), size_bytes=100_000_000)[1] == 1


def test_content_key_is_stable():
    assert line_key("für".encode()) == 0xBA3FB2511F77455E
