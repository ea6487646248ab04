"""What a sentence-transformers folder puts before each text."""

from __future__ import annotations

import json

import pytest

from monoglot.errors import ModelError
from monoglot.model.pooling import PROMPTS, read_prefix, write_prefix


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
