"""What a sentence-transformers folder puts before each text."""

from __future__ import annotations

import json
import shutil

import pytest

from monoglot.errors import ModelError
from monoglot.model.pooling import PROMPTS, read_prefix, write_prefix
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.tokenizers import DATA, sample


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of sentence-transformers with a configuration."""

    def make(settings=None):
        (tmp_path / "modules.json").write_text("[]")
        if settings is not None:
            (tmp_path / PROMPTS).write_text(json.dumps(settings))
        return tmp_path

    return make


def settings(folder):
    return json.loads((folder / PROMPTS).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("query: ", "query"),
        ("Anfrage：", "anfrage"),
        ("search_query: ", "search_query"),
        ("Represent this sentence: ", "default"),
        ("Instruct: Find it\nQuery: ", "default"),
    ],
)
def test_a_prefix_becomes_the_default_prompt(prefix, name, folder):
    path = folder()
    assert write_prefix(path, prefix) == ""
    assert settings(path) == {"prompts": {name: prefix}, "default_prompt_name": name}
    assert read_prefix(path) == prefix


def test_what_is_there_stays(folder):
    before = {
        "__version__": {"sentence_transformers": "5"},
        "prompts": {"query": "", "passage": "passage: "},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    path = folder(before)
    assert write_prefix(path, "query: ") == ""
    prompts = {"query": "query: ", "passage": "passage: "}
    assert settings(path) == before | {"prompts": prompts, "default_prompt_name": "query"}


def test_a_prompt_of_the_same_text_is_the_default_under_its_own_name(folder):
    path = folder({"prompts": {"retrieval": "query: ", "other": "x"}, "default_prompt_name": None})
    assert write_prefix(path, "query: ") == ""
    assert settings(path) == {
        "prompts": {"retrieval": "query: ", "other": "x"},
        "default_prompt_name": "retrieval",
    }


@pytest.mark.parametrize(
    ("prompts", "default", "said"),
    [
        ({"passage": "passage: "}, "passage", "the default prompt was 'passage: '"),
        ({"query": "Frage: "}, None, "the prompt 'query' was 'Frage: '"),
    ],
)
def test_what_it_contradicts_is_said(prompts, default, said, folder):
    path = folder({"prompts": prompts, "default_prompt_name": default})
    sentence = write_prefix(path, "query: ")
    assert said in sentence
    assert "trained with 'query: '" in sentence
    assert settings(path)["prompts"] == prompts | {"query": "query: "}
    assert read_prefix(path) == "query: "


def test_a_folder_of_a_plain_model_stays_as_it_is(tmp_path):
    assert write_prefix(tmp_path, "query: ") == ""
    assert not list(tmp_path.iterdir())


def test_damaged_prompts_are_refused(folder):
    with pytest.raises(ModelError, match="prompts that are no object"):
        write_prefix(folder({"prompts": "query: "}), "query: ")


@pytest.mark.parametrize("mode", ["trim", "replace"])
def test_text_is_read_in_lower_case_where_sentence_transformers_does_so(xlm_r, tmp_path, caplog, mode):
    source = shutil.copytree(xlm_r, tmp_path / "source")
    (source / "modules.json").write_text(
        json.dumps([{"path": "", "type": "sentence_transformers.models.Transformer"}])
    )
    (source / "sentence_bert_config.json").write_text(json.dumps({"do_lower_case": True}))
    size = None if mode == "trim" else 700
    settings = Settings(mode=mode, threads=1, vocabulary_size=size, method="subword")
    specialize(source, DATA / "de.txt", tmp_path / "out", settings)
    assert "puts text into lower case" in caplog.text
    tokenizer = load_tokenizer(tmp_path / "out")
    if mode == "replace":
        pieces = [text for text in tokenizer.get_vocab() if text not in tokenizer.all_special_tokens]
        assert len(pieces) > 500
        assert [text for text in pieces if text != text.lower()] == []
    else:
        before = load_tokenizer(source)
        line = sample("de", 1)[0].lower()
        assert tokenizer.tokenize(line) == before.tokenize(line)
        assert "▁Die" in before.get_vocab()
        assert "▁Die" not in tokenizer.get_vocab()
