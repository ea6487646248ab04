from dataclasses import replace

import numpy as np
import pytest

from monoglot.errors import SettingError
from monoglot.initialization.methods.omp import Omp
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def test_a_token_that_is_a_combination_of_two_anchors_is_just_that(transfer):
    anchors = transfer.anchors()
    usable = transfer.overlap.missing[transfer.vectors.usable[transfer.overlap.missing]]
    matrix = np.random.default_rng(0).standard_normal((transfer.target.size, 300)).astype(np.float32)
    first, second = anchors.target_ids[[3, 8]]
    matrix[usable[0]] = 2 * matrix[first] - 0.5 * matrix[second]
    special = replace(transfer, vectors=replace(transfer.vectors, matrix=matrix))
    columns, weights = (
        Omp(k=8).mix(special).row(int(np.flatnonzero(transfer.overlap.missing == usable[0])[0]))
    )
    got = dict(zip(columns.tolist(), weights.tolist(), strict=True))
    large = {column: weight for column, weight in got.items() if abs(weight) > 1e-4}
    parents = dict(zip(anchors.source_ids[[3, 8]].tolist(), (2.0, -0.5), strict=True))
    assert large == pytest.approx(parents, abs=1e-4)


def test_at_most_k_anchors_that_come_nearer_the_more_there_are(transfer):
    vectors, missing = transfer.vectors, transfer.overlap.missing
    target_of = dict(
        zip(transfer.overlap.source_ids.tolist(), transfer.overlap.target_ids.tolist(), strict=True)
    )
    errors = []
    for k in (1, 3, 6):
        rows = Omp(k=k).mix(transfer)
        assert rows.lengths.max() == k
        sums = np.zeros((len(missing), 12))
        atoms = vectors.matrix[[target_of[column] for column in rows.indices.tolist()]]
        np.add.at(sums, np.repeat(np.arange(len(rows)), rows.lengths), atoms * rows.weights[:, None])
        errors.append(np.linalg.norm(sums - vectors.matrix[missing]))
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("k", [0, 65])
def test_k_out_of_range_is_refused(k):
    with pytest.raises(SettingError, match="from 1 to 64"):
        Omp(k=k)
