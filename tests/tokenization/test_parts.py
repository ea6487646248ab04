"""The parts of a tokenizer.json."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from monoglot.errors import TokenizerError
from monoglot.tokenization.parts import Parts, family_of, replacement_of
from tests.fixtures.handmade import byte_level_of, sentencepiece_bpe_of, unigram_of, wordpiece_of


def test_nested_sequences_become_one_list():
    tokenizer = Tokenizer(models.BPE())
    inner = pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Punctuation(), inner])
    parts = Parts.of(tokenizer)
    assert [step["type"] for step in parts.pre_tokenizer] == ["Punctuation", "Digits", "ByteLevel"]
    assert parts.has("ByteLevel")
    assert parts.has("ByteLevel", "pre_tokenizer")
    assert not parts.has("ByteLevel", "decoder", "normalizer")


def test_the_character_that_stands_for_a_space():
    assert replacement_of(Parts.of(unigram_of("a"))) == "▁"
    assert replacement_of(Parts.of(sentencepiece_bpe_of("a"))) == "▁"
    assert replacement_of(Parts.of(byte_level_of("a"))) is None
    assert replacement_of(Parts.of(wordpiece_of("a"))) is None


def test_a_part_written_in_python_is_refused():
    class Custom:
        def normalize(self, text: normalizers.Normalizer) -> None: ...

    tokenizer = byte_level_of("a")
    tokenizer.normalizer = normalizers.Normalizer.custom(Custom())
    with pytest.raises(TokenizerError, match="a part written in Python"):
        Parts.of(tokenizer)


def test_a_bpe_that_marks_word_ends_is_refused():
    tokenizer = Tokenizer(models.BPE({"a": 0}, [], end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    with pytest.raises(TokenizerError, match="marks word ends"):
        family_of(tokenizer, Parts.of(tokenizer))
