"""Folders that hold something else than a whole model; modules with ids; files of unknown use."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from monoglot.errors import ModelError
from monoglot.model.source import open_source
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.tokenizers import DATA


@pytest.fixture
def folder(xlm_r, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(xlm_r, copy)
    return copy


def modules(folder, *kinds):
    content = [
        {"path": "" if n == 0 else f"{n}_{kind}", "type": f"sentence_transformers.{kind}"}
        for n, kind in enumerate(("models.Transformer", *kinds))
    ]
    for entry in content[1:]:
        (folder / entry["path"]).mkdir()
    (folder / "modules.json").write_text(json.dumps(content))
    return [folder / entry["path"] for entry in content[1:]]


def configure(folder, **settings):
    config = json.loads((folder / "config.json").read_text()) | settings
    (folder / "config.json").write_text(json.dumps(config))


def tensors(folder, **more):
    stored = load_file(folder / "model.safetensors")
    save_file(stored | more, folder / "model.safetensors", metadata={"format": "pt"})


KINDS = {
    "adapter beside": (
        lambda f: (f / "adapter_config.json").write_text("{}"),
        "has an adapter beside .* merge_and_unload",
    ),
    "adapter": (
        lambda f: (
            (f / "adapter_config.json").write_text('{"base_model_name_or_path": "owner/base"}'),
            (f / "config.json").unlink(),
        ),
        "is an adapter .* merge it into its model, owner/base, .* merge_and_unload",
    ),
    "gliner": (lambda f: (f / "gliner_config.json").write_text("{}"), "a GLiNER model"),
    "static": (lambda f: modules(f, "models.StaticEmbedding"), "module StaticEmbedding"),
    "router": (lambda f: modules(f, "models.Router"), "module Router"),
    "bag of words": (lambda f: modules(f, "models.BoW"), "module BoW"),
    "word weights": (lambda f: modules(f, "models.WordWeights"), "module WordWeights"),
    "model2vec": (lambda f: configure(f, model_type="model2vec"), "static embeddings"),
    "gptq": (
        lambda f: configure(f, quantization_config={"quant_method": "gptq"}),
        "is quantized .*config.json",
    ),
    "within": (lambda f: configure(f, text_config={"quantization_config": {"bits": 4}}), "is quantized"),
    "awq": (lambda f: (f / "quant_config.json").write_text("{}"), "is quantized .quant_config.json"),
    "modelopt": (
        lambda f: (f / "hf_quant_config.json").write_text("{}"),
        "is quantized .hf_quant_config.json",
    ),
    "int8": (lambda f: tensors(f, qweight=torch.ones(2, 2, dtype=torch.int8)), "is quantized .qweight"),
    "float8": (lambda f: tensors(f, w=torch.ones(2, 2).to(torch.float8_e4m3fn)), "is quantized .w."),
    "gguf": (
        lambda f: ((f / "model.safetensors").unlink(), (f / "model.gguf").write_bytes(b"GGUF")),
        "weights as .gguf only",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_refused_by_name_with_a_way_out(folder, kind):
    change, message = KINDS[kind]
    open_source(str(folder)).check()
    change(folder)
    with pytest.raises(ModelError, match=message):
        open_source(str(folder)).check()


def test_modules_with_ids_are_renumbered(folder, tmp_path):
    score, splade = modules(folder, "cross_encoder.LogitScore", "sparse_encoder.models.SpladePooling")
    tokenizer = load_tokenizer(folder)
    yes, no = (tokenizer.convert_tokens_to_ids(token) for token in ("▁der", "▁die"))
    (score / "config.json").write_text(json.dumps({"true_token_id": yes, "false_token_id": no}))
    (splade / "config.json").write_text(
        json.dumps({"pooling_strategy": "max", "word_embedding_dimension": len(tokenizer)})
    )
    specialize(folder, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1))
    new = load_tokenizer(tmp_path / "out")
    assert len(new) < len(tokenizer)
    found = json.loads((tmp_path / "out" / score.name / "config.json").read_text())
    assert new.convert_ids_to_tokens([found["true_token_id"], found["false_token_id"]]) == ["▁der", "▁die"]
    size = json.loads((tmp_path / "out" / splade.name / "config.json").read_text())
    assert size == {"pooling_strategy": "max", "word_embedding_dimension": len(new)}


def test_files_of_unknown_use_are_copied_unread_and_named(folder, tmp_path, caplog):
    (folder / "sparse_linear.pt").write_bytes(b"never opened")
    (folder / "pytorch_model.bin").write_bytes(b"old")
    specialize(folder, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1))
    assert (tmp_path / "out" / "sparse_linear.pt").read_bytes() == b"never opened"
    assert not (tmp_path / "out" / "pytorch_model.bin").exists()
    assert "sparse_linear.pt: copied unchanged" in caplog.text
