from dataclasses import replace

import numpy as np
import pytest

from monoglot.initialization.fallbacks import MEMBERS, script_mean
from monoglot.tokenization.spelling import script_of
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def spelling(token):
    return script_of(token.form.decode("utf-8", "replace")), token.word_start


def test_parents_are_of_the_same_script_and_place(transfer):
    wanted = np.ones(len(transfer.overlap.missing), bool)
    rows = script_mean(transfer, wanted)
    assert (rows.lengths > 0).sum() > 100
    for place, target_id in enumerate(transfer.overlap.missing[:200].tolist()):
        parents, weights = rows.row(place)
        assert len(parents) <= MEMBERS
        own = spelling(transfer.target.by_id[target_id])
        assert {spelling(transfer.source.by_id[p]) for p in parents.tolist()} <= {own}
        if len(parents):
            assert weights.sum() == pytest.approx(1)


def test_only_wanted_tokens_and_trained_parents(transfer):
    trained = np.random.default_rng(0).random(transfer.source.size) < 0.5
    wanted = np.random.default_rng(1).random(len(transfer.overlap.missing)) < 0.5
    rows = script_mean(replace(transfer, trained=trained), wanted)
    assert trained[rows.indices].all()
    assert not (rows.lengths[~wanted] > 0).any()
    assert (rows.lengths[wanted] > 0).any()


def test_nothing_wanted_is_nothing_computed(transfer):
    assert not script_mean(transfer, np.zeros(len(transfer.overlap.missing), bool)).lengths.any()
