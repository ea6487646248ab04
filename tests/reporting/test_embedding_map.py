"""The plane of principal components, and lengths of rows."""

import numpy as np
import torch
from hypothesis import given, strategies as st

from monoglot.reporting.embedding_map import fit_plane, row_norms, spread_out


def test_the_plane_shows_the_two_largest_directions():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(500, 6, generator=generator) * torch.tensor([0.1, 5, 0.1, 2, 0.1, 0.1]) + 3
    plane = fit_plane(rows)
    assert np.abs(plane.axes[1, 0]) > 0.99
    assert np.abs(plane.axes[3, 1]) > 0.99
    assert plane.shares[0] > plane.shares[1] > 0.1
    variances = rows.double().numpy().var(axis=0)
    np.testing.assert_allclose(sum(plane.shares), variances[[1, 3]].sum() / variances.sum(), rtol=1e-3)
    np.testing.assert_allclose(plane.place(rows).mean(axis=0), 0, atol=1e-5)


def test_signs_do_not_depend_on_the_library():
    rows = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
    axes = fit_plane(rows).axes
    assert (axes[np.abs(axes).argmax(axis=0), [0, 1]] > 0).all()
    np.testing.assert_array_equal(axes, fit_plane(rows.clone()).axes)


def test_one_dimension_and_equal_rows_are_planes_too():
    assert fit_plane(torch.arange(4.0)[:, None]).axes.tolist() == [[1.0, 0.0]]
    assert np.isfinite(fit_plane(torch.ones(3, 4)).place(torch.ones(2, 4))).all()


@given(st.integers(0, 50), st.integers(1, 20))
def test_spread_out(n, most):
    chosen = spread_out(np.arange(n), most)
    assert len(chosen) == min(n, most) == len(set(chosen.tolist()))


def test_norms():
    table = torch.tensor([[3.0, 4.0], [0.0, 0.0], [4.0, 3.0], [-3.0, -4.0]], dtype=torch.bfloat16)
    np.testing.assert_allclose(row_norms(table), [5, 0, 5, 5])
