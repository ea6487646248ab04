"""The audit of an overlap."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monoglot.tokenization.audit import Group, OverlapAudit, audit
from monoglot.tokenization.kinds import Evidence, TextCounts, count_inner_words
from monoglot.tokenization.overlap import match
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.handmade import byte_level_of, unigram_of, with_added
from tests.fixtures.tokenizers import sample


@pytest.fixture(scope="module")
def german(source_vocabularies, target_vocabularies, target_tokenizers) -> OverlapAudit:
    source, target = source_vocabularies["wordpiece"], target_vocabularies["unigram"]
    lines = sample("de", 300)
    ids = target_tokenizers["unigram"](lines, add_special_tokens=False)["input_ids"]
    counts = np.bincount(np.concatenate([np.array(row) for row in ids]).astype(int), minlength=target.size)
    evidence = Evidence(TextCounts(counts, count_inner_words(lines)))
    return audit(match(source, target), source, target, evidence)


def groupings(breakdown) -> list[tuple[Group, ...]]:
    return [breakdown.by_kind, breakdown.by_script, breakdown.by_word_start, breakdown.by_length]


def test_every_grouping_has_each_token_once(german):
    for breakdown in (german.matched, german.missing):
        assert breakdown.all.tokens > 0
        for groups in groupings(breakdown):
            assert sum(group.tokens for group in groups) == breakdown.all.tokens
            assert sum(group.share for group in groups) == pytest.approx(1)
            assert sum(group.corpus_share for group in groups) == pytest.approx(breakdown.all.corpus_share)
            assert [g.tokens for g in groups] == sorted((g.tokens for g in groups), reverse=True)


def test_matched_and_missing_are_the_whole(german):
    assert german.matched.all.tokens + german.missing.all.tokens == german.target_tokens
    assert german.matched.all.corpus_share + german.missing.all.corpus_share == pytest.approx(1)
    assert sum(group.tokens for group in german.by_match) == german.matched.all.tokens
    assert {group.name for group in german.by_match} == {"exact", "role"}


def test_it_is_plain_data(german):
    assert json.loads(json.dumps(german.to_dict()))["matched"]["all"]["name"] == "matched"


def test_examples_are_the_most_frequent():
    vocabulary = Vocabulary.of(unigram_of(*(f"a{letter}" for letter in "bcdefghijklmnop")))
    counts = np.arange(vocabulary.size)
    evidence = Evidence(TextCounts(counts, {}))
    [letters] = [
        g
        for g in audit(match(vocabulary, vocabulary), vocabulary, vocabulary, evidence).matched.by_length
        if g.name == "2"
    ]
    assert letters.examples == tuple(f"a{letter}" for letter in "ponmlkjihg")
    assert letters.corpus_share == 1


def test_without_a_corpus_there_are_neither_kinds_nor_frequencies():
    vocabulary = Vocabulary.of(unigram_of("▁Haus", "Haus", "дом", "▁"))
    found = audit(match(vocabulary, vocabulary), vocabulary, vocabulary)
    assert found.matched.by_kind == ()
    assert found.rules == {}
    assert found.matched.all.corpus_share is None
    assert [(g.name, g.tokens) for g in found.matched.by_script] == [
        ("Latin", 2),
        ("none", 2),
        ("Cyrillic", 1),
    ]
    assert [(g.name, g.tokens) for g in found.matched.by_word_start] == [
        ("inside a word", 2), ("not told", 2), ("word start", 1)
    ]  # fmt: skip
    assert found.missing.all == Group("missing", 0, 0.0, None, ())


def test_collisions_are_shown():
    source = Vocabulary.of(with_added(byte_level_of("ĠĠ", "a"), "  "))
    target = Vocabulary.of(unigram_of("▁▁"))
    assert audit(match(source, target), source, target).collisions == (("ĠĠ", "  "),)
