"""A tokenizer that knows a language is told from one that does not, and two languages from one."""

import gzip
import random
from itertools import islice

import pytest

from monoglot.demo import heldout_path, model_path, sample_path
from monoglot.model.tokenizer_folder import load_tokenizer
from monoglot.tokenization.known_language import letters_per_token, shared_tokens


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(model_path())


def lines_of(path):
    with open_text(path) as lines:
        return [line.rstrip("\n") for line in islice(lines, 600)]


def open_text(path):
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


@pytest.fixture(scope="module")
def texts():
    return {language: lines_of(sample_path(language)) for language in ("de", "sw")}


def unknown_words(n_words):
    """Words of no language: letters in any order."""
    order = random.Random(0)
    return ["".join(order.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(n_words)]


@pytest.mark.parametrize("language", ["de", "sw"])
def test_languages_of_the_model_are_known(tokenizer, texts, language):
    found = letters_per_token(tokenizer, texts[language])
    assert found.script == "Latin"
    assert found.is_known


def test_words_of_no_language_are_not_known(tokenizer):
    found = letters_per_token(tokenizer, [" ".join(unknown_words(2_000))])
    assert not found.is_known


def test_letters_are_those_of_known_tokens(tokenizer):
    line = "Alle Menschen sind frei und gleich an Würde und Rechten geboren. " * 50
    found = letters_per_token(tokenizer, [line])
    n_tokens = len(tokenizer(line, add_special_tokens=False)["input_ids"])
    assert found.letters == pytest.approx(sum(map(str.isalpha, line)) / n_tokens)


@pytest.mark.parametrize("lines", [[], ["1234 " * 2_000], ["Alle Menschen"], ["すべての人間は " * 500]])
def test_nothing_is_said_of_little_text_or_of_scripts_without_alphabet(tokenizer, lines):
    assert letters_per_token(tokenizer, lines) is None


@pytest.mark.parametrize("language", ["de", "sw"])
def test_more_text_of_a_language_is_of_that_language(tokenizer, texts, language):
    other = "sw" if language == "de" else "de"
    assert shared_tokens(tokenizer, texts[language], lines_of(heldout_path(language))).is_same_language
    assert not shared_tokens(tokenizer, texts[language], lines_of(heldout_path(other))).is_same_language


def test_little_text_is_not_compared(tokenizer, texts):
    assert shared_tokens(tokenizer, texts["de"], ["Alle Menschen"]) is None
