from itertools import pairwise

import numpy as np
import pytest

from monoglot.evaluation.token_scores import word_bounds
from monoglot.tokenization.vocabulary import plain_backend
from tests.fixtures.tokenizers import sample


def words_of(tokenizer, line):
    """The text of each word, as a tokenizer's tokens make them up."""
    encoding = plain_backend(tokenizer).encode(line, add_special_tokens=False)
    offsets = np.array(encoding.offsets)
    bounds = word_bounds(line, offsets)
    return [line[offsets[a:b, 0].min() : offsets[a:b, 1].max()].strip() for a, b in pairwise(bounds)]


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "byte-level-bpe", "sentencepiece-bpe"])
def test_every_tokenizer_has_the_same_words(source_tokenizers, family):
    for line in (*sample("de", 20), *sample("ar", 10), *sample("hi", 10), "  zwei  Lücken,   hier "):
        assert words_of(source_tokenizers[family], line) == line.split()


@pytest.mark.parametrize("family", ["unigram", "wordpiece", "sentencepiece-bpe"])
def test_without_spaces_each_token_is_a_word(source_tokenizers, family):
    tokenizer = source_tokenizers[family]
    line = "日本国民は正当に選挙された"
    offsets = np.array(plain_backend(tokenizer).encode(line, add_special_tokens=False).offsets)
    distinct = len({tuple(pair) for pair in offsets.tolist()})
    assert 3 < len(word_bounds(line, offsets)) - 1 <= distinct


def test_bytes_of_one_character_are_one_word():
    offsets = np.array([(0, 1), (0, 1), (0, 1), (1, 2)])
    assert word_bounds("日本", offsets).tolist() == [0, 3, 4]


def test_a_line_without_tokens_has_no_words():
    assert word_bounds("", np.zeros((0, 2), np.int64)).tolist() == [0]
