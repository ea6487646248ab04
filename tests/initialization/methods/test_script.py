from dataclasses import replace

import numpy as np
import pytest
import torch

from monoglot.errors import SettingError
from monoglot.initialization.initialize import group_of
from monoglot.initialization.methods.script import Script, _draw
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def test_parents_are_of_the_token_s_group(transfer):
    rows = Script(members=5).mix(transfer)
    assert (rows.lengths > 0).sum() > 100
    for place, target_id in enumerate(transfer.overlap.missing[:300].tolist()):
        own = group_of(transfer.target.by_id[target_id])
        assert {group_of(transfer.source.by_id[parent]) for parent in rows.row(place)[0].tolist()} <= {own}


@pytest.mark.parametrize("members", [1, 2, 32])
def test_draws_have_mean_and_covariance_of_the_group(members):
    generator = np.random.default_rng(0)
    table = torch.from_numpy(generator.standard_normal((40, 3)) @ generator.standard_normal((3, 3)) + 5)
    group = np.arange(7, 37)
    rows = _draw(group, 40_000, members, generator)
    weights = torch.from_numpy(rows.weights).double().reshape(-1, members)
    drawn = (table[rows.indices].reshape(-1, members, 3) * weights[:, :, None]).sum(dim=1)
    np.testing.assert_allclose(weights.sum(dim=1), 1, atol=1e-5)
    own = table[group]
    scale = float(own.std(dim=0).max())
    np.testing.assert_allclose(drawn.mean(dim=0), own.mean(dim=0), atol=0.03 * scale)
    np.testing.assert_allclose(drawn.T.cov(), own.T.cov(correction=0), atol=0.06 * scale**2)


def test_the_seed_is_that_of_the_transfer(transfer):
    first, same, other = (Script().mix(replace(transfer, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.weights, same.weights)
    assert not np.array_equal(first.weights, other.weights)


def test_no_members_are_refused():
    with pytest.raises(SettingError, match="option 'members' of Script can't be 0"):
        Script(members=0)
