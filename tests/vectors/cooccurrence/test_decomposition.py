"""Positive PMI against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from monoglot.vectors.cooccurrence import decomposition as ppmi
from monoglot.vectors.cooccurrence.decomposition import orthonormal, positive_pmi, scaled_singular_vectors


@pytest.mark.parametrize("block_pairs", [1, 7, 10**6])
@pytest.mark.parametrize(("smoothing", "shift"), [(1.0, 0.0), (0.75, 0.0), (0.75, 0.7), (1.0, -0.5)])
def test_values_are_those_of_the_formula(monkeypatch, block_pairs, smoothing, shift):
    monkeypatch.setattr(ppmi, "BLOCK_PAIRS", block_pairs)
    counts = np.random.default_rng(0).poisson(0.7, (12, 9)) * 3
    counts[[0, 5, 11]] = 0
    counts[:, 4] = 0
    p_row = counts.sum(axis=1, keepdims=True) / counts.sum()
    q_column = counts.sum(axis=0) ** smoothing / (counts.sum(axis=0) ** smoothing).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log(counts / counts.sum() / (p_row * q_column)) - shift
    expected = np.where(counts > 0, np.maximum(pmi, 0), 0)
    matrix = csr_array(counts)
    result = positive_pmi(matrix, smoothing=smoothing, shift=shift)

    np.testing.assert_allclose(result.toarray(), expected, atol=1e-5)
    assert (result.data > 0).all()
    assert result.dtype == np.float32
    assert np.array_equal(matrix.toarray(), counts)


def test_nothing_in_nothing_out():
    assert positive_pmi(csr_array((3, 3), dtype=np.int64)).nnz == 0


def random_matrix(rows: int, columns: int, density: float = 0.1) -> csr_array:
    generator = np.random.default_rng(5)
    return random_array((rows, columns), density=density, format="csr", dtype=np.float32, rng=generator)


@pytest.mark.parametrize("shape", [(200, 90), (90, 200)])
def test_gram_matrix_of_low_rank_is_kept(shape):
    left, right = random_matrix(shape[0], 12), random_matrix(12, shape[1])
    matrix = csr_array(left @ right)
    result = scaled_singular_vectors(matrix, 20, seed=1)

    assert result.shape == (shape[0], 20)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result @ result.T, (matrix @ matrix.T).toarray(), atol=1e-4)


def test_singular_values_are_close_and_descending():
    matrix = random_matrix(300, 200)
    exact = np.linalg.svd(matrix.toarray(), compute_uv=False)[:10]
    one, four = (
        np.linalg.norm(scaled_singular_vectors(matrix, 10, seed=1, power_iterations=iterations), axis=0)
        for iterations in (1, 4)
    )

    assert (np.diff(four) <= 1e-4).all()
    assert np.abs(four / exact - 1).max() < np.abs(one / exact - 1).max() < 0.25
    assert np.abs(four / exact - 1).max() < 0.02


@pytest.mark.parametrize("rank", [5, 150])
def test_bits_do_not_depend_on_threads_but_on_the_seed(rank):
    matrix = random_matrix(3_000, 2_000, 0.01)
    one, two, five, other = (
        scaled_singular_vectors(matrix, rank, seed=seed, threads=threads).tobytes()
        for seed, threads in [(1, 1), (1, 2), (1, 5), (2, 2)]
    )

    assert one == two == five
    assert one != other


def test_small_and_empty_matrices():
    assert scaled_singular_vectors(csr_array((4, 3), dtype=np.float32), 5, seed=1).tolist() == [[0.0] * 3] * 4
    single = csr_array(np.array([[0, 2], [0, 0]], dtype=np.float32))
    assert np.abs(scaled_singular_vectors(single, 2, seed=1)) == pytest.approx(
        np.array([[2, 0], [0, 0]]), abs=1e-5
    )


def test_orthonormal_drops_dependent_columns():
    columns = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    basis = orthonormal(np.concatenate([columns, columns[:, :2]], axis=1))
    gram = basis.T @ basis

    assert np.count_nonzero(np.diag(gram) > 0.5) == 4
    np.testing.assert_allclose(gram, np.diag(np.diag(gram).round()), atol=1e-4)
