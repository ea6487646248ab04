"""What monoglot is compared with does what its names say, and failures are told."""

import json
import os
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from benchmarks import head
from benchmarks.plain_recipes import add_tokens, trim
from benchmarks.rivals import PROMPTS, figures, scorer, segmentation, table
from tests.fixtures.folders import GERMAN


@pytest.fixture(scope="module")
def recipe(xlm_r, tmp_path_factory):
    output = tmp_path_factory.mktemp("recipe")
    trim(xlm_r, GERMAN, 1400, output)
    return output


def test_the_recipe_changes_no_line_of_tokens_it_kept(xlm_r, recipe):
    before, after = AutoTokenizer.from_pretrained(xlm_r), AutoTokenizer.from_pretrained(recipe)
    assert len(after) < len(before)
    lines = GERMAN.read_text(encoding="utf-8").splitlines()
    assert segmentation(after, before, lines)["lines_as_before"] == 1


def test_the_recipe_gives_the_logits_of_the_tokens_it_kept(xlm_r, recipe):
    before, after = AutoTokenizer.from_pretrained(xlm_r), AutoTokenizer.from_pretrained(recipe)
    kept = [before.get_vocab()[after.convert_ids_to_tokens(id)] for id in range(len(after))]
    line = GERMAN.read_text(encoding="utf-8").splitlines()[0]
    old, new = (
        AutoModelForMaskedLM.from_pretrained(folder)(**tokenizer(line, return_tensors="pt")).logits
        for folder, tokenizer in ((xlm_r, before), (recipe, after))
    )
    torch.testing.assert_close(new, old[..., kept])


def test_an_added_token_has_the_mean_of_its_pieces(xlm_r, tmp_path):
    before = AutoTokenizer.from_pretrained(xlm_r)
    add_tokens(xlm_r, ["▁Weihnachtsmarkt", "baumschule"], tmp_path, whole_words=True)
    after = AutoTokenizer.from_pretrained(tmp_path)
    assert len(after) == len(before) + 1
    assert "Weihnachtsmarkt" in after.tokenize("Weihnachtsmarkt")
    old, new = (
        AutoModelForMaskedLM.from_pretrained(folder).get_input_embeddings().weight
        for folder in (xlm_r, tmp_path)
    )
    pieces = before("Weihnachtsmarkt", add_special_tokens=False)["input_ids"]
    assert len(pieces) > 1
    torch.testing.assert_close(new[-1], old[pieces].mean(0))


def test_a_prompt_that_changed_is_named(xlm_r, tmp_path):
    before = AutoTokenizer.from_pretrained(xlm_r)
    add_tokens(xlm_r, ["query"], tmp_path, whole_words=False)
    found = segmentation(AutoTokenizer.from_pretrained(tmp_path), before, ["a query", "anderes"])
    assert found["prompts_as_before"] == {PROMPTS[0]: False, PROMPTS[1]: True}
    assert found["lines_as_before"] == 0.5


def test_a_language_model_is_scored_by_bits_per_byte(tiny_folder, tmp_path):
    source, trimmed = tiny_folder("llama"), tmp_path / "trimmed"
    trim(source, GERMAN, 1400, trimmed)
    tokenizer = AutoTokenizer.from_pretrained(source)
    lines = GERMAN.read_text(encoding="utf-8").splitlines()[:3]
    score = scorer(tmp_path, source, tokenizer, lines)
    found = figures(trimmed, tokenizer, lines, score, tmp_path / "trimmed.json")
    assert found["lines_as_before"] == 1
    # The softmax has fewer tokens to choose from.
    before = figures(source, tokenizer, lines, score, tmp_path / "source.json")
    assert 0 < found["bits_per_byte"] < before["bits_per_byte"]


def test_a_failure_is_a_row_with_what_the_tool_said(tmp_path):
    cost = tmp_path / "cost.json"
    command = [sys.executable, "-c", "print('at work'); raise SystemExit('no such model')"]
    usage = [sys.executable, head.ROOT / "benchmarks" / "usage.py", cost, tmp_path / "log", *command]
    subprocess.run(usage, check=True, env=os.environ | {"PYTHONUNBUFFERED": ""})
    row = {"tool": "some tool", "asked": 8000, **json.loads(cost.read_text(encoding="utf-8"))}
    assert row["exit_code"] == 1
    assert row["peak_memory_bytes"] > 1_000_000
    assert "- some tool, 8,000: `no such model`" in table([row])
