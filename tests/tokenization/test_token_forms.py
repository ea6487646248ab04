"""The script of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from monoglot.tokenization.vocabulary import Token, Vocabulary
from tests.fixtures.handmade import byte_level_of, sentencepiece_bpe_of, unigram_of, with_added, wordpiece_of

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="▁", exclude_categories=["Cs"]), max_size=40)


def described(tokenizer: Tokenizer) -> dict[str, tuple[bytes, bool | None]]:
    return {token.text: (token.form, token.word_start) for token in Vocabulary.of(tokenizer).tokens}


def surface(token: Token) -> bytes:
    return b" " * bool(token.word_start) + token.form


def test_unigram():
    tokens = described(unigram_of("▁für", "für", "ü", ".", "▁.", "日", "▁", "▁▁▁", "\n\n"))
    assert tokens["▁für"] == ("für".encode(), True)
    assert tokens["für"] == ("für".encode(), False)
    assert tokens["ü"] == (b"\xc3\xbc", False)
    assert tokens["."] == (b".", False)
    assert tokens["▁."] == (b".", True)
    assert tokens["日"] == ("日".encode(), False)
    assert tokens["▁"] == (b" ", None)
    assert tokens["▁▁▁"] == (b"   ", None)
    assert tokens["\n\n"] == (b"\n\n", None)


def test_byte_level():
    tokens = described(byte_level_of("ĠfÃ¼r", "Ã¼", "Ã", "ĠÃ", "Ġ", "ĠĠ", "Ċ", "ĊĊ", "ĉ", "Âł", "ĠĊ", "ĠĠif"))
    assert tokens["ĠfÃ¼r"] == ("für".encode(), True)
    assert tokens["Ã¼"] == ("ü".encode(), False)
    assert tokens["Ã"] == (b"\xc3", False)
    assert tokens["ĠÃ"] == (b"\xc3", True)
    whitespace = {text: form for text, (form, start) in tokens.items() if start is None}
    assert whitespace == {
        "Ġ": b" ", "ĠĠ": b"  ", "Ċ": b"\n", "ĊĊ": b"\n\n", "ĉ": b"\t", "Âł": b"\xc2\xa0", "ĠĊ": b" \n"
    }  # fmt: skip
    assert tokens["ĠĠif"] == (b" if", True)


def test_a_byte_level_token_outside_the_alphabet_is_its_own_text():
    assert described(byte_level_of("日本"))["日本"] == ("日本".encode(), False)


def test_byte_fallback_tokens():
    vocabulary = Vocabulary.of(sentencepiece_bpe_of("<0x0A>", "<0xC3>", "A", "▁A"))
    assert {t.text: t.form for t in vocabulary.tokens if t.is_byte} == {"<0x0A>": b"\n", "<0xC3>": b"\xc3"}
    assert all(token.word_start is None for token in vocabulary.byte_tokens.values())


def test_without_byte_fallback_a_byte_token_is_text():
    assert described(unigram_of("<0x0A>"))["<0x0A>"] == (b"<0x0A>", False)


def test_wordpiece():
    tokens = described(wordpiece_of("für", "##en", ".", "##.", "日", "##日", "日本", "3", "##", "ü"))
    assert tokens["für"] == ("für".encode(), True)
    assert tokens["##en"] == (b"en", False)
    assert tokens["."] == (b".", None)
    assert tokens["日"] == ("日".encode(), None)
    assert tokens["3"] == (b"3", True)
    assert tokens["ü"] == ("ü".encode(), True)


def test_wordpiece_continuations_that_are_never_produced():
    tokens = Vocabulary.of(wordpiece_of(".", "##.", "日", "##日", "##en", "##3")).tokens
    assert {token.text: token.form for token in tokens if token.unreachable} == {
        "##.": b".",
        "##日": "日".encode(),
    }


def test_wordpiece_isolation_is_asked_of_the_tokenizer():
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, ".": 1, "...": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert described(tokenizer)["."] == (b".", True)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    assert described(tokenizer)["..."] == (b"...", None)


def test_added_tokens_are_literal_and_tell_no_word_start():
    tokens = described(with_added(byte_level_of("a"), "  ", "<table>", "für"))
    assert tokens["  "] == (b"  ", None)
    assert tokens["<table>"] == (b"<table>", None)
    assert tokens["für"] == ("für".encode(), None)


def test_added_metaspaces_are_spaces():
    tokens = described(with_added(sentencepiece_bpe_of("▁"), "▁▁", "▁Haus"))
    assert tokens["▁▁"] == (b"  ", None)
    assert tokens["▁Haus"] == (b"Haus", True)


@settings(deadline=None, max_examples=150)
@given(TEXTS)
@pytest.mark.parametrize("family", ["byte-level-bpe", "sentencepiece-bpe"])
def test_the_tokens_of_a_text_have_its_bytes(source_vocabularies, source_tokenizers, family, text):
    tokens = source_vocabularies[family].by_id
    ids = source_tokenizers[family](text, add_special_tokens=False)["input_ids"]
    assert b"".join(surface(tokens[id]) for id in ids) == text.encode()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["Über", "für", "Haus", "die", "Kinder", "x-y", "3,5", "日本"]), min_size=1))
@pytest.mark.parametrize("family", ["unigram", "wordpiece"])
def test_word_starts_show_where_words_begin(source_vocabularies, source_tokenizers, family, words):
    tokens = source_vocabularies[family].by_id
    ids = source_tokenizers[family](" ".join(words), add_special_tokens=False)["input_ids"]
    text = b"".join(surface(tokens[id]) for id in ids)
    assert text.replace(b" ", b"") == "".join(words).encode()
    starts = [tokens[id].form for id in ids if tokens[id].word_start]
    assert len(starts) <= sum(len(word.split("-")) + word.count(",") + word.count("日") for word in words)
