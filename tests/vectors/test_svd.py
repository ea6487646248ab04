"""The randomised decomposition against the exact one, and its bits on several threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from monoglot.vectors.svd import orthonormal, scaled_singular_vectors


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
