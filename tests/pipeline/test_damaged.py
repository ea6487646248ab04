"""Damage that `benchmarks/mutations.py` found: one sentence, or a warning, and nothing silent."""

from __future__ import annotations

import json

import pytest
from transformers import AutoTokenizer

from monoglot.errors import InputError
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import DATA

SETTINGS = "tokenizer_config.json"
FAMILIES = {"bert": "wordpiece", "gpt2": "byte-level-bpe", "llama": "sentencepiece-bpe", "mt5": "unigram"}


@pytest.fixture
def source(source_tokenizers, tmp_path):
    """Write a tiny model, with one entry of one of its files changed; gives the folder."""

    def write(name, file, change):
        folder = tmp_path / "source"
        tokenizer = source_tokenizers[FAMILIES[name]]
        ARCHITECTURES[name](tokenizer).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        content = json.loads((folder / file).read_text())
        change(content)
        (folder / file).write_text(json.dumps(content))
        return folder

    return write


def setting(**entries):
    return lambda content: content.update(entries)


def trim(folder, out):
    return specialize(folder, DATA / "de.txt", out, Settings(mode="trim", threads=1))


REFUSED = {
    "architectures that are a number": ("bert", "config.json", setting(architectures=-1), "class names"),
    "architectures of numbers": ("bert", "config.json", setting(architectures=[1, "x"]), "class names"),
    "a length that is a text": ("bert", SETTINGS, setting(model_max_length="64"), "whole number"),
    "a negative length": ("gpt2", SETTINGS, setting(model_max_length=-64), "whole number"),
    "a length of half a token": ("gpt2", SETTINGS, setting(model_max_length=9.5), "whole number"),
    "an id that is a list of lists": (
        "mt5", "generation_config.json", setting(decoder_start_token_id=[[]]), "token id"
    ),
    "ids that are texts": ("mt5", "generation_config.json", setting(eos_token_id=[1, "x"]), "token id"),
    "outputs that are no numbers": ("bert", "config.json", setting(layer_norm_eps=-0.999999), "not numbers"),
    "no unknown token": (
        "mt5", "tokenizer.json", lambda content: content["model"].update(unk_id=None), "can't segment text"
    ),
    "a template of tokens that are not there": (
        "bert",
        "tokenizer.json",
        lambda content: content["post_processor"].update(special_tokens={}),
        "can't segment text",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_damage_is_one_sentence(source, tmp_path, case):
    name, file, change, words = REFUSED[case]
    with pytest.raises(InputError) as refused:
        trim(source(name, file, change), tmp_path / "out")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("id", [1_000_000, 10**40])
def test_an_id_that_no_token_has_is_said(source, tmp_path, caplog, id):
    folder = source("llama", "generation_config.json", setting(eos_token_id=id))
    trim(folder, tmp_path / "out")
    assert (
        f"eos_token_id of the model is {id}, which no token of its tokenizer has: it becomes" in caplog.text
    )


def test_a_length_with_a_decimal_point_is_a_length(source):
    assert load_tokenizer(source("gpt2", SETTINGS, setting(model_max_length=32.0))).model_max_length == 32


def test_roles_that_only_the_class_knows_are_taken_over(source, tmp_path):
    def silent(content):
        for name in [*content]:
            if name == "tokenizer_class" or name.endswith("_token"):
                del content[name]

    folder = source("gpt2", SETTINGS, silent)
    trim(folder, tmp_path / "out")
    before, after = (AutoTokenizer.from_pretrained(place) for place in (folder, tmp_path / "out"))
    assert after.special_tokens_map == before.special_tokens_map
    assert after.eos_token == "<|endoftext|>"
