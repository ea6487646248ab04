"""Gemma 3's image token has an id, but its text-only models no row for it."""

from __future__ import annotations

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import DATA


@pytest.fixture(scope="module")
def gemma(source_tokenizers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gemma")
    tokenizer = source_tokenizers["sentencepiece-bpe"]
    ARCHITECTURES["gemma3"](tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<image_soft_token>"]})
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("mode", ["trim", "extend", "replace"])
def test_it_starts_anew_and_that_is_said(gemma, tmp_path, caplog, mode):
    settings = Settings(
        mode=mode, threads=1, method="subword", add_tokens=50, vocabulary_size=None if mode == "trim" else 700
    )
    specialize(gemma, DATA / "de.txt", tmp_path / "out", settings)
    assert "has no rows for 1 of its tokenizer's tokens (ids 1500)" in caplog.text
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    id = tokenizer.convert_tokens_to_ids("<image_soft_token>")
    assert id < len(model.get_input_embeddings().weight)
    assert model.get_input_embeddings().weight[id].isfinite().all()
