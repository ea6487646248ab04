"""Crosstabs of tokens."""

from monoglot.report.figures.bars import stacked_bars
from monoglot.report.overlap import MOST_ROWS, crosstab


def test_groups_are_counted_by_part_the_largest_first():
    found = crosstab(["a", "b", "b", "b"], ["x", "x", "y", "y"], ["y", "x"])
    assert found.rows == ("b", "a")
    assert found.counts == ((2, 1), (0, 1))


def test_small_groups_become_one():
    groups = [f"g{number}" for number in range(20) for _ in range(20 - number)]
    found = crosstab(groups, ["x"] * len(groups), ["x"])
    assert len(found.rows) == MOST_ROWS
    assert found.rows[-1] == "others"
    assert sum(sum(row) for row in found.counts) == len(groups)


def test_bars_are_as_long_as_their_share():
    figure = str(stacked_bars("t", crosstab(["a"] * 4, ["x", "y", "y", "y"], ["x", "y"]), {"x": 0, "y": 1}))
    assert "25%" in figure
    assert "75%" in figure
    assert ">4<" in figure
