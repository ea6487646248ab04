"""Tokens that look as if they were held in reserve, but that a file of the model names."""

from __future__ import annotations

import json

import pytest
from transformers import AutoTokenizer

from monoglot.model.named_tokens import tokens_in_use
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.settings import Settings
from monoglot.pipeline.specialize import specialize
from monoglot.tokenization.tokenizer_json import rebuild, state_of
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import DATA


@pytest.fixture(scope="module")
def colbert(source_tokenizers, tmp_path_factory):
    """BERT with three tokens in reserve, one of which marks questions, another ends a text."""
    folder = tmp_path_factory.mktemp("colbert")
    state = state_of(source_tokenizers["wordpiece"])
    vocabulary = state["model"]["vocab"]
    for number in range(3):
        vocabulary[f"[unused{number}]"] = len(vocabulary)
    tokenizer = rebuild(source_tokenizers["wordpiece"], state)
    ARCHITECTURES["bert"](tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "artifact.metadata.json").write_text(json.dumps({"query_token_id": "[unused0]"}))
    config = json.loads((folder / "config.json").read_text())
    config["task_specific_params"] = {"ask": {"eos_token_id": vocabulary["[unused2]"]}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_named_by_text_and_by_id(colbert):
    found = tokens_in_use(colbert, load_tokenizer(colbert))
    assert {text for text in found if "unused" in text} == {"[unused0]", "[unused2]"}


@pytest.mark.parametrize("mode", ["trim", "replace"])
def test_they_are_kept_and_the_others_go(colbert, tmp_path, mode):
    size = None if mode == "trim" else 700
    settings = Settings(mode=mode, threads=1, method="subword", vocabulary_size=size, minimum_count=2)
    specialize(colbert, DATA / "de.txt", tmp_path / "out", settings)
    vocabulary = AutoTokenizer.from_pretrained(tmp_path / "out").get_vocab()
    assert {"[unused0]", "[unused2]"} <= vocabulary.keys()
    assert "[unused1]" not in vocabulary
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["task_specific_params"]["ask"]["eos_token_id"] == vocabulary["[unused2]"]
