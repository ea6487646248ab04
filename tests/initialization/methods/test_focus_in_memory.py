"""`monoglot.focus`: the paper's initialization without a run folder."""

import numpy as np
import pytest
import torch

from monoglot import focus
from monoglot.errors import ModelError, VectorsError
from monoglot.initialization.initialize import initialize
from monoglot.initialization.methods.focus import Focus
from monoglot.initialization.transfer import Transfer
from monoglot.maths.mixture import Provenance
from tests.fixtures.tokenizers import FAMILIES
from tests.fixtures.transfers import made_up_vectors


@pytest.fixture
def given(source_tokenizers, target_tokenizers):
    """Two tokenizers of a family, a source table, and vectors for most target tokens."""

    def make(family):
        source, target = source_tokenizers[family], target_tokenizers[family]
        transfer = Transfer.of(source, target)
        table = torch.randn(transfer.source.size, 8, generator=torch.Generator().manual_seed(1))
        return source, target, table, made_up_vectors(transfer.target.size)

    return make


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_what_the_stages_compute(given, family):
    source, target, table, vectors = given(family)
    transfer = Transfer.of(source, target, embeddings=table, vectors=vectors)
    expected = initialize(transfer, Focus()).apply(table)
    assert torch.equal(focus(source, target, table, vectors), expected)
    unusable = np.where(vectors.usable[:, None], vectors.matrix, 0)
    assert torch.equal(focus(source, target, table, unusable), expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_shared_rows_are_copied_and_others_lie_between_known_ones(given, family):
    source, target, table, vectors = given(family)
    found = focus(source, target, table, vectors)
    transfer = Transfer.of(source, target, embeddings=table, vectors=vectors)
    mixture = initialize(transfer, Focus())
    pairs = transfer.overlap
    assert torch.equal(found[pairs.target_ids], table[pairs.source_ids])
    mixed = mixture.where(Provenance.METHOD)
    assert len(mixed) > 20
    for id in mixed:
        parents, weights = mixture.rows.row(id)
        assert weights.min() > 0
        assert weights.sum() == pytest.approx(1)
        assert (found[id] >= table[parents].min(dim=0).values - 1e-5).all()
        assert (found[id] <= table[parents].max(dim=0).values + 1e-5).all()


def test_the_type_of_the_table_stays(given):
    source, target, table, vectors = given("unigram")
    assert focus(source, target, table.to(torch.bfloat16), vectors).dtype == torch.bfloat16


def test_bad_input_is_one_sentence(given):
    source, target, table, vectors = given("unigram")
    with pytest.raises(VectorsError, match="auxiliary vectors for a vocabulary of"):
        focus(source, target, table, vectors.matrix[:5])
    with pytest.raises(VectorsError, match="a matrix of numbers with a row for each target id"):
        focus(source, target, table, vectors.matrix[0])
    broken = vectors.matrix.copy()
    broken[3, 0] = np.nan
    with pytest.raises(
        VectorsError, match=r"1 auxiliary vectors are not finite in float32 \(the first is row 3\)"
    ):
        focus(source, target, table, broken)
    with pytest.raises(ModelError, match="expected a row for each id"):
        focus(source, target, table[:10], vectors)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda table: table.numpy(), "got ndarray"),
        (lambda table: (table * 100).to(torch.int64), "torch.int64"),
        (lambda table: table[0], "1 dimensions"),
        (lambda table: table.index_fill(0, torch.tensor([7]), float("nan")), "first is row 7"),
        (lambda table: table.index_fill(1, torch.tensor([2]), float("inf")), "first is row 0"),
        (lambda table: None, "got NoneType"),
    ],
)
def test_refuses_what_is_no_table(given, spoil, words):
    source, target, table, vectors = given("unigram")
    with pytest.raises(ModelError, match=words):
        focus(source, target, spoil(table), vectors)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda matrix: np.full(matrix.shape, 1e300), r"not finite in float32 \(the first is row 0\)"),
        (lambda matrix: matrix.astype(complex), "an array of complex128"),
        (lambda matrix: torch.from_numpy(matrix).requires_grad_(), r"got Tensor.*\.detach\(\)\.float\(\)"),
        (lambda matrix: torch.from_numpy(matrix).bfloat16(), r"got Tensor.*\.detach\(\)\.float\(\)"),
        (lambda matrix: [[1.0, 2.0], [3.0]], "got list"),
        (lambda matrix: None, "an array of object"),
    ],
)
def test_refuses_what_are_no_vectors(given, spoil, words):
    source, target, table, vectors = given("unigram")
    with pytest.raises(VectorsError, match=words):
        focus(source, target, table, spoil(vectors.matrix.copy()))
