from dataclasses import replace

import numpy as np
import pytest
import torch

from monoglot.errors import SettingError
from monoglot.initialization.methods.focus import Focus, FocusReference
from monoglot.maths.similarity import unit_rows
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def answered(rows):
    return np.flatnonzero(rows.lengths)


def test_many_anchors_are_as_good_as_all(transfer):
    everything, enough, few = (Focus(anchors=k).mix(transfer) for k in (0, 200, 3))
    assert np.array_equal(everything.indices, enough.indices)
    np.testing.assert_allclose(everything.weights, enough.weights, atol=1e-6)
    assert everything.lengths.max() > 3
    assert few.lengths.max() == 3
    for place in answered(few)[:50]:
        assert set(few.row(place)[0]) <= set(everything.row(place)[0])


def test_softmax_gives_each_of_the_nearest_a_weight(transfer):
    rows = Focus(anchors=10, temperature=0.1).mix(transfer)
    assert set(rows.lengths.tolist()) == {0, 10}
    place = answered(rows)[0]
    columns, weights = rows.row(place)
    vectors, anchors = transfer.vectors.matrix, transfer.anchors()
    both = unit_rows(
        torch.from_numpy(vectors[[transfer.overlap.missing[place], *anchors.target_ids]])
    ).numpy()
    cosine_of = dict(zip(anchors.source_ids.tolist(), (both[1:] @ both[0]).tolist(), strict=True))
    expected = np.exp(np.array([cosine_of[c] for c in columns.tolist()]) / 0.1)
    np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-5)
    assert min(cosine_of[c] for c in columns.tolist()) == pytest.approx(sorted(cosine_of.values())[-10])


def test_the_overlap_is_that_of_the_option(source_tokenizers, target_tokenizers):
    found = {}
    for overlap in ("symbols", "exact", "fuzzy"):
        method = Focus(overlap=overlap)
        found[overlap] = make_transfer(
            source_tokenizers["unigram"], target_tokenizers["unigram"], strategy=method.matching
        )
        rows = method.mix(found[overlap])
        assert set(rows.indices) <= set(found[overlap].overlap.source_ids)
    assert len(found["symbols"].overlap) < len(found["exact"].overlap) < len(found["fuzzy"].overlap)
    assert FocusReference().matching == "reference"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"anchors": -1}, "option 'anchors' of Focus can't be -1: give 0 or more"),
        ({"temperature": 0.1}, "needs a number of anchors"),
        ({"overlap": "fuzy"}, "option 'overlap' of Focus can't be 'fuzy': did you mean 'fuzzy'"),
    ],
)
def test_options_without_sense_are_refused(options, message):
    with pytest.raises(SettingError, match=message):
        Focus(**options)


def test_the_reference_mixes_every_anchor_that_has_a_vector(source_tokenizers, target_tokenizers):
    whole = make_transfer(
        source_tokenizers["unigram"], target_tokenizers["unigram"], strategy=FocusReference().matching
    )
    trained = np.zeros(whole.source.size, bool)
    trained[whole.overlap.source_ids[::2]] = True
    partly = replace(whole, trained=trained)
    expected = FocusReference().mix(whole)
    found = FocusReference().mix(partly)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.weights, expected.weights)
    assert not trained[expected.indices].all()
    assert trained[Focus().mix(partly).indices].all()
