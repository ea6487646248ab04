from dataclasses import dataclass

import numpy as np
import pytest

from monoglot.errors import SettingError
from monoglot.initialization.methods.blend import Blend
from monoglot.initialization.methods.focus import Focus
from monoglot.initialization.methods.subword import Subword
from monoglot.initialization.registry import METHODS, get_method
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def dense(rows, columns):
    result = np.zeros((len(rows), columns))
    for i in range(len(rows)):
        np.add.at(result[i], *rows.row(i))
    return result


def test_both_methods_share_a_row_and_one_alone_fills_in(transfer):
    first, second = (dense(m.mix(transfer), transfer.source.size) for m in (Focus(), Subword()))
    blend = dense(Blend(second_share=0.25).mix(transfer), transfer.source.size)
    neither = ~first.any(axis=1)
    assert neither.sum() > 20
    assert (~neither).sum() > 20
    both = first.any(axis=1) & second.any(axis=1)
    np.testing.assert_allclose(blend[both], 0.75 * first[both] + 0.25 * second[both], atol=1e-6)
    np.testing.assert_allclose(blend[neither], second[neither], atol=1e-6)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_the_unit_interval_is_refused(share):
    with pytest.raises(SettingError, match="from 0 to 1"):
        Blend(second_share=share)


@pytest.mark.parametrize("name", ["blend", "focus-reference"])
def test_methods_that_do_not_fit_are_refused(name):
    with pytest.raises(SettingError, match="can't be part of a blend"):
        Blend(first=name)


def test_with_evidence_each_row_is_one_method_s(transfer):
    rows = Blend(evidence=50).mix(transfer)
    first, second = Focus().mix(transfer), Subword().mix(transfer)
    is_frequent = transfer.vectors.counts[transfer.overlap.missing] >= 50
    assert 20 < is_frequent.sum() < len(is_frequent) - 20
    blend, first, second = (dense(each, transfer.source.size) for each in (rows, first, second))
    either = first.any(axis=1) & second.any(axis=1)
    np.testing.assert_allclose(blend[is_frequent & either], first[is_frequent & either], atol=1e-6)
    np.testing.assert_allclose(blend[~is_frequent & either], second[~is_frequent & either], atol=1e-6)
    alone = ~second.any(axis=1)
    np.testing.assert_allclose(blend[alone], first[alone], atol=1e-6)


def test_both_methods_have_their_own_options(transfer, tmp_path):
    blend = Blend(first_options={"anchors": 3}, second_options={"weighting": "first"}, second_share=0.5)
    first, second = (
        dense(m.mix(transfer), transfer.source.size) for m in (Focus(anchors=3), Subword("first"))
    )
    both = first.any(axis=1) & second.any(axis=1)
    got = dense(blend.mix(transfer), transfer.source.size)
    np.testing.assert_allclose(got[both], (first + second)[both] / 2, atol=1e-6)
    with pytest.raises(SettingError, match="no option 'k'"):
        Blend(first_options={"k": 3})


def test_files_of_the_parts_are_its_own():
    blend = Blend(first="ofa", first_options={"word_vectors": "none.vec"})
    assert blend.files == {"ofa's word-vectors": "none.vec"}
    with pytest.raises(SettingError, match=r"no file 'none\.vec'"):
        blend.check()
    with pytest.raises(SettingError, match="option 'evidence' of Blend can't be -1: give 0 or more"):
        Blend(evidence=-1)


def test_a_method_that_adds_a_correction_is_no_part(monkeypatch):
    """Its correction would be lost."""

    @dataclass(frozen=True)
    class Corrects(Subword):
        def correction(self, transfer, rows, progress=None):
            return np.ones((len(rows), 16), np.float16)

    monkeypatch.setitem(METHODS._classes, "corrects-for-a-test", Corrects)
    with pytest.raises(SettingError, match="'corrects-for-a-test' can't be part of a blend"):
        get_method("blend", {"second": "corrects-for-a-test"})


def test_an_overlap_of_its_own_is_named():
    with pytest.raises(
        SettingError, match=r"'focus' can't be part of a blend: .* leave out its option overlap"
    ):
        get_method("blend", {"first_options": {"overlap": "fuzzy"}})
