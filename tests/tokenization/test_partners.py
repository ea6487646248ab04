"""The partner of single tokens, under each strategy."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer

from monoglot.tokenization.overlap import MatchKind, match
from monoglot.tokenization.partners import collisions, is_symbolic
from monoglot.tokenization.vocabulary import Vocabulary
from tests.fixtures.handmade import byte_level_of, sentencepiece_bpe_of, unigram_of, with_added, wordpiece_of

SPELLED = {
    "unigram": unigram_of("ü", "▁für", "en", "日", ".", "▁"),
    "sentencepiece-bpe": sentencepiece_bpe_of("ü", "▁für", "en", "日", ".", "▁"),
    "byte-level-bpe": byte_level_of("Ã¼", "ĠfÃ¼r", "en", "æĹ¥", ".", "Ġ"),
    "wordpiece": wordpiece_of("##ü", "für", "##en", "日", ".", "##."),
}


def partners(
    source: Tokenizer, target: Tokenizer, strategy: str = "exact"
) -> dict[str, tuple[str, MatchKind]]:
    """Source token by target token, as texts, special tokens left out."""
    how = "reference" if strategy == "reference" else "exact"
    old, new = (Vocabulary.of(tokenizer, canonicalization=how) for tokenizer in (source, target))
    overlap = match(old, new, strategy=strategy)
    pairs = zip(overlap.target_ids, overlap.source_ids, overlap.kinds, strict=True)
    found = {new.by_id[t]: (old.by_id[s].text, MatchKind(kind)) for t, s, kind in pairs}
    return {token.text: partner for token, partner in found.items() if not token.roles}


@pytest.mark.parametrize("source", SPELLED)
@pytest.mark.parametrize("target", SPELLED)
def test_the_same_token_meets_across_families(source, target):
    found = partners(SPELLED[source], SPELLED[target])
    old, new = (
        [token.text for token in Vocabulary.of(SPELLED[family]).tokens if not token.roles]
        for family in (source, target)
    )
    columns = [n for n, text in enumerate(new) if text not in ("▁", "Ġ", "##.")]  # WordPiece has no spaces
    assert len(columns) == 5
    assert [found[new[n]] for n in columns] == [(old[n], MatchKind.EXACT) for n in columns]


def test_whitespace_is_kept_apart():
    source = byte_level_of("Ġ", "ĠĠ", "ĠĠĠĠ", "Ċ", "ĊĊ", "ĉ", "Âł", "č")
    target = unigram_of("▁", "▁▁", "▁▁▁▁", "▁▁▁", "\n", "\n\n", "\t", "\u00a0")
    found = {text: partner for text, (partner, _) in partners(source, target).items()}
    assert found == {
        "▁": "Ġ", "▁▁": "ĠĠ", "▁▁▁▁": "ĠĠĠĠ", "\n": "Ċ", "\n\n": "ĊĊ", "\t": "ĉ", "\u00a0": "Âł"
    }  # fmt: skip


def test_parts_of_characters_never_meet_the_replacement_character():
    source = byte_level_of("ï¿½", "Ã", "¼")  # U+FFFD, and both bytes of "ü"
    assert partners(source, unigram_of("\ufffd"))["\ufffd"][0] == "ï¿½"
    found = partners(unigram_of("\ufffd", "ü"), source)
    assert found == {"ï¿½": ("\ufffd", MatchKind.EXACT)}


def test_bytes_meet_bytes():
    sentencepiece = sentencepiece_bpe_of("<0x0A>", "<0xC3>", "<0x20>", "▁")
    byte_level = byte_level_of("Ċ", "Ã", "ĠÃ", "Ġ", "a")
    assert partners(sentencepiece, byte_level) == {
        "Ċ": ("<0x0A>", MatchKind.BYTE), "Ã": ("<0xC3>", MatchKind.BYTE), "Ġ": ("▁", MatchKind.EXACT)
    }  # fmt: skip
    assert partners(byte_level, sentencepiece) == {
        "<0x0A>": ("Ċ", MatchKind.BYTE), "<0xC3>": ("Ã", MatchKind.BYTE),
        "<0x20>": ("Ġ", MatchKind.BYTE), "▁": ("Ġ", MatchKind.EXACT),
    }  # fmt: skip


def test_a_character_is_preferred_to_its_byte_token():
    sentencepiece = sentencepiece_bpe_of("<0x41>", "A")
    assert partners(sentencepiece, byte_level_of("A")) == {"A": ("A", MatchKind.EXACT)}
    assert partners(sentencepiece, sentencepiece)["<0x41>"] == ("<0x41>", MatchKind.EXACT)


def test_a_token_that_tells_no_word_start_meets_either():
    unigram, wordpiece = unigram_of("▁.", ".", "▁("), wordpiece_of(".", "(")
    assert partners(wordpiece, unigram) == {
        "▁.": (".", MatchKind.EXACT), ".": (".", MatchKind.EXACT), "▁(": ("(", MatchKind.EXACT)
    }  # fmt: skip
    assert partners(unigram, wordpiece) == {".": (".", MatchKind.EXACT), "(": ("▁(", MatchKind.EXACT)}


def test_a_never_produced_continuation_is_a_partner_only_of_its_like():
    source = wordpiece_of("##.")
    assert partners(source, unigram_of(".")) == {}
    assert partners(source, byte_level_of("##.")) == {}
    assert partners(source, wordpiece_of(".", "##.")) == {"##.": ("##.", MatchKind.EXACT)}
    assert partners(unigram_of("."), wordpiece_of("##.")) == {"##.": (".", MatchKind.EXACT)}


def test_word_starts_count():
    assert partners(unigram_of("▁Haus"), unigram_of("Haus")) == {}
    assert partners(unigram_of("▁Haus"), unigram_of("Haus"), "fuzzy") == {"Haus": ("▁Haus", MatchKind.FUZZY)}


def test_case_counts_unless_fuzzy():
    source = unigram_of("haus", "▁haus", "HAUS")
    assert partners(source, unigram_of("▁Haus", "Baum")) == {}
    assert partners(source, unigram_of("▁Haus", "Baum"), "fuzzy") == {"▁Haus": ("▁haus", MatchKind.FUZZY)}


def test_symbols_only():
    tokens = unigram_of("▁.", "▁12", "½", "€", "▁Haus", "H2O", "▁")
    assert set(partners(tokens, tokens, "symbols")) == {"▁.", "▁12", "½", "€", "▁"}


def test_special_tokens_never_meet_text():
    special = unigram_of("a")
    special.add_special_tokens([AddedToken("<s>", special=True)])
    assert partners(special, with_added(byte_level_of("b"), "<s>")) == {}


def test_control_tokens_meet_by_spelling():
    source, target = unigram_of("a"), wordpiece_of("b")
    source.add_special_tokens(["<x>", "<y>"])
    target.add_special_tokens(["<y>", "<z>"])
    old, new = Vocabulary.of(source), Vocabulary.of(target)
    pairs = match(old, new).source_of
    assert pairs[new.by_text["<y>"].id] == old.by_text["<y>"].id
    assert new.by_text["<z>"].id not in pairs


def test_an_added_token_counts_before_the_models_own():
    source = with_added(byte_level_of("ĠĠ"), "  ")
    assert partners(source, unigram_of("▁▁")) == {"▁▁": ("  ", MatchKind.EXACT)}
    assert [[token.text for token in group] for group in collisions(Vocabulary.of(source))] == [["ĠĠ", "  "]]


def test_in_the_reference_the_highest_id_counts():
    source = byte_level_of("Ã", "¼", "Ġ", "ĠĠ")
    assert partners(source, source, "reference") == dict.fromkeys(("Ã", "¼"), ("¼", MatchKind.EXACT)) | (
        dict.fromkeys(("Ġ", "ĠĠ"), ("ĠĠ", MatchKind.EXACT))
    )
    assert len(collisions(Vocabulary.of(source, canonicalization="reference"))) == 2
    assert not collisions(Vocabulary.of(source))


@pytest.mark.parametrize("text", ["1", "½", "...", " \n", "€", "१", "→"])
def test_symbolic(text):
    assert is_symbolic(text.encode())


@pytest.mark.parametrize("form", [b"a", "日".encode(), b"a.", b"\xc3", "\u0300".encode()])
def test_not_symbolic(form):
    assert not is_symbolic(form)
