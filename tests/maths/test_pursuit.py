import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from monoglot.maths import pursuit
from monoglot.maths.pursuit import matching_pursuit


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def plain(target, atoms, k):
    """Orthogonal matching pursuit as in the textbook, one target at a time."""
    chosen, residual = [], target
    for _ in range(k):
        scores = np.abs(atoms @ residual)
        scores[chosen] = -1
        chosen.append(int(scores.argmax()))
        weights = np.linalg.lstsq(atoms[chosen].T, target, rcond=None)[0]
        residual = target - atoms[chosen].T @ weights
    return dict(sorted(zip(chosen, weights.tolist(), strict=True)))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(8, 40), st.integers(8, 20), st.integers(1, 8), st.integers(0, 2**31))
def test_equals_the_textbook(targets, atoms, dim, k, seed):
    wanted, points = drawn(targets, dim, seed=seed), drawn(atoms, dim, seed=seed + 1)
    rows = matching_pursuit(wanted, points, k)
    for place, target in enumerate(wanted.double().numpy()):
        expected = plain(target, points.double().numpy(), k)
        columns, weights = rows.row(place)
        assert columns.tolist() == list(expected)
        np.testing.assert_allclose(weights, list(expected.values()), rtol=1e-4, atol=1e-5)


def test_blocks_make_no_difference(monkeypatch):
    wanted, points = drawn(50, 12), drawn(70, 12, seed=1)
    whole = matching_pursuit(wanted, points, 5)
    monkeypatch.setattr(pursuit, "MOST_TARGETS", 16)
    parts = matching_pursuit(wanted, points, 5)
    assert np.array_equal(whole.indices, parts.indices)
    np.testing.assert_allclose(whole.weights, parts.weights, atol=1e-6)


def test_a_combination_of_few_atoms_is_found_and_then_it_stops():
    points = torch.eye(30)
    wanted = torch.zeros(2, 30)
    wanted[0, 3], wanted[0, 7] = 2.0, -1.0
    wanted[1, 5] = 0.5
    rows = matching_pursuit(wanted, points, 10)
    assert [rows.row(i)[0].tolist() for i in (0, 1)] == [[3, 7], [5]]
    assert [rows.row(i)[1].tolist() for i in (0, 1)] == [[2.0, -1.0], [0.5]]


def test_repeated_atoms_and_too_many_of_them_give_finite_weights():
    points = drawn(10, 4).repeat(3, 1)
    rows = matching_pursuit(drawn(20, 4, seed=2), points, 64)
    assert rows.lengths.max() <= 4
    assert np.isfinite(rows.weights).all()
    table = np.zeros((20, 30))
    table[np.repeat(np.arange(20), rows.lengths), rows.indices] = rows.weights
    np.testing.assert_allclose(table @ points.numpy(), drawn(20, 4, seed=2).numpy(), atol=1e-4)


@pytest.mark.parametrize(("targets", "atoms"), [(0, 5), (4, 0), (0, 0)])
def test_nothing_to_do(targets, atoms):
    rows = matching_pursuit(torch.ones(targets, 3), torch.ones(atoms, 3), 2)
    assert rows.lengths.tolist() == [int(atoms > 0)] * targets


def test_a_zero_target_has_no_atoms():
    assert matching_pursuit(torch.zeros(2, 3), drawn(5, 3), 2).lengths.tolist() == [0, 0]
