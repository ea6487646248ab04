import copy

import numpy as np
import torch

from monoglot.evaluation.identity import largest_difference
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import sample

LINES = [line[:80] for line in sample("de", 5)]


def test_a_model_differs_from_itself_by_nothing(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](tokenizer)
    found = largest_difference((model, tokenizer), (model, tokenizer), np.arange(len(tokenizer)), LINES)
    assert (found.output_lines, found.largest_difference) == (5, 0.0)


def test_a_changed_weight_is_found(source_tokenizers):
    tokenizer = source_tokenizers["unigram"]
    model = ARCHITECTURES["t5"](tokenizer)
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed.shared.weight[tokenizer(LINES[0])["input_ids"][2]] += 1
    found = largest_difference((model, tokenizer), (changed, tokenizer), np.arange(len(tokenizer)), LINES)
    assert found.largest_difference > 1e-3


def test_lines_that_are_segmented_otherwise_are_passed_over(source_tokenizers, target_tokenizers):
    old, new = source_tokenizers["unigram"], target_tokenizers["unigram"]
    models = ARCHITECTURES["xlm-roberta"](old), ARCHITECTURES["xlm-roberta"](new)
    found = largest_difference((models[0], old), (models[1], new), np.arange(len(new)), LINES)
    assert found.output_lines == 0
