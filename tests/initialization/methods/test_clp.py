from dataclasses import replace

import numpy as np
import pytest
import torch

from monoglot.errors import SettingError
from monoglot.initialization.methods.clp import Clp
from monoglot.maths.similarity import unit_rows
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def test_all_anchors_weigh_as_in_the_paper(transfer):
    # Vectors that point the same way, as those of trained models do.
    vectors = replace(transfer.vectors, matrix=transfer.vectors.matrix + np.float32(3))
    transfer, anchors = replace(transfer, vectors=vectors), transfer.anchors()
    rows = Clp(anchors=0).mix(transfer)
    unit = unit_rows(torch.from_numpy(vectors.matrix)).numpy()
    answered = vectors.usable[transfer.overlap.missing]
    assert np.array_equal(rows.lengths > 0, answered)
    for place in np.flatnonzero(answered)[:50]:
        cosines = unit[anchors.target_ids] @ unit[transfer.overlap.missing[place]]
        got, expected = np.zeros((2, transfer.source.size))
        np.add.at(got, *rows.row(place))
        np.add.at(expected, anchors.source_ids, cosines / cosines.sum())
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_only_so_many_anchors(transfer):
    rows = Clp(anchors=7).mix(transfer)
    assert set(rows.lengths.tolist()) == {0, 7}
    assert rows.weights.min() > 0


def test_cosines_that_cancel_out_are_no_answer(transfer):
    anchors = transfer.anchors()
    matrix = transfer.vectors.matrix.copy()
    half = len(anchors) // 2
    matrix[anchors.target_ids[:half]] = np.eye(12)[0]
    matrix[anchors.target_ids[half : 2 * half]] = -np.eye(12)[0]
    even = replace(transfer, vectors=replace(transfer.vectors, matrix=matrix))
    if len(anchors) > 2 * half:
        matrix[anchors.target_ids[-1]] = np.eye(12)[1] * 1e-9
    lengths = Clp(anchors=0).mix(even).lengths
    assert (lengths > 0).sum() < 0.1 * len(lengths)


def test_a_negative_number_is_refused():
    with pytest.raises(SettingError, match="option 'anchors' of Clp can't be -1"):
        Clp(anchors=-1)
