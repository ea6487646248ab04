"""Counting words: any length of line, bounded memory, one result."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, strategies as st

from monoglot.tokenization.word_counts import (
    count_words,
    covered_characters,
    cut_line,
    most_frequent,
    parts_of,
)
from tests.fixtures.tokenizers import sample

texts = st.lists(st.text(alphabet="ab \tü", max_size=60), max_size=8)


@given(texts)
def test_parts_are_the_line_cut(lines):
    for line in lines:
        assert "".join(parts_of([line], 7)) == line
        assert all(len(part) <= 7 for part in parts_of([line], 7))


def test_parts_are_cut_at_whitespace():
    assert list(parts_of(["one two three", "four"], 8)) == ["one two", " three", "four"]


@given(texts)
def test_counts_are_those_of_split(lines):
    assert count_words(lines) == Counter(word for line in lines for word in line.split())


def test_a_word_without_end_is_cut():
    assert max(map(len, count_words(["x" * 1_000_000]))) == 1_000


def test_few_words_are_remembered_the_frequent_ones_first():
    lines = ["the", "the", *(f"rare{n}" for n in range(100)), "the"]
    counts = count_words(lines, most_words=10)
    assert len(counts) <= 10
    assert counts["the"] == 3


def test_what_is_forgotten_does_not_depend_on_the_order_of_equals():
    words = {f"w{n}": 1 for n in range(50)}
    backwards = dict(reversed(list(words.items())))
    assert list(most_frequent(words, 60).items()) == list(most_frequent(backwards, 60).items())
    assert sum(map(len, most_frequent(words, 60))) <= 60


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.999, 1.0])
def test_coverage_is_reached_by_the_fewest_characters(coverage):
    counts = count_words(sample("de", 200))
    text = "".join(word * count for word, count in counts.items())
    covered = covered_characters(counts, coverage)
    share = sum(character in covered for character in text) / len(text)
    rarest = min(text.count(character) for character in covered) / len(text)
    assert coverage <= share
    assert share - rarest < coverage


@given(st.text("ab \u3000", max_size=60), st.integers(2, 12))
def test_pieces_of_a_line_are_short_and_make_up_the_line(line, longest):
    pieces = list(cut_line(line, longest))

    assert "".join(text for text, _ in pieces) == line
    assert [ends for _, ends in pieces] == [False] * (len(pieces) - 1) + [True]
    assert all(0 < len(text) <= longest for text, _ in pieces if line)
