from dataclasses import dataclass, replace

import numpy as np
import pytest

from monoglot.errors import SettingError, VectorsError
from monoglot.initialization.initialize import MEMBERS, Initializer, initialize, script_mean
from monoglot.initialization.methods.focus import Focus
from monoglot.initialization.methods.subword import Subword
from monoglot.initialization.registry import get_method
from monoglot.maths.mixture import Provenance
from monoglot.maths.sparse import SparseRows
from monoglot.tokenization.scripts import script_of
from tests.fixtures.transfers import made_up_vectors, make_transfer


@pytest.fixture
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def test_tokens_without_a_vector_fall_back_to_their_pieces(transfer):
    mixture = initialize(transfer, Focus())
    text = [i for i in transfer.overlap.missing if not transfer.target.by_id[i].roles]
    without = [i for i in text if not transfer.vectors.usable[i]]
    assert len(without) > 20
    assert set(mixture.provenance[without]) <= {Provenance.SUBWORD, Provenance.SCRIPT, Provenance.NOISE}
    assert (mixture.provenance[without] == Provenance.SUBWORD).mean() > 0.9
    alone = initialize(transfer, Subword())
    for i in without[:20]:
        assert mixture.explain(i) == alone.explain(i)


def test_special_tokens_without_counterpart_are_noise(source_tokenizers, target_tokenizers):
    transfer = make_transfer(source_tokenizers["byte-level-bpe"], target_tokenizers["wordpiece"])
    mixture = initialize(transfer, Subword())
    mask = next(t.id for t in transfer.target.tokens if t.text == "[MASK]")
    assert mixture.provenance[mask] == Provenance.NOISE


def test_vectors_of_another_size_are_refused(transfer):
    with pytest.raises(VectorsError, match=r"got 7 auxiliary vectors for a vocabulary of 1,000"):
        replace(transfer, vectors=made_up_vectors(7))


def test_a_method_that_needs_vectors_says_so(transfer):
    with pytest.raises(SettingError, match="needs auxiliary vectors"):
        initialize(replace(transfer, vectors=None), Focus())


@dataclass(frozen=True)
class Faulty(Initializer):
    rows: SparseRows

    def mix(self, transfer, progress=None):
        return self.rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda n: SparseRows.empty(n + 1), "rows for"),
        (lambda n: SparseRows.single(np.zeros(n, np.int64), np.nan), "not finite"),
        (lambda n: SparseRows.single(np.full(n, 10**6)), "outside"),
    ],
)
def test_a_faulty_method_is_found_out(transfer, rows, message):
    with pytest.raises(ValueError, match=message):
        initialize(transfer, Faulty(rows(len(transfer.overlap.missing))))


def spelling(token):
    return script_of(token.form.decode("utf-8", "replace")), token.word_start


def test_parents_are_of_the_same_script_and_place(transfer):
    wanted = np.ones(len(transfer.overlap.missing), bool)
    rows = script_mean(transfer, wanted)
    assert (rows.lengths > 0).sum() > 100
    for place, target_id in enumerate(transfer.overlap.missing[:200].tolist()):
        parents, weights = rows.row(place)
        assert len(parents) <= MEMBERS
        own = spelling(transfer.target.by_id[target_id])
        assert {spelling(transfer.source.by_id[p]) for p in parents.tolist()} <= {own}
        if len(parents):
            assert weights.sum() == pytest.approx(1)


def test_only_wanted_tokens_and_trained_parents(transfer):
    trained = np.random.default_rng(0).random(transfer.source.size) < 0.5
    wanted = np.random.default_rng(1).random(len(transfer.overlap.missing)) < 0.5
    rows = script_mean(replace(transfer, trained=trained), wanted)
    assert trained[rows.indices].all()
    assert not (rows.lengths[~wanted] > 0).any()
    assert (rows.lengths[wanted] > 0).any()


def test_nothing_wanted_is_nothing_computed(transfer):
    assert not script_mean(transfer, np.zeros(len(transfer.overlap.missing), bool)).lengths.any()


@dataclass(frozen=True)
class Correcting(Subword):
    """Adds what it is given."""

    added: object = None

    def correction(self, transfer, rows, progress=None):
        return self.added


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (lambda shape: np.zeros((3, 2), np.float16), r"an array of shape \(3, 2\); expected"),
        (lambda shape: np.full(shape, np.nan, np.float16), "numbers that are not finite"),
        (lambda shape: np.full(shape, np.inf, np.float16), "numbers that are not finite"),
    ],
)
def test_faulty_corrections_are_refused(transfer, added, message):
    shape = (len(transfer.overlap.missing), transfer.embeddings.shape[1])
    with pytest.raises(ValueError, match=f"Correcting.correction returned {message}"):
        initialize(transfer, Correcting(added=added(shape)))


def test_a_source_token_stands_once_in_a_row(source_tokenizers, target_tokenizers):
    """Those who count or list parents rely on it; `script` draws some twice."""
    transfer = make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])
    mixture = initialize(transfer, get_method("script"))
    for id in transfer.overlap.missing.tolist():
        parents = [parent for parent, _ in mixture.explain(id)]
        assert len(parents) == len(set(parents))
