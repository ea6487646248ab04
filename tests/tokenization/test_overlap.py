"""The partner of single tokens, under each strategy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer

from monoglot.errors import SettingError
from monoglot.tokenization.overlap import MatchKind, Overlap, collisions, is_symbolic, match
from monoglot.tokenization.parts import Family, Role
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


FAMILIES = [family.value for family in Family]
PAIRS = list(itertools.product(FAMILIES, FAMILIES))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("strategy", ["exact", "fuzzy"])
def test_a_vocabulary_matches_itself(source_vocabularies, family, strategy):
    vocabulary = source_vocabularies[family]
    overlap = match(vocabulary, vocabulary, strategy=strategy)
    assert overlap.source_ids.tolist() == overlap.target_ids.tolist() == vocabulary.ids.tolist()
    assert overlap.missing.size == 0


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_target_id_is_in_one_list(source_vocabularies, target_vocabularies, source, target):
    target = target_vocabularies[target]
    overlap = match(source_vocabularies[source], target)
    assert len(overlap) > 50
    assert (np.diff(overlap.target_ids) > 0).all()
    assert (np.diff(overlap.missing) > 0).all()
    assert np.sort(np.concatenate([overlap.target_ids, overlap.missing])).tolist() == target.ids.tolist()
    assert overlap.source_ids.dtype == overlap.target_ids.dtype == overlap.missing.dtype == np.int64
    assert overlap.kinds.dtype == np.uint8


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_pairs_are_the_same_text_or_serve_the_same_end(
    source_vocabularies, target_vocabularies, source, target
):
    source, target = source_vocabularies[source], target_vocabularies[target]
    overlap = match(source, target)
    assert len(overlap.source_of) > 20
    for target_id, source_id in overlap.source_of.items():
        old, new = source.by_id[source_id], target.by_id[target_id]
        assert bool(old.roles) == bool(new.roles)
        if not new.roles:
            assert old.form == new.form
            assert None in (old.word_start, new.word_start) or old.word_start == new.word_start


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_roles_meet_whatever_their_spelling(source_vocabularies, target_vocabularies, source, target):
    source, target = source_vocabularies[source], target_vocabularies[target]
    overlap = match(source, target)
    for role in set(source.by_role) & set(target.by_role):
        if len(target.by_role[role].roles) == 1:
            assert overlap.source_of[target.by_role[role].id] == source.by_role[role].id
    assert set(overlap.source_of) >= {
        target.by_role[role].id for role in target.by_role if role in (Role.CLS, Role.EOS)
    }


def test_the_reference_needs_vocabularies_of_its_own(source_vocabularies):
    exact = source_vocabularies["unigram"]
    with pytest.raises(SettingError, match="'reference' needs vocabularies"):
        match(exact, exact, strategy="reference")


def test_the_reference_vocabulary_fits_no_other_strategy(source_tokenizers):
    reference = Vocabulary.of(source_tokenizers["unigram"], canonicalization="reference")
    with pytest.raises(SettingError, match="'exact' needs vocabularies"):
        match(reference, reference)


def test_nothing_in_common(source_vocabularies):
    target = source_vocabularies["unigram"]
    empty = Vocabulary(Family.UNIGRAM, ())
    overlap = match(empty, target)
    assert len(overlap) == 0
    assert overlap.missing.tolist() == target.ids.tolist()
    assert len(match(target, empty).missing) == 0


def test_save_and_load(source_vocabularies, target_vocabularies, tmp_path):
    overlap = match(source_vocabularies["unigram"], target_vocabularies["wordpiece"])
    overlap.save(tmp_path / "overlap.safetensors")
    loaded = Overlap.load(tmp_path / "overlap.safetensors")
    for name in ("source_ids", "target_ids", "kinds", "missing"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(overlap, name))
    assert loaded.count(MatchKind.ROLE) == overlap.count(MatchKind.ROLE) == 5


def test_a_broken_file_is_refused(tmp_path):
    (tmp_path / "overlap.safetensors").write_bytes(b"not an overlap")
    with pytest.raises(SettingError, match="can't be read as an overlap"):
        Overlap.load(tmp_path / "overlap.safetensors")
