"""A proof that can fail: on any difference, on NaN, on nothing to compare."""

import copy
import math

import numpy as np
import pytest
import torch

from monoglot.errors import ModelError
from monoglot.evaluation.equivalence import compare_outputs
from monoglot.model.transplant import transplant
from tests.fixtures.models import ARCHITECTURES, copying, permuted
from tests.fixtures.tokenizers import sample

LINES = [line[:80] for line in sample("de", 5)]
PROMPTS = ("Frage: ", "Antwort: ")


@pytest.fixture(scope="module")
def pair(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    return ARCHITECTURES["xlm-roberta"](tokenizer), tokenizer


def compare(one, other, lines=LINES, prompts=PROMPTS, source_of=None):
    return compare_outputs(
        one, other, np.arange(len(other[1])) if source_of is None else source_of, lines, prompts
    )


def changed(pair, change):
    model = copy.deepcopy(pair[0])
    with torch.no_grad():
        change(model)
    return model, pair[1]


def test_a_model_differs_from_itself_by_nothing(pair):
    found = compare(pair, pair)
    assert found.compared == {"texts": 5, "pairs": 2, "batches": 1, "prompts": 2}
    assert (found.largest_difference, found.fault) == (0.0, "")
    assert found.largest_output > 0


def test_a_changed_row_is_found_in_an_encoder_decoder(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    t5 = ARCHITECTURES["t5"](tokenizer), tokenizer

    def change(model):
        model.shared.weight[tokenizer(LINES[0])["input_ids"][2]] += 1

    assert "the outputs differ by up to" in compare(t5, changed(t5, change)).fault


@pytest.mark.parametrize("architecture", ["xlm-roberta", "t5", "bert-headless"])
def test_logits_are_compared_by_token_where_both_vocabularies_have_one_size(source_tokenizers, architecture):
    recipe = ARCHITECTURES[architecture]
    source = source_tokenizers[recipe.family]
    order = np.arange(len(source))
    order[-500:] = order[-500:][::-1]  # as where as many tokens are added as are dropped
    model, target = recipe(source), permuted(source, order)
    other = transplant(model, copying(order, len(order)), target, source_tokenizer=source)
    found = compare((model, source), (other, target), source_of=order)
    assert found.compared["texts"] == 5
    assert (found.largest_difference, found.fault) == (0.0, "")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_output_that_is_no_number_is_no_proof(pair, value):
    broken = changed(pair, lambda model: model.roberta.encoder.layer[0].output.dense.bias.fill_(value))
    for one, other in ((pair, broken), (broken, pair), (broken, broken)):
        found = compare(one, other)
        assert found.largest_difference == math.inf
        assert "not a number" in found.fault


def test_nothing_compared_is_no_proof(pair):
    assert "nothing could be compared" in compare(pair, pair, lines=[], prompts=[]).fault
    none_kept = np.full(len(pair[1]), -1)
    assert "nothing could be compared" in compare(pair, pair, source_of=none_kept, prompts=[]).fault


def test_words_are_compared_where_no_line_is_segmented_alike(pair):
    source_of = np.arange(len(pair[1]))
    used = [set(pair[1](line)["input_ids"][1:-1]) for line in LINES]
    common = set.intersection(*used)
    source_of[[min(ids - common) for ids in used]] = -1
    found = compare(pair, pair, source_of=source_of)
    assert found.compared["texts"] > 0
    assert found.largest_difference == 0


def test_a_prompt_that_is_segmented_otherwise_is_a_fault(pair):
    source_of = np.arange(len(pair[1]))
    source_of[pair[1]("Frage: ")["input_ids"][1]] = -1
    found = compare(pair, pair, source_of=source_of)
    assert found.prompts_changed[0] == "Frage: "
    assert "'Frage: ' is segmented differently" in found.fault


def test_pairs_and_padding_are_seen(pair):
    """What only shows in a second segment, or beside a padded text, is found."""
    model, tokenizer = pair
    other = copy.deepcopy(tokenizer)
    other.model_input_names = ["input_ids"]  # no attention mask: padding is read as text
    found = compare(pair, (model, other))
    assert sum(found.compared.values()) == 0
    assert "nothing could be compared" in found.fault


def test_a_model_that_can_not_be_run_is_an_error(pair, monkeypatch):
    broken = copy.deepcopy(pair[0])
    broken.forward = None
    with pytest.raises(ModelError, match="can't be run on text"):
        compare(pair, (broken, pair[1]))
