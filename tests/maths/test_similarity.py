import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from scipy.linalg import orthogonal_procrustes

from monoglot.maths import similarity
from monoglot.maths.similarity import (
    cosine_sparsemax,
    cosines_to,
    nearest_rows,
    nearest_weights,
    procrustes,
    softmax_of,
    unit_rows,
)
from monoglot.maths.simplex import sparsemax


def dense(rows, columns):
    matrix = np.zeros((len(rows), columns))
    for i in range(len(rows)):
        indices, weights = rows.row(i)
        matrix[i, indices] = weights
    return matrix


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 40), st.integers(1, 60), st.integers(1, 12), st.integers(1, 9), st.integers(0, 2**31),
)  # fmt: skip
def test_blocked_top_k_equals_dense_sparsemax(queries, anchors, dim, first, seed):
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(queries, dim, generator=generator)
    a = torch.randn(anchors, dim, generator=generator)
    expected = (
        sparsemax(unit_rows(q).double() @ unit_rows(a).double().T) if queries else np.zeros((0, anchors))
    )
    got = cosine_sparsemax(q, a, first_candidates=first)
    np.testing.assert_allclose(dense(got, anchors), np.asarray(expected), atol=1e-5)


def test_wide_support_is_found_by_widening_the_candidates():
    # All anchors equal: the support is all of them, far beyond the first candidates.
    anchors = torch.ones(300, 4)
    got = cosine_sparsemax(torch.ones(2, 4), anchors, first_candidates=4)
    assert got.lengths.tolist() == [300, 300]
    np.testing.assert_allclose(got.weights, 1 / 300, rtol=1e-5)


def test_memory_does_not_grow_with_queries_times_anchors(monkeypatch):
    sizes = []
    original = torch.Tensor.topk

    def spy(self, *args, **kwargs):
        sizes.append(self.numel())
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "topk", spy)
    monkeypatch.setattr(similarity, "BLOCK_SCORES", 1000)
    generator = torch.Generator().manual_seed(0)
    cosine_sparsemax(torch.randn(200, 5, generator=generator), torch.randn(50, 5, generator=generator))
    assert max(sizes) <= 1000
    assert sum(sizes) >= 200 * 50


def test_no_anchors_give_empty_rows():
    assert cosine_sparsemax(torch.ones(3, 2), torch.ones(0, 2)).lengths.tolist() == [0, 0, 0]


def test_zero_vector_is_equally_unlike_everything():
    got = cosine_sparsemax(torch.zeros(1, 3), torch.eye(3))
    np.testing.assert_allclose(dense(got, 3), np.full((1, 3), 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_scale_of_vectors_does_not_matter(scale):
    generator = torch.Generator().manual_seed(1)
    q, a = torch.randn(9, 6, generator=generator), torch.randn(30, 6, generator=generator)
    np.testing.assert_allclose(
        dense(cosine_sparsemax(q * scale, a), 30), dense(cosine_sparsemax(q, a), 30), atol=1e-6
    )


@pytest.mark.parametrize("k", [1, 5, 30, 99])
def test_weights_of_the_nearest(k):
    generator = torch.Generator().manual_seed(0)
    q, a = torch.randn(7, 4, generator=generator), torch.randn(30, 4, generator=generator)
    got = dense(nearest_weights(q, a, k, softmax_of(0.1)), 30)
    cosines = (unit_rows(q).double() @ unit_rows(a).double().T).numpy()
    for row, values in zip(got, cosines, strict=True):
        kept = np.argsort(-values)[:k]
        expected = np.zeros(30)
        expected[kept] = np.exp(values[kept] / 0.1) / np.exp(values[kept] / 0.1).sum()
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_all_of_the_nearest_are_sparsemax_of_everything():
    generator = torch.Generator().manual_seed(1)
    q, a = torch.randn(9, 5, generator=generator), torch.randn(40, 5, generator=generator)
    some = dense(nearest_weights(q, a, 40, sparsemax), 40)
    np.testing.assert_allclose(some, dense(cosine_sparsemax(q, a), 40), atol=1e-6)


def test_nothing_near_is_no_weight():
    assert nearest_weights(torch.ones(3, 2), torch.ones(0, 2), 4, sparsemax).lengths.tolist() == [0, 0, 0]


def test_a_rotation_is_found_again():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((50, 6))
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    np.testing.assert_allclose(procrustes(points, points @ rotation), rotation, atol=1e-10)


def test_equals_scipy_on_noise():
    rng = np.random.default_rng(1)
    points, images = rng.standard_normal((2, 40, 5))
    np.testing.assert_allclose(
        procrustes(points, images), orthogonal_procrustes(points, images)[0], atol=1e-10
    )


@pytest.mark.parametrize(("dim", "image_dim"), [(3, 5), (5, 3)])
def test_spaces_of_unequal_width(dim, image_dim):
    rng = np.random.default_rng(2)
    found = procrustes(rng.standard_normal((30, dim)), rng.standard_normal((30, image_dim)))
    product = found @ found.T if dim < image_dim else found.T @ found
    np.testing.assert_allclose(product, np.eye(3), atol=1e-10)


def test_the_nearest_rows_of_a_table():
    table = torch.tensor([[3.0, 4.0], [0.0, 0.0], [4.0, 3.0], [-3.0, -4.0]], dtype=torch.bfloat16)
    allowed = np.array([False, True, True, True])
    found = nearest_rows(table[0], table, allowed, 10)
    assert [row for row, _ in found] == [2, 1, 3]
    np.testing.assert_allclose([cosine for _, cosine in found], [0.96, 0, -1], atol=1e-6)
    np.testing.assert_allclose(cosines_to(table[0], table, np.array([3, 2])), [-1, 0.96], atol=1e-6)
