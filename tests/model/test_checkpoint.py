"""Shard by shard gives what the in-memory transplant gives, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from monoglot.model.blueprint import blueprint
from monoglot.model.checkpoint import Checkpoint, transplant_checkpoint
from monoglot.model.folder import load_model, load_tokenizer, save
from monoglot.model.tables import find_tables
from monoglot.model.transplant import transplant
from tests.fixtures.models import ARCHITECTURES, copying


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_shard_by_shard_gives_the_same_model(name, tmp_path, source_tokenizers, target_tokenizers):
    family = ARCHITECTURES[name].family
    tokenizer, target = source_tokenizers[family], target_tokenizers[family]
    model = ARCHITECTURES[name](tokenizer)
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    save(model, tokenizer, source, source)
    model.save_pretrained(source, max_shard_size="40KB")
    (source / "model.safetensors").unlink(missing_ok=True)
    mixture = copying(np.arange(len(target))[::-1].copy(), len(tokenizer))
    transplant_checkpoint(Checkpoint.open(source), mixture, target, out, source_tokenizer=tokenizer)
    expected = transplant(load_model(source), mixture, target, source_tokenizer=tokenizer)
    found = load_model(out)
    found.config.name_or_path = expected.config.name_or_path = ""
    assert found.config.to_dict() == expected.config.to_dict()
    state = found.state_dict()
    assert list(state) == list(expected.state_dict())
    assert all(torch.equal(state[key], tensor) for key, tensor in expected.state_dict().items())
    if found.can_generate():
        assert found.generation_config.to_dict() == expected.generation_config.to_dict()
    assert {file.name for file in out.iterdir()} - {"model.safetensors"} == {
        file.name for file in source.iterdir()
    }
    assert load_tokenizer(out).get_vocab() == target.get_vocab()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_tables_are_found_without_weights(name, source_tokenizers):
    model = ARCHITECTURES[name](source_tokenizers[ARCHITECTURES[name].family])
    structure = blueprint(type(model), model.config)
    structure.tie_weights()
    assert find_tables(structure) == find_tables(model)
