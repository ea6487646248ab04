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
    """A model and its tokenizer."""
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
    assert not new.training
    assert new.config.to_dict() == model.config.to_dict()
    assert ties(new) == ties(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert list(new.state_dict()) == list(before)
    assert all(torch.equal(before[name], tensor) for name, tensor in new.state_dict().items())
    assert torch.equal(outputs(new, some_ids(tokenizer)), outputs(model, some_ids(tokenizer)))
    with torch.no_grad():  # nothing is shared with the source
        for tensor in (*new.parameters(), *new.buffers()):
            tensor.add_(1)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def ties(model):
    return [table.names for table in find_tables(model).tables]


@every_architecture
def test_permuted_ids_permute_the_outputs(source):
    model, tokenizer = source
    order = shuffled(len(tokenizer))
    new_id = torch.from_numpy(np.argsort(order))
    target = permuted(tokenizer, order)
    new = transplant(model, copying(order, len(tokenizer)), target, source_tokenizer=tokenizer)
    ids = some_ids(tokenizer)
    expected, found = outputs(model, ids), outputs(new, new_id[ids])
    if expected.shape[-1] == len(tokenizer):
        expected = expected[..., torch.from_numpy(order)]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    old_settings, new_settings = token_ids(model), token_ids(new)
    assert old_settings.keys() == new_settings.keys()
    for key, old in old_settings.items():
        assert new_settings[key] == new_id[old], key
    pads = {module.padding_idx for module in new.modules() if isinstance(module, torch.nn.Embedding)} - {None}
    assert pads <= {new.config.pad_token_id}


def token_ids(model):
    """All token ids in a model's configurations."""
    settings = model.config.to_dict()
    if (generation := getattr(model, "generation_config", None)) is not None:
        settings |= {f"generation.{key}": value for key, value in generation.to_dict().items()}
    return {key: value for key, value in settings.items() if key.endswith("_token_id") and value is not None}


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
