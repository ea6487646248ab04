"""Source pieces of target tokens."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tokenizers import Tokenizer

from monoglot.tokenization.parts import Family
from monoglot.tokenization.pieces import source_pieces
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.handmade import byte_level_of, sentencepiece_bpe_of, unigram_of, with_added, wordpiece_of

FAMILIES = [family.value for family in Family]
PAIRS = list(itertools.product(FAMILIES, FAMILIES))


def pieces(source: Tokenizer, target: Tokenizer) -> dict[str, list[str]]:
    """Source pieces by target token, as texts."""
    vocabulary = Vocabulary.of(target)
    found = source_pieces(source, vocabulary, vocabulary.ids)
    texts = (token.text for token in vocabulary.tokens)
    return {text: [source.id_to_token(id) for id in found.of(place)] for place, text in enumerate(texts)}


def test_a_word_start_takes_the_space_along_and_the_inside_of_a_word_does_not():
    source = unigram_of("▁", "▁Kran", "Kran", "ken", "▁ken")
    assert pieces(source, unigram_of("▁Kranken", "Kranken", "ken")) == {
        "<unk>": [], "▁Kranken": ["▁Kran", "ken"], "Kranken": ["Kran", "ken"], "ken": ["ken"]
    }  # fmt: skip


def test_a_bare_space_is_left_out_if_more_remains():
    source = unigram_of("▁", "日", "本")
    found = pieces(source, unigram_of("▁日本", "▁"))
    assert found["▁日本"] == ["日", "本"]
    assert found["▁"] == ["▁"]


def test_a_tokenizer_that_puts_a_space_before_each_text():
    source = sentencepiece_bpe_of("▁", "a", "b")
    assert pieces(source, unigram_of("ab", "▁ab", "▁▁")) == {
        "<unk>": [], "ab": ["a", "b"], "▁ab": ["a", "b"], "▁▁": ["▁"]
    }  # fmt: skip


def test_byte_level_with_and_without_space():
    source = byte_level_of("Ġ", "f", "Ã", "¼", "r")
    found = pieces(source, unigram_of("▁für", "für"))
    assert found["▁für"] == found["für"] == ["f", "Ã", "¼", "r"]


def test_wordpiece_continues_the_word():
    source = wordpiece_of("Kran", "##ken", "ken", "##Kran", ".", "und", "##und", "日", "##日")
    found = pieces(source, unigram_of("▁Kranken", "Kranken", "ken.und", ".", "日", "ken日"))
    assert found == {
        "<unk>": [], "▁Kranken": ["Kran", "##ken"], "Kranken": ["##Kran", "##ken"],
        "ken.und": ["##ken", ".", "und"], ".": ["."], "日": ["日"], "ken日": ["##ken", "日"],
    }  # fmt: skip


def test_unknown_pieces_are_left_out():
    assert pieces(unigram_of("a"), unigram_of("aü"))["aü"] == ["a"]
    assert pieces(wordpiece_of("##a"), unigram_of("ü"))["ü"] == []


def test_a_letter_that_never_continues_a_word_is_taken_as_a_word():
    assert pieces(wordpiece_of("J"), unigram_of("J"))["J"] == ["J"]


def test_parts_of_characters_become_bytes_if_the_source_has_them():
    target = byte_level_of("Ã", "æĹ", "Ã¼")
    assert pieces(sentencepiece_bpe_of("<0xC3>", "<0xE6>", "<0x97>", "<0xBC>"), target) == {
        "Ã": ["<0xC3>"], "æĹ": ["<0xE6>", "<0x97>"], "Ã¼": ["<0xC3>", "<0xBC>"]
    }  # fmt: skip
    assert pieces(byte_level_of("Ã", "æ", "Ĺ"), target)["æĹ"] == ["æ", "Ĺ"]
    assert pieces(unigram_of("ü"), target) == {"Ã": [], "æĹ": [], "Ã¼": ["ü"]}


def test_added_tokens_are_pieces_under_their_own_id():
    source = with_added(unigram_of("a", "b"), "<table>")
    source.add_special_tokens(["<x>"])
    source = with_added(source, "\n")
    assert pieces(source, byte_level_of("a<table>b"))["a<table>b"] == ["a", "<table>", "b"]
    assert pieces(source, byte_level_of("aĊ"))["aĊ"] == ["a", "\n"]


def test_special_target_tokens_have_no_pieces():
    target = unigram_of("a")
    target.add_special_tokens(["a a"])
    assert pieces(unigram_of("a"), target)["a a"] == []


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_pieces_spell_the_token(source_tokenizers, source_vocabularies, target_vocabularies, source, target):
    old, new = source_vocabularies[source], target_vocabularies[target]
    found = source_pieces(source_tokenizers[source], new, new.ids)
    assert found.indptr[0] == 0
    assert found.indptr[-1] == len(found.ids)
    known = set(old.ids.tolist())
    assert known >= set(found.ids.tolist())
    letters = [place for place, token in enumerate(new.tokens) if token.form.isalpha() and not token.roles]
    assert len(letters) > 400
    for place in letters:
        spelled = b"".join(old.by_id[id].form for id in found.of(place))
        assert spelled == new.tokens[place].form


def test_no_tokens_no_pieces(source_tokenizers, source_vocabularies):
    found = source_pieces(
        source_tokenizers["unigram"], source_vocabularies["unigram"], np.array([], dtype=np.int64)
    )
    assert len(found) == 0
    assert found.ids.size == 0
