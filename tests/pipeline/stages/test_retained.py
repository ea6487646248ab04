"""Prompts, templates and what the user names are kept by every mode, and said."""

from __future__ import annotations

import json
import shutil

import pytest

from monoglot.cli.show import plan_tables
from monoglot.errors import SettingError
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.pipeline import plan as planning
from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from tests.fixtures.tokenizers import DATA

PROMPT = "Tafuta habari: "
TEMPLATE = "{% for m in messages %}Mwongozo: {{ m.content }}\n{% endfor %}"


@pytest.fixture(scope="module")
def prompted(xlm_r, tmp_path_factory):
    """A model with a prompt and a chat template in Swahili."""
    folder = tmp_path_factory.mktemp("prompted") / "model"
    shutil.copytree(xlm_r, folder)
    prompts = {"prompts": {"query": PROMPT}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        Settings(mode="trim", threads=1, minimum_count=3),
        Settings(mode="extend", threads=1, add_tokens=50, vocabulary_size=700, method="subword"),
    ],
    ids=lambda settings: settings.mode,
)
def test_segmented_as_before(prompted, tmp_path, settings):
    named = tmp_path / "tokens.txt"
    named.write_text("kitabu cha pili\n", encoding="utf-8")
    asked = Settings(**vars(settings) | {"keep_text": ("Jibu: ",), "keep_tokens": str(named)})
    summary = specialize(prompted, DATA / "de.txt", tmp_path / "out", asked)
    old, new = load_tokenizer(prompted), load_tokenizer(tmp_path / "out")
    for text in (PROMPT, f"{PROMPT}und", "Mwongozo: ", "Jibu: ", "kitabu cha pili"):
        assert old.convert_ids_to_tokens(old(text)["input_ids"]) == new.convert_ids_to_tokens(
            new(text)["input_ids"]
        )
    for words in ("Kept: the", "Tafuta habari: ", "config_sentence_transformers.json", "--keep-tokens"):
        assert words in summary.kept
    kept = json.loads((tmp_path / "out" / "monoglot" / "tokenizer" / "kept.json").read_text())
    assert {text["origin"] for text in kept["texts"]} >= {"--keep-text"}
    manifest = json.loads((tmp_path / "out" / "monoglot" / "manifest.json").read_text())["kept"]
    assert manifest["texts"] == len(kept["texts"])
    assert manifest["tokens"] == kept["tokens"]
    assert PROMPT in manifest["first"]
    assert "kitabu cha pili" in manifest["first"]
    assert any("config_sentence_transformers.json" in origin for origin in manifest["origins"])


def test_replaced_their_tokens_are_in_the_vocabulary(prompted, tmp_path):
    settings = Settings(mode="replace", vocabulary_size=700, threads=1, method="subword")
    summary = specialize(prompted, DATA / "de.txt", tmp_path / "out", settings)
    old, new = load_tokenizer(prompted), load_tokenizer(tmp_path / "out")
    assert len(new) == 700
    assert set(old.tokenize(PROMPT)) <= set(new.get_vocab())
    assert "Tafuta habari: " in summary.kept


def test_a_tokenizer_of_the_users_own_that_cannot_have_them(prompted, target_tokenizers, tmp_path, caplog):
    source = tmp_path / "source"
    shutil.copytree(prompted, source)
    (source / "chat_template.jinja").write_text("{{ '<s>Mwongozo: ' }}")
    (source / "chat_template.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    target_tokenizers["wordpiece"].save_pretrained(tmp_path / "mine")
    settings = Settings(mode="replace", target_tokenizer=str(tmp_path / "mine"), threads=1, method="subword")
    summary = specialize(source, DATA / "de.txt", tmp_path / "out", settings)
    lost, changed = summary.warnings[-2:]
    assert lost == (
        "the chat template in chat_template.jinja is not carried over: the new tokenizer lacks <s>, "
        "which it writes"
    )
    assert lost in caplog.text  # before the work, too
    assert "--target-tokenizer segments" in changed
    assert PROMPT in changed
    assert summary.kept == ""
    assert not (tmp_path / "out" / "chat_template.jinja").exists()
    assert (tmp_path / "out" / "chat_template.json").exists()
    manifest = json.loads((tmp_path / "out" / "monoglot" / "manifest.json").read_text())["kept"]
    assert manifest["lost_templates"] == [lost]
    assert manifest["changed"] >= 1


def test_a_tokenizer_of_the_users_own_that_has_them(prompted, tmp_path):
    settings = Settings(mode="replace", target_tokenizer=str(prompted), threads=1, method="subword")
    summary = specialize(prompted, DATA / "de.txt", tmp_path / "out", settings)
    assert not [warning for warning in summary.warnings if "template" in warning or "segments" in warning]
    assert (tmp_path / "out" / "chat_template.jinja").read_text() == TEMPLATE


def test_another_text_is_another_vocabulary(xlm_r, tmp_path):
    settings = Settings(mode="trim", threads=1, minimum_count=3)
    first = specialize(xlm_r, DATA / "de.txt", tmp_path / "out", settings)
    assert first.kept.startswith("Kept from the source: ")
    asked = Settings(**vars(settings) | {"keep_text": (PROMPT,)})
    second = specialize(xlm_r, DATA / "de.txt", tmp_path / "out", asked, overwrite=True)
    assert second.after.vocabulary > first.after.vocabulary


def test_a_plan_keeps_them_too_and_says_so(prompted, xlm_r, tmp_path, monkeypatch):
    monkeypatch.setattr("monoglot.pipeline.plan_options.SIZES", (400,))
    named = tmp_path / "tokens.txt"
    named.write_text("قال كتاب\n", encoding="utf-8")
    corpus = [str(DATA / "de.txt")]
    without = planning.plan(str(xlm_r), corpus)
    plan = planning.plan(str(prompted), corpus, keep_text=["Jibu: "], keep_tokens=str(named))
    sizes = [{option.name: option.vocabulary for option in each.options} for each in (without, plan)]
    assert sizes[1]["trim"] > sizes[0]["trim"]
    assert sizes[1]["replace 400"] == 400
    assert plan.advice.flags.endswith(f"--keep-text 'Jibu: ' --keep-tokens {named}")
    assert "--keep" not in without.advice.flags
    assert without.kept == ""
    shown = [part for part in plan_tables(plan) if isinstance(part, str)]
    assert plan.kept in shown
    assert PROMPT in plan.kept
    assert "--keep-tokens" in plan.kept
    with pytest.raises(SettingError, match="is empty"):
        planning.plan(str(xlm_r), corpus, keep_tokens=str(_empty(tmp_path)))


def _empty(folder):
    (folder / "empty.txt").write_text("")
    return folder / "empty.txt"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep_text": (" ",)}, "--keep-text has an empty text"),
        ({"keep_tokens": "nowhere.txt"}, "nowhere.txt can't be read"),
        ({"keep_tokens": "{empty}"}, "is empty"),
        ({"keep_tokens": "/dev/zero"}, "is a device"),
    ],
)
def test_what_can_not_be_kept_is_refused_first(xlm_r, tmp_path, settings, message):
    (tmp_path / "empty.txt").write_text("\n\n")
    given = {key: value.format(empty=tmp_path / "empty.txt") if isinstance(value, str) else value
             for key, value in settings.items()}  # fmt: skip
    with pytest.raises(SettingError, match=message):
        specialize(xlm_r, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1, **given))
    assert not (tmp_path / "out").exists()
