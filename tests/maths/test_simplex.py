import torch
from hypothesis import given, settings, strategies as st

from monoglot.maths.simplex import sparsemax, sparsemax_of_largest

scores = st.lists(st.floats(-50, 50), min_size=1, max_size=30).map(
    lambda row: torch.tensor([row], dtype=torch.double)
)


def bisection(row: torch.Tensor) -> torch.Tensor:
    """Sparsemax by its definition: the τ at which the parts above it sum to one."""
    low, high = row.max() - 1, row.max()
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if (row - middle).clamp_min(0).sum() > 1 else (low, middle)
    return (row - (low + high) / 2).clamp_min(0)


@settings(deadline=None)
@given(scores)
def test_agrees_with_bisection(row):
    torch.testing.assert_close(sparsemax(row), bisection(row[0])[None], atol=1e-9, rtol=0)


@settings(deadline=None)
@given(scores)
def test_lies_on_the_simplex(row):
    result = sparsemax(row)
    assert (result >= 0).all()
    torch.testing.assert_close(result.sum(), torch.tensor(1.0).double())


@settings(deadline=None)
@given(scores, st.floats(-100, 100))
def test_invariant_under_a_constant(row, constant):
    torch.testing.assert_close(sparsemax(row + constant), sparsemax(row), atol=1e-9, rtol=0)


def test_points_of_the_simplex_stay_where_they_are():
    point = torch.tensor([[0.5, 0.3, 0.2, 0.0]], dtype=torch.double)
    torch.testing.assert_close(sparsemax(point), point)


@settings(deadline=None)
@given(scores, st.integers(1, 30))
def test_a_certain_row_equals_the_whole_row(row, k):
    k = min(k, row.shape[1])
    values, columns = row.topk(k, dim=1)
    weights, certain = sparsemax_of_largest(values, complete=k == row.shape[1])
    if certain:
        torch.testing.assert_close(
            torch.zeros_like(row).scatter(1, columns, weights), sparsemax(row), atol=1e-12, rtol=0
        )


def test_equal_scores_are_uncertain_until_all_are_seen():
    row = torch.zeros(1, 10, dtype=torch.double)
    assert not sparsemax_of_largest(row[:, :5], complete=False)[1]
    assert sparsemax_of_largest(row, complete=True)[1]
