from dataclasses import replace

import numpy as np
import pytest
import torch

from monoglot.errors import SettingError
from monoglot.initialization.anchors import anchor_reliability, judge_anchors
from monoglot.initialization.methods.focus import Focus
from monoglot.vectors.engine import TokenVectors
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def agreeing(source_tokenizers, target_tokenizers):
    """A transfer in which the auxiliary vectors of overlapping tokens are their source embeddings."""
    transfer = make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])
    rng = np.random.default_rng(0)
    table = rng.standard_normal((transfer.source.size, 8), np.float32)
    matrix = rng.standard_normal((transfer.target.size, 8), np.float32)
    matrix[transfer.overlap.target_ids] = table[transfer.overlap.source_ids]
    everywhere = np.ones(transfer.target.size, bool)
    vectors = TokenVectors(matrix, everywhere, np.full(transfer.target.size, 30))
    return replace(transfer, vectors=vectors, embeddings=torch.from_numpy(table))


def test_equal_spaces_agree_and_unrelated_ones_are_at_chance(agreeing):
    anchors = agreeing.anchors()
    assert anchor_reliability(agreeing, anchors).min() > 0.8
    shuffled = np.random.default_rng(1).permutation(agreeing.vectors.matrix)
    unrelated = replace(agreeing, vectors=replace(agreeing.vectors, matrix=shuffled))
    assert anchor_reliability(unrelated, anchors).mean() == pytest.approx(0.5, abs=0.05)


def test_a_false_friend_is_found_listed_and_not_mixed(agreeing):
    anchors = agreeing.anchors()
    false_friend, stranger = anchors.target_ids[:2]
    matrix = agreeing.vectors.matrix.copy()
    matrix[false_friend] = -matrix[false_friend]
    transfer = replace(agreeing, vectors=replace(agreeing.vectors, matrix=matrix))
    reliability = anchor_reliability(transfer, anchors)
    assert reliability.argmin() == 0
    report = judge_anchors(transfer)
    assert report.least_reliable[0][0] == transfer.target.by_id[int(false_friend)].text
    assert report.anchors == len(anchors)
    assert report.agreement > 0.8
    # A missing token right beside the false friend is made of it, unless unreliable anchors are left out.
    matrix[transfer.overlap.missing[0]] = matrix[false_friend]
    parent = int(anchors.source_ids[0])
    assert parent in Focus().mix(transfer).row(0)[0]
    assert parent not in Focus(min_reliability=0.5).mix(transfer).row(0)[0]
    assert stranger != false_friend


def test_a_single_anchor_is_neither_reliable_nor_not(agreeing):
    one = agreeing.anchors().where(np.arange(len(agreeing.anchors().target_ids)) == 3)
    assert anchor_reliability(agreeing, one).tolist() == [0.5]


def test_without_source_embeddings_the_method_says_so(agreeing):
    with pytest.raises(SettingError, match="source embeddings"):
        Focus(min_reliability=0.5).mix(replace(agreeing, embeddings=None))


def test_the_most_frequent_anchors_are_judged(agreeing, monkeypatch):
    monkeypatch.setattr("monoglot.initialization.anchors.MOST_JUDGED", 10)
    anchors = agreeing.anchors()
    counts = np.full(agreeing.target.size, 25)
    frequent = anchors.target_ids[20:30]
    counts[frequent] = 1000
    report = judge_anchors(replace(agreeing, vectors=replace(agreeing.vectors, counts=counts)))
    assert report.anchors == len(anchors)
    texts = {agreeing.target.by_id[int(id)].text for id in frequent}
    assert {text for text, *_ in report.least_reliable} == texts
