"""There and back: a vocabulary that is extended and trimmed again leaves the model as it was."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from monoglot.maths.mixture import Mixture, Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.model.transplant import transplant
from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer
from monoglot.tokenization.trim import select_tokens
from tests.fixtures.models import ARCHITECTURES, copying, outputs

ADDED = 100


@pytest.fixture(scope="module")
def extended(source_tokenizers, target_tokenizers):
    """The source tokenizer of a family with tokens of the target's."""
    return cache(
        lambda family: extend_tokenizer(
            source_tokenizers[family], target_tokenizers[family], ExtendSettings(ADDED)
        )
    )


def with_noise(n_source):
    """All source rows, and then some that are drawn."""
    rows = SparseRows.stack([SparseRows.single(np.arange(n_source)), SparseRows.empty(ADDED)])
    provenance = np.repeat(np.array([Provenance.COPIED, Provenance.NOISE], np.uint8), [n_source, ADDED])
    return Mixture(rows, provenance, np.ones(n_source, bool))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_extending_and_trimming_back_is_the_same_model(name, source_tokenizers, extended):
    source, more = source_tokenizers[ARCHITECTURES[name].family], extended(ARCHITECTURES[name].family)
    model, size = ARCHITECTURES[name](source), len(source)
    ids = torch.randint(8, size, (2, 12), generator=torch.Generator().manual_seed(0))
    larger = transplant(model, with_noise(size), more, source_tokenizer=source)
    before, after = outputs(model, ids), outputs(larger, ids)
    # A head of more columns is another matrix product, which may round otherwise.
    torch.testing.assert_close(after[..., : before.shape[-1]], before, rtol=0, atol=1e-6)
    trimmed = select_tokens(more, range(size))
    kept = copying(trimmed.kept_source_ids, len(more))
    back = transplant(larger, kept, trimmed.tokenizer, source_tokenizer=more)
    assert back.config.to_dict() == model.config.to_dict()
    state = back.state_dict()
    assert list(state) == list(model.state_dict())
    assert all(torch.equal(state[key], tensor) for key, tensor in model.state_dict().items())
    assert torch.equal(outputs(back, ids), before)
