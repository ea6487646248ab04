"""Tokens that a text did not use are ranked by how much their rows look like those that it used."""

from __future__ import annotations

import numpy as np
import pytest

from monoglot.tokenization.language_tokens import PART, PENALTY, _fit, rank_unused_tokens
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.tokenizers import FAMILIES

FAMILY_NAMES = sorted(FAMILIES)


@pytest.fixture
def languages(source_vocabularies):
    """A vocabulary whose tokens are of two made-up languages; a text used most of the first one's.

    With half of them, a small vocabulary has sometimes too few used tokens for a classifier.
    """

    def make(family):
        vocabulary = source_vocabularies[family]
        random = np.random.default_rng(3)
        first = random.random(vocabulary.size) < 0.5
        rows = random.normal(size=(vocabulary.size, 12)) + np.where(first[:, None], 1.0, -1.0)
        used = first & (random.random(vocabulary.size) < 0.7)
        latin = np.array(
            [token.form.decode(errors="ignore").strip().isascii() for token in vocabulary.tokens]
        )
        return vocabulary, first, np.where(used & latin, 3, 0), rows

    return make


@pytest.mark.parametrize("seed", range(20))
def test_the_classifier_of_a_small_vocabulary_finds_its_optimum(seed):
    """Of 150 tokens, the one in eight of the first steps may have no positive one: they went astray."""
    random = np.random.default_rng(seed)
    positive = random.random(150) < 0.3
    positive[::PART] = False
    features = random.normal(size=(150, 13)).astype(np.float32) + np.where(positive, 1, -1)[:, None]
    features = features.astype(np.float32)
    features[:, -1] = 1
    weights, _ = _fit(features, positive)
    errors = positive - 1 / (1 + np.exp(-(features @ weights)))
    gradient = errors @ features - np.append(np.full(12, PENALTY), 1e-6) * weights
    assert np.abs(gradient).max() < 0.1


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_tokens_of_the_same_language_come_first(languages, family):
    vocabulary, first, counts, rows = languages(family)
    ranked = rank_unused_tokens(vocabulary, counts, rows.__getitem__, np.ones(vocabulary.size, bool))
    assert ranked.scripts == ("Latin",)
    assert len(ranked.ids) > 80
    size = first[ranked.ids].sum()
    assert first[ranked.ids[:size]].mean() > 0.75
    assert (np.diff(ranked.probability) <= 0).all()
    assert (counts[ranked.ids] == 0).all()


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_special_tokens_bytes_and_untrained_rows_are_never_given(languages, family):
    vocabulary, _, counts, rows = languages(family)
    trained = np.arange(vocabulary.size) % 3 > 0
    trained[-20:] = False
    ranked = rank_unused_tokens(vocabulary, counts, rows.__getitem__, trained)
    given = [vocabulary.by_id[id] for id in ranked.ids.tolist()]
    assert not any(token.roles or token.is_byte for token in given)
    assert trained[ranked.ids].all()


@pytest.mark.parametrize("most", [40, 100])
def test_a_classifier_that_saw_some_tokens_ranks_all(languages, most):
    """Each has about the probability that it has by one that saw all, so that the threshold stays right."""
    vocabulary, first, counts, rows = languages("unigram")
    everything = np.ones(vocabulary.size, bool)
    whole = rank_unused_tokens(vocabulary, counts, rows.__getitem__, everything)
    part = rank_unused_tokens(vocabulary, counts, rows.__getitem__, everything, most_of_a_kind=most)
    assert sorted(part.ids) == sorted(whole.ids)
    assert not np.isnan(part.probability).any()
    size = first[part.ids].sum()
    assert first[part.ids[:size]].mean() > 0.8
    assert part.probability.mean() == pytest.approx(whole.probability.mean(), abs=0.1)


def test_the_same_again(languages):
    vocabulary, _, counts, rows = languages("unigram")
    one, two = (
        rank_unused_tokens(vocabulary, counts, rows.__getitem__, np.ones(vocabulary.size, bool))
        for _ in range(2)
    )
    assert (one.ids == two.ids).all()
    assert (one.probability == two.probability).all()


def test_too_few_used_tokens_leave_the_order_of_the_ids(languages):
    vocabulary, _, counts, rows = languages("unigram")
    few = np.where(np.cumsum(counts > 0) <= 10, counts, 0)
    ranked = rank_unused_tokens(vocabulary, few, rows.__getitem__, np.ones(vocabulary.size, bool))
    assert np.isnan(ranked.probability).all()
    assert (np.diff(ranked.ids) > 0).all()


def test_no_text_has_no_script(languages):
    vocabulary, _, counts, rows = languages("unigram")
    ranked = rank_unused_tokens(vocabulary, counts * 0, rows.__getitem__, np.ones(vocabulary.size, bool))
    assert ranked.scripts == ()
    assert len(ranked.ids) == 0


def test_the_other_scripts_of_a_vocabulary_are_left_out(source_tokenizers):
    vocabulary = Vocabulary.of(source_tokenizers["unigram"])
    counts = np.array(
        [
            5 if any("\u0600" <= letter <= "\u06ff" for letter in token.text) else 0
            for token in vocabulary.tokens
        ]
    )
    assert counts.any()
    rows = np.random.default_rng(0).normal(size=(vocabulary.size, 4))
    ranked = rank_unused_tokens(vocabulary, counts, rows.__getitem__, np.ones(vocabulary.size, bool))
    assert ranked.scripts == ("Arabic",)
