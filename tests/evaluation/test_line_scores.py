"""Scores line by line: they add up to those of the whole text."""

import json

import numpy as np
import pytest

from monoglot.evaluation.language import LanguageSettings, score_language
from monoglot.evaluation.line_scores import BitsPerByte, LineScores, TeacherDistance
from monoglot.model.folder import load_model
from monoglot.model.pooling import Pooling
from monoglot.model.tokenizer_folder import load_tokenizer
from tests.fixtures.tokenizers import sample


def test_bits_per_byte_are_those_of_the_whole_text(tiny_folder):
    folder = tiny_folder("gemma3")
    model, tokenizer, lines = load_model(folder), load_tokenizer(folder), sample("de", 8)
    found = BitsPerByte(LanguageSettings())(model, tokenizer, lines)
    assert found.mean == pytest.approx(score_language(model, tokenizer, lines).bits_per_byte)
    assert found.sizes.tolist() == [len(line.encode()) for line in lines]
    again = LineScores.from_dict(json.loads(json.dumps(found.as_dict())))
    assert np.array_equal(again.amounts, found.amounts)
    assert again.mean == found.mean


def test_a_teacher_is_no_distance_from_itself_and_asked_once(tiny_folder):
    folder = tiny_folder("xlm-roberta")
    model, tokenizer, lines = load_model(folder), load_tokenizer(folder), sample("de", 5)
    asked = []
    measure = TeacherDistance(lambda: asked.append(1) or (model, tokenizer), Pooling.MEAN, "query: ")
    own = measure(model, tokenizer, lines)
    assert own.amounts == pytest.approx(np.zeros(5), abs=1e-6)
    other = load_model(folder)
    other.get_input_embeddings().weight.data.mul_(-1)
    assert measure(other, tokenizer, lines).mean > 0.01
    assert asked == [1]
    assert measure.settings == {"pooling": "mean", "prefix": "query: "}
