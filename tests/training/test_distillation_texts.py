"""Texts to match a teacher on."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from monoglot.training.distillation_texts import (
    LIST_WORDS,
    WordLists,
    cut_sentences,
    mixed_lengths,
    with_lists,
)
from tests.fixtures.tokenizers import sample


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("Er kam zu spät. Niemand war da! Warum?", ["Er kam zu spät.", "Niemand war da!"]),
        ("»Komm herein«, sagte er. Dann schwieg er.", ["»Komm herein«, sagte er.", "Dann schwieg er."]),
        ("वह घर गया था। फिर वह सो गया।", ["वह घर गया था।", "फिर वह सो गया।"]),
        ("昨日家に帰りました。それから寝ました。", ["昨日家に帰りました。", "それから寝ました。"]),
        ("3.14 ist rund", ["3.14 ist rund"]),
        ("kurz", ["kurz"]),
    ],
)  # fmt: skip
def test_lines_are_cut_behind_sentences(line, sentences):
    assert cut_sentences(line) == sentences


def test_a_share_of_the_lines_stays_whole():
    lines = ["Das ist der erste Satz. Das ist der zweite Satz."] * 1000
    texts = list(mixed_lengths(lines, 0.3, np.random.default_rng(0)))
    assert sum(text == lines[0] for text in texts) == pytest.approx(300, abs=60)
    assert list(mixed_lengths(lines, 1.0, np.random.default_rng(0))) == lines


@pytest.mark.parametrize("family", ["unigram", "wordpiece"])
def test_word_lists_show_every_token_that_repeated_words_have(family, source_tokenizers):
    tokenizer, lines = source_tokenizers[family], sample("de")
    lists = WordLists.of(lines, tokenizer)
    shown = {id for word in lists.words for id in tokenizer(word, add_special_tokens=False)["input_ids"]}
    words = [word.strip('.,;:!?"»«()') for line in lines for word in line.split()]
    repeated = {word for word, count in Counter(words).items() if count > 1 and word.isalpha()}
    wanted = {id for word in repeated for id in tokenizer(word, add_special_tokens=False)["input_ids"]}
    assert wanted <= shown
    assert len(lists.words) < len(set(words)) / 2
    assert lists == WordLists.of(lines, tokenizer)


def test_word_lists_repeat_all_words_in_another_order():
    lists = WordLists([f"w{number}" for number in range(40)])
    texts = list(islice(lists.texts(np.random.default_rng(0)), 6))
    assert max(len(text.split()) for text in texts) == LIST_WORDS
    rounds = [" ".join(texts[:3]).split(), " ".join(texts[3:]).split()]
    assert sorted(rounds[0]) == sorted(rounds[1]) == sorted(lists.words)
    assert rounds[0] != rounds[1]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_lists_make_up_their_share(share):
    lists = WordLists(["Wagen"] * 100).texts(np.random.default_rng(0))
    texts = list(with_lists(iter(["ein Satz von irgendeiner Länge"] * 2000), lists, share))
    characters = sum(map(len, texts))
    assert sum(len(text) for text in texts if "Wagen" in text) / characters == pytest.approx(share, abs=0.01)


def test_nothing_waits_for_lists_without_words():
    assert list(with_lists(iter(["eins", "zwei"]), WordLists([]).texts(np.random.default_rng(0)), 0.5)) == [
        "eins",
        "zwei",
    ]
