"""Tokenizers built otherwise than those of the four families usually are."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.extend import ExtendSettings, extend_tokenizer
from monoglot.tokenization.selection import literal_pattern
from monoglot.tokenization.train import TokenizerSettings, train_tokenizer
from monoglot.tokenization.trim import TrimSettings, trim_tokenizer
from tests.fixtures.tokenizers import LANGUAGES, sample

SPECIAL = ["<s>", "</s>", "<unk>"]
TEXT = [line for language in LANGUAGES for line in sample(language, 300)]


def unigram_of_bytes():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return tokenizer, trainers.UnigramTrainer(
        vocab_size=900,
        special_tokens=SPECIAL,
        unk_token="<unk>",
        initial_alphabet=alphabet,
        show_progress=False,
    )


def unigram_of_underscores():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="_")
    tokenizer.decoder = decoders.Metaspace(replacement="_")
    return tokenizer, trainers.UnigramTrainer(
        vocab_size=1500, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )


def bpe_of_underscores():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="_")
    tokenizer.decoder = decoders.Metaspace(replacement="_")
    return tokenizer, trainers.BpeTrainer(vocab_size=1500, special_tokens=SPECIAL, show_progress=False)


def wordpiece_of_at_signs():
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>", continuing_subword_prefix="@@"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="@@")
    return tokenizer, trainers.WordPieceTrainer(
        vocab_size=1500, special_tokens=SPECIAL, continuing_subword_prefix="@@", show_progress=False
    )


@pytest.fixture(
    scope="module",
    params=[unigram_of_bytes, unigram_of_underscores, bpe_of_underscores, wordpiece_of_at_signs],
)
def source(request):
    tokenizer, trainer = request.param()
    tokenizer.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


@pytest.fixture(scope="module")
def trained(source):
    return train_tokenizer(source, sample("de", 600), TokenizerSettings(700))


def length(tokenizer, lines):
    return sum(len(tokenizer(line)["input_ids"]) for line in lines)


def back(tokenizer, line):
    return tokenizer.decode(tokenizer(line)["input_ids"], skip_special_tokens=True)


HELD_OUT = [line for line in sample("de", 700)[600:] if line.isascii() and "_" not in line]


def test_trained_it_needs_fewer_tokens_and_spells_the_same(source, trained):
    assert len(trained) == 700
    assert length(trained, HELD_OUT) < 0.95 * length(source, HELD_OUT)
    assert [back(trained, line) for line in HELD_OUT] == [back(source, line) for line in HELD_OUT]


def test_trimmed_the_counted_text_comes_out_as_before(source):
    lines = sample("de", 200)
    counts = np.bincount([id for line in lines for id in source(line)["input_ids"]], minlength=len(source))
    trimmed = trim_tokenizer(source, counts, TrimSettings()).tokenizer
    assert [trimmed.tokenize(line) for line in lines] == [source.tokenize(line) for line in lines]


def test_extended_it_needs_fewer_tokens(source, trained):
    extended = extend_tokenizer(source, trained, ExtendSettings(40))
    assert length(extended, HELD_OUT) < length(source, HELD_OUT)


def test_every_byte_stays_spelled():
    tokenizer, trainer = unigram_of_bytes()
    tokenizer.train_from_iterator(TEXT, trainer)
    source = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>")
    counts = np.bincount(source("Hund")["input_ids"], minlength=len(source))
    trimmed = trim_tokenizer(source, counts, TrimSettings()).tokenizer
    text = "☃ 漢字 \x00 ÿ"
    for derived in (train_tokenizer(source, sample("de", 300), TokenizerSettings(600)), trimmed):
        assert back(derived, text) == text
        assert set(pre_tokenizers.ByteLevel.alphabet()) <= set(derived.get_vocab())


def test_single_words_are_not_looked_for_within_other_words():
    added = [{"content": "ab", "id": 0, "single_word": True}, {"content": "<x>", "id": 1}]
    pattern = literal_pattern({"added_tokens": added}, ["ab", "<x>"])
    assert pattern is not None
    assert pattern.split("▁cab▁ab▁abc<x>d") == ["▁cab▁", "▁abc", "d"]
