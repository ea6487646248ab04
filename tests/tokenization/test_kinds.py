"""Counts of words."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer

from monoglot.tokenization.kinds import RULES, Evidence, Kind, TextCounts, count_inner_words, kinds_of
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.handmade import byte_level_of, unigram_of


def test_the_first_words_of_sentences_are_not_counted():
    counts = count_inner_words(["Das Haus, das Haus. Dort steht; ja Hans 3 mal", "Ein Haus: Eines"])
    assert counts == {"Haus": 2, "das": 1, "steht": 1, "ja": 1, "Hans": 1, } | {"Haus": 3}  # fmt: skip


def test_totals_and_caseless_counts():
    text = TextCounts(np.array([2, 0, 3]), {"Not": 1, "not": 4})
    assert (text.all_tokens, text.all_words) == (5, 5)
    assert text.caseless_words == {"not": 5}


FILLER = {"▁xxx": 1_000_000}
"""A frequent token, so that others are rare in comparison."""


def counted(vocabulary: Vocabulary, tokens: dict[str, int], words: dict[str, int]) -> TextCounts:
    counts = np.zeros(vocabulary.size, dtype=np.int64)
    for text, count in tokens.items():
        counts[vocabulary.by_text[text].id] = count
    return TextCounts(counts, words | {"xxx": 1_000_000})


def kind(
    token: str,
    here: tuple[int, dict[str, int]],
    there: tuple[int, dict[str, int]] | None = (0, {}),
) -> Kind:
    """Kind of one Unigram token, by its count and the words, in the corpus and in English."""
    vocabulary = Vocabulary.of(unigram_of("▁xxx", token))
    corpus, english = (
        None if text is None else counted(vocabulary, FILLER | {token: text[0]}, text[1])
        for text in (here, there)
    )
    assert corpus is not None
    return dict(zip(vocabulary.by_text, kinds_of(vocabulary, Evidence(corpus, english)), strict=True))[token]


def kind_of_text(tokenizer: Tokenizer, text: str) -> Kind:
    vocabulary = Vocabulary.of(tokenizer)
    evidence = Evidence(counted(vocabulary, {}, {}))
    return kinds_of(vocabulary, evidence)[vocabulary.by_text[text].id]


def test_every_kind_has_its_rule():
    assert set(RULES) == set(Kind)


def test_special_tokens_and_parts_of_characters():
    assert kind_of_text(unigram_of("a"), "<unk>") is Kind.SPECIAL
    assert kind_of_text(byte_level_of("Ã"), "Ã") is Kind.SPECIAL


@pytest.mark.parametrize("token", ["▁12", ".", "😃", "▁", "€"])
def test_symbols(token):
    assert kind(token, (10, {})) is Kind.SYMBOLS


def test_another_script_is_foreign_and_a_main_one_is_not():
    assert kind("▁дом", (10, {})) is Kind.FOREIGN
    assert kind("▁дом", (900_000, {"дом": 900_000})) is Kind.TARGET


def test_single_letters_are_unclear_unless_they_are_syllables():
    assert kind("q", (1_000, {}), (0, {})) is Kind.UNCLEAR
    assert kind("家", (900_000, {}), (0, {})) is Kind.TARGET


def test_words_are_compared_with_english():
    assert kind("▁aber", (500, {"aber": 500})) is Kind.TARGET
    assert kind("▁but", (2, {"but": 2}), (500, {"but": 500})) is Kind.FOREIGN
    assert kind("▁in", (500, {"in": 500}), (400, {"in": 400})) is Kind.UNCLEAR
    assert kind("▁selten", (1, {"selten": 1})) is Kind.UNCLEAR


def test_what_the_corpus_often_has_is_not_foreign():
    assert kind("▁was", (500, {"was": 500}), (5_000, {"was": 5_000})) is Kind.UNCLEAR


def test_short_fragments_are_never_foreign():
    assert kind("ing", (10, {}), (500, {})) is Kind.UNCLEAR
    assert kind("tion", (10, {}), (500, {})) is Kind.FOREIGN
    assert kind("ung", (500, {})) is Kind.TARGET


def test_names_are_what_english_capitalises():
    english = (50, {"Berlin": 50, "Press": 5, "press": 20})
    assert kind("▁Berlin", (90, {"Berlin": 90}), english) is Kind.NAMES
    assert kind("▁Press", (0, {}), english) is not Kind.NAMES
    assert kind("▁berlin", (0, {}), english) is not Kind.NAMES


def test_a_noun_that_english_hardly_has_is_no_name():
    nouns = {"Kaiser": 90_000, "Nomen": 1_000_000}
    assert kind("▁Kaiser", (90_000, nouns), (5, {"Kaiser": 5})) is Kind.TARGET


def test_capitals_tell_names_where_nouns_have_none():
    assert kind("▁Nairobi", (90, {"Nairobi": 90}), None) is Kind.NAMES
    nouns = {"Haus": 90, "Nomen": 1_000_000}
    assert kind("▁Haus", (90, nouns), None) is Kind.TARGET


def test_without_english_what_the_corpus_has_is_of_its_language():
    assert kind("▁but", (50, {"but": 50}), None) is Kind.TARGET
    assert kind("▁but", (1, {"but": 1}), None) is Kind.UNCLEAR
