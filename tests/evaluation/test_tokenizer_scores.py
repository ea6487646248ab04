import copy

import numpy as np
import pytest

from monoglot.evaluation.tokenizer_scores import renyi_efficiency, score_parity, score_tokenizer
from tests.fixtures.tokenizers import sample


def test_counts_by_hand(target_tokenizers):
    scores = score_tokenizer(target_tokenizers["wordpiece"], ["Das Gesetz", "日 Das"])
    pieces = [*target_tokenizers["wordpiece"].tokenize("Das Gesetz"), "[UNK]", "Das"]
    assert (scores.lines, scores.words, scores.bytes) == (2, 4, 10 + 7)
    assert scores.tokens == len(pieces)
    assert (scores.unknown_tokens, scores.unknown_bytes) == (1, 3)
    assert scores.unknown_share == 3 / 17
    assert scores.fertility == len(pieces) / 4
    assert scores.to_dict()["bytes_per_token"] == 17 / len(pieces)


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


def test_continued_words_are_those_of_several_tokens(target_tokenizers):
    for family, tokenizer in target_tokenizers.items():
        lines = ["  und der  Gesetzgebungsnotstand die", "Rechtsverordnungen", ""]
        scores = score_tokenizer(tokenizer, lines)
        assert (scores.words, scores.continued_words) == (5, 2), family
        assert scores.continued_share == 0.4


def test_used_vocabulary_and_byte_tokens_by_hand(target_tokenizers):
    tokenizer = target_tokenizers["sentencepiece-bpe"]
    scores = score_tokenizer(tokenizer, ["und und 日"])
    pieces = tokenizer.tokenize("und und 日")
    assert scores.byte_tokens == 3
    assert scores.byte_share == 3 / len(pieces)
    assert scores.used_vocabulary == len(set(pieces))
    assert scores.vocabulary == len(tokenizer) - 4  # pad, eos, bos, unk
    assert scores.never_used_share == 1 - len(set(pieces)) / (len(tokenizer) - 4)


def test_renyi_efficiency_is_one_if_all_tokens_are_as_frequent():
    assert renyi_efficiency(np.full(50, 3), 50) == pytest.approx(1)
    assert renyi_efficiency(np.eye(50, dtype=np.int64)[0], 50) == pytest.approx(0)
    shares = np.array([0.5, 0.25, 0.25])
    entropy = np.log((shares**2.5).sum()) / (1 - 2.5)
    assert renyi_efficiency(np.array([2, 1, 1, 0]), 4) == pytest.approx(entropy / np.log(4))


def test_parity_compares_the_same_sentences(target_tokenizers):
    tokenizer = target_tokenizers["unigram"]
    german, english = ["Das Gesetz", "Die Verordnung"], ["the law", "the ordinance of the state"]
    parity = score_parity(tokenizer, german, english)
    counts = [sum(len(tokenizer.tokenize(text)) for text in side) for side in (german, english)]
    assert (parity.pairs, parity.tokens, parity.other_tokens) == (2, *counts)
    assert parity.ratio == counts[0] / counts[1]


def test_a_line_without_spaces_is_lost_by_its_bytes_not_as_one_token(target_tokenizers):
    """WordPiece gives up on words of more than 100 characters."""
    lines = ["Das Gesetz der Woche", "gesetz" * 30]
    scores = score_tokenizer(target_tokenizers["wordpiece"], lines)
    assert scores.unknown_tokens == 1
    assert scores.unknown_share == 180 / 200
