"""Shard by shard gives what the in-memory transplant gives, in bounded memory."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM

from monoglot.errors import ModelError
from monoglot.model.checkpoint import Checkpoint, transplant_checkpoint
from monoglot.model.folder import check_stored, load_model, save
from monoglot.model.tables import build_on_meta, find_tables
from monoglot.model.tokenizer_folder import load_tokenizer
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
    structure = build_on_meta(type(model), model.config)
    structure.tie_weights()
    assert find_tables(structure) == find_tables(model)


def test_weights_of_another_head_are_found_and_surplus_ones_dropped(tmp_path, source_tokenizers, caplog):
    tokenizer = source_tokenizers["wordpiece"]
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    save(ARCHITECTURES["bert"](tokenizer), tokenizer, source, source)
    config = json.loads((source / "config.json").read_text()) | {"architectures": ["BertModel"]}
    (source / "config.json").write_text(json.dumps(config))
    checkpoint = Checkpoint.open(source)
    assert torch.equal(
        checkpoint.read("embeddings.word_embeddings.weight"), load_model(source).get_input_embeddings().weight
    )
    order = np.arange(len(tokenizer))[::-1].copy()
    mixture = copying(order, len(tokenizer))
    transplant_checkpoint(checkpoint, mixture, tokenizer, out, source_tokenizer=tokenizer)
    assert "stored weights, such as" in caplog.text
    expected = transplant(load_model(source), mixture, tokenizer, source_tokenizer=tokenizer)
    assert torch.equal(load_model(out).get_input_embeddings().weight, expected.get_input_embeddings().weight)


def test_tables_are_checked_before_anything_is_written(tmp_path, source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    with torch.no_grad():
        model.lm_head.bias[7] = torch.nan
    save(model, tokenizer, source, source)
    with pytest.raises(ModelError, match=r"Row 7 of lm_head\.bias"):
        transplant_checkpoint(
            Checkpoint.open(source),
            copying(np.arange(1500), 1500),
            tokenizer,
            out,
            source_tokenizer=tokenizer,
        )
    config = json.loads((source / "config.json").read_text()) | {"vocab_size": 1400}
    (source / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"has the shape \(1500,.*; expected \(1400,"):
        Checkpoint.open(source).check_tables()
    assert not out.exists()


def test_a_checkpoint_without_its_embeddings_is_refused(tmp_path, source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    save(ARCHITECTURES["llama"](tokenizer), tokenizer, tmp_path, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.embed_tokens.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack model\.embed_tokens\.weight"):
        Checkpoint.open(tmp_path).check_tables()


def write(folder, model, tokenizer):
    folder.mkdir(parents=True)
    save(model, tokenizer, folder, folder)
    return folder


def test_a_single_file_under_an_index_gives_a_model_that_loads(tmp_path, source_tokenizers):
    tokenizer = source_tokenizers["wordpiece"]
    source = write(tmp_path / "source", ARCHITECTURES["bert"](tokenizer), tokenizer)
    (source / "model.safetensors").rename(source / "model-00001-of-00001.safetensors")
    names = load_file(source / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "model-00001-of-00001.safetensors")}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    mixture = copying(np.arange(len(tokenizer)), len(tokenizer))
    out = tmp_path / "out"
    transplant_checkpoint(Checkpoint.open(source), mixture, tokenizer, out, source_tokenizer=tokenizer)
    assert [file.name for file in out.glob("*.safetensors*")] == ["model.safetensors"]
    check_stored(out)
    loaded = AutoModelForMaskedLM.from_pretrained(out).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in names.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda stored: stored | {"encoder.extra.weight": torch.ones(3, 3)},
            "encoder.extra.weight; they would",
        ),
        (lambda stored: stored | {"bert.encoder.layer.7.output.dense.bias": torch.ones(16)}, "would be lost"),
        (lambda stored: dict(list(stored.items())[1:]), "lack 1 of BertForMaskedLM"),
        (
            lambda stored: {
                n: t[..., :-1].contiguous() if "intermediate" in n else t for n, t in stored.items()
            },
            "has the shape",
        ),
    ],
)
def test_stored_tensors_are_used_or_refused(tmp_path, source_tokenizers, change, message):
    tokenizer = source_tokenizers["wordpiece"]
    source = write(tmp_path / "source", ARCHITECTURES["bert"](tokenizer), tokenizer)
    check_stored(source)
    stored = load_file(source / "model.safetensors")
    save_file(change(stored), source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=message):
        check_stored(source)
    with pytest.raises(ModelError, match=message):
        load_model(source)


def test_heads_of_another_class_are_named_and_counters_are_not(tmp_path, source_tokenizers, caplog):
    tokenizer = source_tokenizers["wordpiece"]
    source = write(tmp_path / "source", ARCHITECTURES["bert"](tokenizer), tokenizer)
    stored = load_file(source / "model.safetensors")
    stored["bert.embeddings.position_ids"] = torch.arange(64)[None]
    save_file(stored, source / "model.safetensors", metadata={"format": "pt"})
    check_stored(source)
    assert not caplog.text
    stored["cls.seq_relationship.weight"] = torch.ones(2, 16)
    save_file(stored, source / "model.safetensors", metadata={"format": "pt"})
    check_stored(source)
    assert "cls.seq_relationship.weight; they belong to heads of another class" in caplog.text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_found_anywhere(tmp_path, source_tokenizers, value):
    tokenizer = source_tokenizers["wordpiece"]
    model = ARCHITECTURES["bert"](tokenizer)
    with torch.no_grad():
        model.bert.encoder.layer[1].attention.output.LayerNorm.weight[3] = value
    source = write(tmp_path / "source", model, tokenizer)
    checkpoint = Checkpoint.open(source)
    checkpoint.check_tables()
    with pytest.raises(ModelError, match=r"Row 3 of .*LayerNorm.weight holds NaN or infinity"):
        checkpoint.check_numbers()
