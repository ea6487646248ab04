"""What every registered method has to keep; a new one that reads files is added to `fixtures.methods`."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from monoglot.initialization.initialize import initialize
from monoglot.initialization.registry import method_names
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from monoglot.tokenization.overlap import Overlap
from monoglot.tokenization.pieces import Pieces
from monoglot.tokenization.vocabulary import Vocabulary
from monoglot.vectors.engine import TokenVectors
from tests.fixtures.methods import example
from tests.fixtures.transfers import make_transfer

PAIRS = [
    ("unigram", "unigram"),
    ("unigram", "byte-level-bpe"),
    ("wordpiece", "unigram"),
    ("sentencepiece-bpe", "sentencepiece-bpe"),
]


@pytest.fixture(params=method_names())
def method(request, tmp_path):
    return example(request.param, tmp_path)


@pytest.fixture(scope="module")
def transfers(source_tokenizers, target_tokenizers):
    """Gives the transfer between two families; each is made once, as no test changes it."""

    @cache
    def made(source: str, target: str, strategy: str) -> Transfer:
        return make_transfer(source_tokenizers[source], target_tokenizers[target], strategy=strategy)

    return made


@pytest.fixture(params=PAIRS, ids="→".join)
def transfer(request, transfers, method):
    return transfers(*request.param, method.matching)


def table(transfer: Transfer, seed: int = 0) -> torch.Tensor:
    """Made-up embeddings, one row for each source id."""
    return torch.randn(transfer.source.size, 16, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def identical(source_tokenizers):
    """The transfer of each family's tokenizer to itself."""
    return [make_transfer(tokenizer, tokenizer, strategy="exact") for tokenizer in source_tokenizers.values()]


def test_identical_vocabularies_give_the_embeddings_back(method, identical):
    for transfer in identical:
        assert torch.equal(initialize(transfer, method).apply(table(transfer)), table(transfer))


def test_overlapping_rows_are_copied_bit_for_bit(method, transfer):
    source, result = table(transfer), initialize(transfer, method).apply(table(transfer))
    assert len(transfer.overlap.target_ids) > 50
    assert torch.equal(result[transfer.overlap.target_ids], source[transfer.overlap.source_ids])


def test_every_row_is_finite_and_answered_for(method, transfer):
    mixture = initialize(transfer, method)
    result = mixture.apply(table(transfer))
    assert mixture.n_target == transfer.target.size
    assert result.isfinite().all()
    is_zero = (result == 0).all(dim=1).numpy()
    assert is_zero.any() == (type(method).__name__ == "Zero")
    assert not len(mixture.where(Provenance.UNUSED))


def test_convex_rows_sum_to_one(method, transfer):
    if not method.is_convex:
        assert initialize(transfer, method).rows.weights.min() <= 0
        return
    mixture = initialize(transfer, method)
    filled = mixture.rows.lengths > 0
    sums = np.add.reduceat(mixture.rows.weights, mixture.rows.indptr[:-1][filled])
    np.testing.assert_allclose(sums, 1, atol=1e-5)


def test_deterministic_and_untouched_by_the_global_generator(method, transfer):
    torch.manual_seed(1)
    first = initialize(transfer, method).apply(table(transfer))
    torch.manual_seed(2)
    np.random.seed(3)  # noqa: NPY002 - the very generator that must not matter
    assert torch.equal(initialize(transfer, method).apply(table(transfer)), first)


def test_permuting_the_target_ids_permutes_the_rows(method, transfer):
    before = initialize(transfer, method)
    new_id = np.random.default_rng(0).permutation(transfer.target.size)
    after = initialize(permuted(transfer, new_id), method)
    steady = before.provenance != Provenance.NOISE  # noise is drawn in the order of the ids
    assert np.array_equal(before.provenance, after.provenance[new_id])
    torch.testing.assert_close(
        before.apply(table(transfer))[steady], after.apply(table(transfer))[new_id][steady], atol=5e-5, rtol=0
    )  # corrections are stored as float16


def permuted(transfer: Transfer, new_id: np.ndarray) -> Transfer:
    """The same transfer with target id ``i`` renamed to ``new_id[i]``."""
    old, order = transfer.overlap, np.argsort(new_id[transfer.overlap.target_ids])
    missing_order = np.argsort(new_id[old.missing])
    tokens = sorted((replace(t, id=int(new_id[t.id])) for t in transfer.target.tokens), key=lambda t: t.id)
    lists = [transfer.pieces.ids[slice(*transfer.pieces.indptr[i : i + 2])] for i in missing_order]
    by_new_id = np.argsort(new_id)
    vectors = transfer.vectors
    cut_source, cut_target = transfer.required_segmenters
    return replace(
        transfer,
        target=replace(transfer.target, tokens=tuple(tokens)),
        overlap=Overlap(
            old.source_ids[order],
            new_id[old.target_ids][order],
            old.kinds[order],
            new_id[old.missing][missing_order],
        ),
        pieces=Pieces(np.cumsum([0, *map(len, lists)]), np.concatenate(lists)),
        vectors=TokenVectors(vectors.matrix[by_new_id], vectors.usable[by_new_id], vectors.counts[by_new_id]),
        segmenters=(cut_source, lambda texts: [new_id[row].tolist() for row in cut_target(texts)]),
    )


def test_no_overlap_and_no_pieces_leave_only_the_last_fallbacks(method, transfer):
    nothing = np.zeros(0, np.int64)
    ids = np.array([token.id for token in transfer.target.tokens])
    bare = replace(
        transfer,
        overlap=Overlap(nothing, nothing, nothing.astype(np.uint8), ids),
        pieces=Pieces(np.zeros(len(ids) + 1, np.int64), nothing),
    )
    mixture = initialize(bare, method)
    assert mixture.apply(table(transfer)).isfinite().all()
    assert set(mixture.provenance) <= {method.fallback[-1], Provenance.METHOD, Provenance.SCRIPT}


def test_untrained_rows_are_not_mixed(method, transfer):
    if not method.ignores_untrained or type(method).__name__ == "Zero":
        return
    trained = np.random.default_rng(1).random(transfer.source.size) < 0.7
    mixture = initialize(replace(transfer, trained=trained), method)
    mixed = np.isin(mixture.provenance, (Provenance.METHOD, Provenance.SUBWORD))
    parents = mixture.rows.select(np.flatnonzero(mixed)).indices
    assert trained[parents].all()


def test_gaps_in_the_target_ids_are_unused_rows(method, source_tokenizers, target_tokenizers):
    transfer = make_transfer(
        source_tokenizers["unigram"], target_tokenizers["unigram"], strategy=method.matching
    )
    vocabulary = transfer.target
    last = replace(vocabulary.tokens[-1], id=vocabulary.size + 4)
    gapped = replace(vocabulary, tokens=(*vocabulary.tokens[:-1], last))
    assert isinstance(gapped, Vocabulary)
    assert gapped.size == vocabulary.size + 5
