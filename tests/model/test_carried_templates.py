"""Chat templates go with a model to another tokenizer, or it is said why not."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from monoglot.errors import TokenizerError
from monoglot.model.carried_templates import carry_templates, lost_templates
from monoglot.model.side_files import copy_side_files
from monoglot.model.tokenizer_folder import load_tokenizer

TURN = "{% for m in messages %}{{ '<|turn|>' + m.content }}{% endfor %}"
TOOL = "{{ '<|turn|>tools: ' }}"
PLACES = {
    "chat_template.jinja": TURN,
    "additional_chat_templates/tool_use.jinja": TURN,
    "tool_chat_template.jinja": TURN,
    "chat_template.json": {"chat_template": TURN},
    "processor_config.json": {"chat_template": TURN},
    "preprocessor_config.json": {"chat_template": TURN},
    "tokenizer_config.json": {"chat_template": TURN},
}


def tokenizer(*special, template=None):
    backend = Tokenizer(models.BPE({"a": 0}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=backend, additional_special_tokens=list(special))
    made.chat_template = template
    return made


@pytest.fixture
def source(tmp_path):
    """Writes a model folder whose tokenizer has the token of a turn."""

    def write(files):
        folder = tmp_path / "source"
        tokenizer("<|turn|>").save_pretrained(folder)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            if path == "tokenizer_config.json":
                content = json.loads((folder / path).read_text()) | content
            (folder / path).write_text(content if isinstance(content, str) else json.dumps(content))
        return folder

    return write


def carried(source, target, out):
    """What an output has in its files, once everything was carried over."""
    target.save_pretrained(out)
    copy_side_files(source, out)
    carry_templates(source, out, target)
    files = (path for path in out.rglob("*") if path.is_file() and path.name != "tokenizer.json")
    return {path.relative_to(out).as_posix(): path.read_text() for path in files}


@pytest.mark.parametrize("place", PLACES)
def test_goes_where_its_tokens_are_known(place, source, tmp_path):
    folder, target = source({place: PLACES[place]}), tokenizer("<|turn|>")
    out = carried(folder, target, tmp_path / "out")
    assert lost_templates(folder, target) == ()
    where = "chat_template.jinja" if place == "tokenizer_config.json" else place
    assert "<|turn|>" in out[where]
    if place in ("chat_template.jinja", "tokenizer_config.json"):
        assert load_tokenizer(tmp_path / "out").chat_template == TURN


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("own", [None, "{{ 'own' }}"])
def test_or_it_is_said_which_tokens_are_lacking(place, own, source, tmp_path):
    folder, target = source({place: PLACES[place]}), tokenizer("<|other|>", template=own)
    out = carried(folder, target, tmp_path / "out")
    (sentence,) = lost_templates(folder, target)
    assert place in sentence
    assert "lacks <|turn|>" in sentence
    if not place.endswith("processor_config.json"):
        assert "<|turn|>" not in out.get(place, "")
    assert load_tokenizer(tmp_path / "out").chat_template == own


@pytest.mark.parametrize("place", ["chat_template.jinja", "tokenizer_config.json"])
def test_a_template_of_the_tokenizers_own_is_said_to_take_its_place(place, source, tmp_path):
    folder, target = source({place: PLACES[place]}), tokenizer("<|turn|>", template="{{ 'own' }}")
    carried(folder, target, tmp_path / "out")
    (sentence,) = lost_templates(folder, target)
    assert "brings a template of its own" in sentence
    assert load_tokenizer(tmp_path / "out").chat_template == "{{ 'own' }}"


def test_named_ones_one_by_one(source, tmp_path):
    named = [
        {"name": "default", "template": TURN},
        {"name": "tool_use", "template": TOOL},
        {"name": "rag", "template": "{{ '<|turn|>rag' }}"},
    ]
    folder = source({"tokenizer_config.json": {"chat_template": named}})
    target = tokenizer("<|turn|>", template={"default": TURN, "tool_use": "{{ 'mine' }}"})
    out = carried(folder, target, tmp_path / "out")
    assert out["additional_chat_templates/rag.jinja"] == "{{ '<|turn|>rag' }}"
    (sentence,) = lost_templates(folder, target)
    assert "tokenizer_config.json (tool_use)" in sentence


def test_the_same_tokenizer_loses_none(source, tmp_path):
    folder = source({**PLACES, "tokenizer_config.json": {}})
    target = load_tokenizer(folder)
    out = carried(folder, target, tmp_path / "out")
    assert lost_templates(folder, target) == ()
    assert set(PLACES) <= set(out)


def test_one_that_another_hides_is_said(source, tmp_path):
    folder = source({"chat_template.jinja": TURN, "tokenizer_config.json": {"chat_template": TOOL}})
    (sentence,) = lost_templates(folder, load_tokenizer(folder))
    assert "tokenizer_config.json is not carried over: chat_template.jinja beside it" in sentence


@pytest.mark.parametrize("name", ["../../outside", "a/b", ""])
def test_names_that_lead_out_of_the_folder_are_refused(name, source):
    named = [{"name": "default", "template": TURN}, {"name": name, "template": TOOL}]
    with pytest.raises(TokenizerError, match="has a chat template named"):
        load_tokenizer(source({"tokenizer_config.json": {"chat_template": named}}))
