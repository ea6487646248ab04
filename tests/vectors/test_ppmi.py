"""Positive PMI against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from monoglot.vectors import ppmi
from monoglot.vectors.ppmi import positive_pmi


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
