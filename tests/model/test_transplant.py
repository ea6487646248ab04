"""A transplanted model computes what the source computes, wherever the rows are the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monoglot.model.tables import find_tables
from monoglot.model.transplant import transplant
from tests.fixtures.models import ARCHITECTURES, copying, identity, outputs, permuted

every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.fixture
def source(name, source_tokenizers):
    tokenizer = source_tokenizers[ARCHITECTURES[name].family]
    return ARCHITECTURES[name](tokenizer), tokenizer


def some_ids(tokenizer, seed=0):
    return torch.randint(8, len(tokenizer), (2, 12), generator=torch.Generator().manual_seed(seed))


def shuffled(rows, seed=0):
    """Another order of the ids; those of special tokens stay low, as in real tokenizers."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(6), 6 + rng.permutation(rows - 6)])


@every_architecture
def test_the_identical_tokenizer_gives_the_identical_model(source):
    model, tokenizer = source
    new = transplant(model, identity(len(tokenizer)), tokenizer, source_tokenizer=tokenizer)
    assert type(new) is type(model)
    assert new.config.to_dict() == model.config.to_dict()
    old_state, new_state = model.state_dict(), new.state_dict()
    assert list(old_state) == list(new_state)
    assert all(torch.equal(old_state[key], new_state[key]) for key in old_state)
    assert torch.equal(outputs(new, some_ids(tokenizer)), outputs(model, some_ids(tokenizer)))
    assert not new.training


@every_architecture
def test_permuted_ids_permute_the_outputs(source):
    model, tokenizer = source
    order = shuffled(len(tokenizer))
    new_id = torch.from_numpy(np.argsort(order))
    new = transplant(
        model, copying(order, len(tokenizer)), permuted(tokenizer, order), source_tokenizer=tokenizer
    )
    ids = some_ids(tokenizer)
    expected, found = outputs(model, ids), outputs(new, new_id[ids])
    if expected.shape[-1] == len(tokenizer):
        expected = expected[..., torch.from_numpy(order)]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@every_architecture
def test_ids_in_the_configurations_follow_their_tokens(source):
    model, tokenizer = source
    order = shuffled(len(tokenizer), seed=1)
    target = permuted(tokenizer, order)
    new = transplant(model, copying(order, len(tokenizer)), target, source_tokenizer=tokenizer)
    for old_settings, new_settings in [(model.config, new.config), (_generation(model), _generation(new))]:
        for key, old in (
            old_settings.items() if isinstance(old_settings, dict) else vars(old_settings).items()
        ):
            if key.endswith("_token_id") and old is not None:
                after = new_settings[key] if isinstance(new_settings, dict) else getattr(new_settings, key)
                assert target.convert_ids_to_tokens(after) == tokenizer.convert_ids_to_tokens(old), key
    pads = {m.padding_idx for m in new.modules() if isinstance(m, torch.nn.Embedding)} - {None}
    assert pads <= {new.config.pad_token_id}


def _generation(model):
    settings = getattr(model, "generation_config", None)
    return settings.to_dict() if settings else {}


@every_architecture
def test_tied_tables_stay_tied_and_untied_ones_untied(source):
    model, tokenizer = source
    new = transplant(model, identity(len(tokenizer)), tokenizer, source_tokenizer=tokenizer)
    groups = [[table.names for table in find_tables(m).tables] for m in (model, new)]
    assert groups[0] == groups[1]


@every_architecture
def test_nothing_is_shared_with_the_source(source):
    model, tokenizer = source
    new = transplant(model, identity(len(tokenizer)), tokenizer, source_tokenizer=tokenizer)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for parameter in new.parameters():
            parameter.add_(1)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert new.config is not model.config


@every_architecture
def test_a_smaller_vocabulary_in_bfloat16(source, name, target_tokenizers):
    model, tokenizer = source
    model = model.to(torch.bfloat16)
    target = target_tokenizers[ARCHITECTURES[name].family]
    mixture = copying(np.arange(len(target))[::-1].copy(), len(tokenizer))
    new = transplant(model, mixture, target, source_tokenizer=tokenizer)
    result = outputs(new, torch.randint(8, len(target), (2, 12), generator=torch.Generator().manual_seed(0)))
    assert result.dtype == torch.bfloat16
    assert result.isfinite().all()
    assert new.config.vocab_size == len(target) == find_tables(new).rows
