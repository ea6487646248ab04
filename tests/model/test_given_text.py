"""Tokens that look as if they were held in reserve, but that a file of the model names."""

from __future__ import annotations

import json

import pytest
from transformers import AutoTokenizer

from monoglot.errors import ModelError
from monoglot.model.given_text import given_texts, tokens_in_use, unread_templates
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
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


@pytest.fixture
def folder(tmp_path):
    """Writes files into a folder that says nothing else."""

    def write(files, name="model"):
        for path, content in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        return tmp_path / name

    return write


def texts(folder):
    return [given.text for given in given_texts(folder)]


TEMPLATE = "{{ 'Hello ' }}{{ x }}"


@pytest.mark.parametrize(
    "files",
    [
        {"chat_template.jinja": TEMPLATE},
        {"additional_chat_templates/tool_use.jinja": TEMPLATE},
        {"tool_chat_template.jinja": TEMPLATE},
        {"tokenizer_config.json": {"chat_template": TEMPLATE}},
        {"tokenizer_config.json": {"chat_template": [{"name": "rag", "template": TEMPLATE}]}},
        {"tokenizer_config.json": {"chat_template": {"rag": TEMPLATE}}},
        {"chat_template.json": {"chat_template": TEMPLATE}},
        {"processor_config.json": {"chat_template": TEMPLATE}},
        {"preprocessor_config.json": {"chat_template": TEMPLATE}},
        {
            "config_sentence_transformers.json": {
                "prompts": {"query": "Hello "},
                "default_prompt_name": "query",
            }
        },
        {"config_sentence_transformers.json": {"query_prefix": "Hello "}},
        {
            "config.json": {
                "task_specific_params": {"translation_en_to_de": {"prefix": "Hello ", "num_beams": 4}}
            }
        },
        {"config.json": {"prefix": "Hello "}},
        {"config.json": {"task_instructions": {"retrieval.query": "Hello "}}},
        {"generation_config.json": {"system_prompt": "Hello "}},
        {"SYSTEM_PROMPT.txt": "Hello "},
    ],
)
@pytest.mark.parametrize("inner", ["", "0_Transformer/"])
def test_every_place_is_known(files, inner, folder):
    files = {inner + path: content for path, content in files.items()}
    if inner:
        module = {
            "idx": 0,
            "name": "0",
            "path": "0_Transformer",
            "type": "sentence_transformers.models.Transformer",
        }
        files["modules.json"] = [module]
    assert texts(folder(files)) == ["Hello "]


def test_each_text_once_with_where_it_stands(folder):
    found = given_texts(
        folder(
            {
                "config_sentence_transformers.json": {
                    "prompts": {"query": "query: ", "other": "query: ", "no": ""}
                },
                "chat_template.jinja": "{{ 'query: ' }}{{ x }}{{ 'answer: ' }}",
            }
        )
    )
    assert [(given.text, given.origin) for given in found] == [
        ("query: ", "prompts.query, config_sentence_transformers.json"),
        ("answer: ", "chat template, chat_template.jinja"),
    ]


E5 = ["query: ", "passage: "]
INSTRUCT = ["Instruct: ", "\nQuery: "]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("multilingual-e5-small", E5),
        ("E5-german", E5),
        ("me5_large", E5),
        ("models--intfloat--multilingual-e5-base/snapshots/0123abcd", E5),
        ("multilingual-e5-large-instruct", INSTRUCT),
        (
            "nomic-embed-text-v1.5",
            ["search_query: ", "search_document: ", "classification: ", "clustering: "],
        ),
        ("base5", []),
        ("e50", []),
        ("bge-m3", []),
    ],
)
def test_prefixes_known_of_the_folders_name(name, expected, folder):
    assert texts(folder({}, name)) == expected


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "---\nlanguage: de\nbase_model: intfloat/multilingual-e5-small\n---\n# Model"},
        {"README.md": "---\nbase_model:\n- intfloat/multilingual-e5-small\ntags: [a]\n---\n"},
        {"README.md": "---\nbase_model: ['intfloat/multilingual-e5-small']\n---\n"},
        {"config.json": {"_name_or_path": "intfloat/multilingual-e5-small"}},
        {"monoglot/manifest.json": {"names": {"source": "/models/multilingual-e5-small/"}}},
        {"monoglot/manifest.json": {"names": {"model": "intfloat/multilingual-e5-small"}}},
    ],
)
def test_prefixes_known_of_the_base_model(files, folder):
    found = given_texts(folder(files))
    assert [given.text for given in found] == E5
    assert "multilingual-e5-small" in found[0].origin


def test_the_way_to_a_model_names_none(folder):
    assert texts(folder({"monoglot/manifest.json": {"names": {"source": "/home/e5/models/bert"}}})) == []


def test_a_card_that_only_speaks_of_a_model_names_none(folder):
    assert (
        texts(folder({"README.md": "---\nlanguage: de\n---\nbase_model: intfloat/multilingual-e5-small"}))
        == []
    )


def test_a_template_that_cannot_be_parsed_is_named(folder):
    path = folder({"chat_template.jinja": "{{ 'a' ", "tokenizer_config.json": {"chat_template": TEMPLATE}})
    assert texts(path) == ["Hello "]
    (sentence,) = unread_templates(path)
    assert "chat_template.jinja can't be parsed (line 1" in sentence
    assert "--keep-text" in sentence


def test_deep_configurations_are_read(folder):
    deep = {"prompts": {"query": "Hello "}}
    for _ in range(300):
        deep = {"a": deep}
    assert texts(folder({"config.json": deep})) == ["Hello "]


@pytest.mark.parametrize("name", ["chat_template.jinja", "SYSTEM_PROMPT.txt", "preprocessor_config.json"])
def test_what_is_no_file_is_refused(name, folder):
    path = folder({})
    (path / name).mkdir()
    with pytest.raises(ModelError, match=name):
        given_texts(path)


def test_configurations_that_are_not_json_are_refused(folder):
    with pytest.raises(ModelError, match=r"config_sentence_transformers\.json can't be read"):
        given_texts(folder({"config_sentence_transformers.json": "{"}))


def test_no_such_folder(tmp_path):
    with pytest.raises(ModelError, match="no folder"):
        given_texts(tmp_path / "nowhere")
