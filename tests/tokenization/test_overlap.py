"""Overlap of vocabularies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from monoglot.errors import SettingError
from monoglot.tokenization.overlap import MatchKind, Overlap, match
from monoglot.tokenization.token import Family, Role
from monoglot.tokenization.vocabulary import Vocabulary

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
