"""What tokens need: their ancestors, and characters that spell the same."""

from __future__ import annotations

import pytest

from monoglot.tokenization.merges import ancestry, characters_of, least_token, ranks_of, segment
from monoglot.tokenization.parts import Family
from monoglot.tokenization.tokenizer_json import ids_of, merges_of, scores_of, state_of
from tests.fixtures.tokenizers import sample

BPE = ["byte-level-bpe", "sentencepiece-bpe"]


def test_the_lowest_rank_goes_first_and_the_leftmost_of_equals():
    ranks = ranks_of([("b", "c"), ("a", "a"), ("a", "bc")])
    assert segment("aaabc", ranks) == (["aa", "abc"], ["a", "a", "a", "b", "c", "bc", "aa", "abc"])


@pytest.mark.parametrize("family", BPE)
def test_segments_as_the_library_does(family, source_tokenizers):
    source = source_tokenizers[family]
    ranks = ranks_of(merges_of(state_of(source)))
    pipeline = source.backend_tokenizer
    known, compared = source.get_vocab(), 0
    for line in sample("de", 60) + sample("hi", 20):
        text = pipeline.normalizer.normalize_str(line) if pipeline.normalizer else line
        words = [word for word, _ in pipeline.pre_tokenizer.pre_tokenize_str(text)]
        ours = [token for word in words for token in segment(word, ranks)[0]]
        if all(token in known for token in ours):
            compared += 1
            assert ours == source.tokenize(line)
    assert compared > 5


@pytest.mark.parametrize("family", BPE)
def test_a_token_can_be_made_of_its_ancestors_alone(family, source_tokenizers):
    state = state_of(source_tokenizers[family])
    needs = ancestry(state)
    merges = merges_of(state)
    for text in list(ids_of(state))[-200:]:
        kept = {*needs(text), text}
        ranks = ranks_of([m for m in merges if kept.issuperset(m) and "".join(m) in kept])
        assert segment(text, ranks)[0] == [text]
        assert set(text) <= kept


def test_characters_spell_the_same(source_tokenizers):
    wordpiece = state_of(source_tokenizers["wordpiece"])
    assert characters_of(wordpiece, Family.WORDPIECE, ["haus", "##tür"], ids_of(wordpiece)) == sorted(
        ["h", "##a", "##u", "##s", "##t", "##ü", "##r"]
    )
    unigram = state_of(source_tokenizers["unigram"])
    assert characters_of(unigram, Family.UNIGRAM, ["▁ha", "☃"], ids_of(unigram)) == ["a", "h", "▁"]
    byte_level = state_of(source_tokenizers["byte-level-bpe"])
    assert len(characters_of(byte_level, Family.BYTE_LEVEL_BPE, [], ids_of(byte_level))) == 256


def test_the_least_token_has_the_lowest_score(source_tokenizers):
    state = state_of(source_tokenizers["unigram"])
    (least,) = least_token(state)
    assert scores_of(state)[least] == min(scores_of(state).values())
    assert least_token(state_of(source_tokenizers["wordpiece"])) == []
