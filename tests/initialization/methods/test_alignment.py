import numpy as np
import pytest

from monoglot.errors import SettingError
from monoglot.initialization.methods import alignment as module
from monoglot.initialization.methods.alignment import Alignment
from tests.fixtures.methods import dictionary
from tests.fixtures.tokenizers import sample
from tests.fixtures.transfers import make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


@pytest.fixture
def text(tmp_path):
    """A text and its translation, which is the same text."""
    lines = [line for line in sample("de") if line.strip() and "\t" not in line][:60]
    return dictionary(tmp_path / "text.tsv", list(zip(lines, lines, strict=True)))


def test_a_word_is_aligned_with_its_own_pieces(transfer, text):
    rows = Alignment(text, minimum_count=2).mix(transfer)
    answered = np.flatnonzero(rows.lengths)
    assert len(answered) > 15
    shares = []
    for place in answered:
        columns, weights = rows.row(place)
        assert weights.sum() == pytest.approx(1, abs=1e-5)
        shares.append(weights[np.isin(columns, transfer.pieces.of(place))].sum())
    assert np.mean(shares) > 0.5


def test_rare_pairs_and_long_lines_are_dropped(transfer, text, monkeypatch):
    few, many = (Alignment(text, minimum_count=n).mix(transfer) for n in (5, 1))
    assert 0 < (few.lengths > 0).sum() < (many.lengths > 0).sum()
    monkeypatch.setattr(module, "LONGEST_TOKENS", 0)
    assert not Alignment(text, minimum_count=1).mix(transfer).lengths.any()


def test_an_untrained_source_token_is_no_parent(source_tokenizers, target_tokenizers, text):
    trained = np.random.default_rng(0).random(len(source_tokenizers["unigram"])) < 0.5
    transfer = make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"], trained=trained)
    rows = Alignment(text, minimum_count=1).mix(transfer)
    assert len(rows.indices) > 50
    assert trained[rows.indices].all()


def test_what_it_needs(tmp_path):
    with pytest.raises(SettingError, match=r"no file 'none\.tsv'"):
        Alignment("none.tsv").check()
    (tmp_path / "a.tsv").write_text("only one side\n")
    with pytest.raises(SettingError, match=r"line 1 of .*a\.tsv"):
        Alignment(str(tmp_path / "a.tsv")).check()
    with pytest.raises(SettingError, match="option 'minimum_count' of Alignment can't be 0: give 1 or more"):
        Alignment("none.tsv", minimum_count=0)
