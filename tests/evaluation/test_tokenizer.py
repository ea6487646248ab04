import copy

import pytest

from monoglot.evaluation.tokenizer import score_tokenizer
from tests.fixtures.tokenizers import sample


def test_counts_by_hand(target_tokenizers):
    scores = score_tokenizer(target_tokenizers["wordpiece"], ["Das Gesetz", "日 Das"])
    pieces = [*target_tokenizers["wordpiece"].tokenize("Das Gesetz"), "[UNK]", "Das"]
    assert (scores.lines, scores.words, scores.bytes) == (2, 4, 10 + 7)
    assert scores.tokens == len(pieces)
    assert scores.unknown_tokens == 1
    assert scores.fertility == len(pieces) / 4
    assert scores.as_dict()["bytes_per_token"] == 17 / len(pieces)


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "byte-level-bpe", "sentencepiece-bpe"])
def test_a_german_tokenizer_fits_german_better(family, source_tokenizers, target_tokenizers):
    text = sample("de")[1500:]
    before = score_tokenizer(source_tokenizers[family], text)
    after = score_tokenizer(target_tokenizers[family], text)
    assert (before.lines, before.words, before.bytes) == (after.lines, after.words, after.bytes)
    assert after.tokens < before.tokens


def test_an_empty_text_divides_by_nothing(target_tokenizers):
    assert score_tokenizer(target_tokenizers["unigram"], []).fertility == 0


def test_truncation_and_padding_of_the_tokenizer_do_not_count(target_tokenizers):
    text = sample("de", 20)
    plain = score_tokenizer(target_tokenizers["wordpiece"], text)
    cutting = copy.deepcopy(target_tokenizers["wordpiece"])
    cutting.backend_tokenizer.enable_truncation(5)
    cutting.backend_tokenizer.enable_padding(length=64)
    assert score_tokenizer(cutting, text) == plain
